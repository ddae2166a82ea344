import type { Warning } from '../schema/values.js';
import { scoreOf, snapshotWarnings } from '../telemetry/index.js';
import type { RunPlan } from './plan.js';

/** Under --strict a run must score this much of 100. */
const STRICT_FROM = 80;

/**
 * Why `--strict` does not accept a run: before it (no warnings yet) by the machine's state, after it
 * by its warnings, too. Empty when the run is sound.
 */
export function unsoundReasons(plan: RunPlan, warnings: readonly Warning[]): string[] {
  const { score, reasons } = scoreOf([...snapshotWarnings(plan.before), ...warnings]);
  if (score >= STRICT_FROM) return [];
  return reasons.map(({ message }) => message.replace(/\.$/, ''));
}
