import type { Warning } from '../schema/values.js';
import type { RunPlan } from './plan.js';

/** Warnings that say something about the input or the medium, not about the figures' soundness. */
const HARMLESS = new Set(['prompt-fitted', 'output-moved', 'software-device']);

/**
 * Why `--strict` does not accept a run: before it (no warnings yet) by the machine's state, after it
 * by its warnings.
 */
export function unsoundReasons(plan: RunPlan, warnings: readonly Warning[]): string[] {
  const reasons: string[] = [];
  const governor = Object.entries(plan.before.texts).find(([key]) => /governor/.test(key))?.[1];
  if (governor === 'powersave' && warnings.length === 0) {
    reasons.push('the processor governor is "powersave" (set it to performance or schedutil)');
  }
  for (const warning of warnings) {
    if (!HARMLESS.has(warning.code)) reasons.push(warning.message.replace(/\.$/, ''));
  }
  return reasons;
}
