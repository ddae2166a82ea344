import type { Comparison } from './types.js';

export type FailOn = 'regression' | 'inconclusive' | 'never';

export interface ExitPolicy {
  readonly failOn?: FailOn | undefined;
  /** Inconclusive and indicative comparisons fail as well. */
  readonly strict?: boolean | undefined;
}

/**
 * 0: nothing worse beyond the threshold; 1: regression; 3: no verdict is possible (a simulated
 * device); 4: inconclusive, only where the policy asks for a conclusion. Between different devices
 * a difference is no regression, so it fails only where `failOn` was given.
 */
export function exitCodeOf(comparison: Comparison, policy: ExitPolicy = {}): 0 | 1 | 3 | 4 {
  const { failOn, strict = false } = policy;
  if (failOn === 'never') return 0;
  const sameDevice = comparison.cases.every((entry) => entry.relation !== 'different devices');
  if (comparison.verdict === 'regression') return sameDevice || failOn !== undefined ? 1 : 0;
  if (comparison.verdict === 'not judged') return 3;
  const demanding = strict || failOn === 'inconclusive';
  if (!demanding) return 0;
  const indicative = comparison.cases.some((entry) =>
    entry.metrics.some((metric) => metric.gated && metric.indicative),
  );
  return comparison.verdict === 'inconclusive' || indicative ? 4 : 0;
}
