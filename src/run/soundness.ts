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
  const { texts } = plan.before;
  for (const [key, governor] of Object.entries(texts)) {
    if (!key.startsWith('governor.') || governor !== 'powersave' || warnings.length > 0) continue;
    // Under intel_pstate "powersave" is the ordinary, load-driven governor.
    const policy = key.slice('governor.'.length);
    if (texts[`scaling_driver.${policy}`]?.startsWith('intel_pstate')) continue;
    reasons.push(`the governor of ${policy} is "powersave" (set it to performance or schedutil)`);
  }
  for (const warning of warnings) {
    if (!HARMLESS.has(warning.code)) reasons.push(warning.message.replace(/\.$/, ''));
  }
  return reasons;
}
