import { median, sorted, variance } from './basics.js';
import { logGamma } from './distributions.js';

/** Two groups of launches: the state is fixed when a process starts and lasts as long as it does. */
export interface LaunchStates {
  /** Values above this limit belong to the upper state. */
  readonly limit: number;
  readonly lowerCount: number;
  readonly upperCount: number;
  /** Median of the upper state ÷ median of the lower one. */
  readonly ratio: number;
}

/** Launches below this number cannot be told from chance. */
export const STATES_MIN_N = 5;

/**
 * How many pooled deviations the widest gap must span: fitted to the 99.5th percentile of samples
 * of one state (log-normal, 5 … 50 launches, 40,000 draws each).
 */
function gapLimit(n: number): number {
  return 1.8 + 20 / (n - 4);
}

/**
 * Looks for two launch states in one value per process: the widest gap between neighbours (in
 * logarithms) must exceed several times the deviation within the two groups that it parts, and
 * their medians must differ by `minimumRatio`.
 */
export function findLaunchStates(
  values: ArrayLike<number>,
  minimumRatio = 1.05,
): LaunchStates | undefined {
  const n = values.length;
  const ascending = sorted(values);
  if (n < STATES_MIN_N || (ascending[0] as number) <= 0) return undefined;
  const logs = ascending.map(Math.log);
  let split = 1;
  let gap = 0;
  for (let i = 1; i < n; i++) {
    const step = (logs[i] as number) - (logs[i - 1] as number);
    if (step > gap) {
      gap = step;
      split = i;
    }
  }
  const lower = logs.subarray(0, split);
  const upper = logs.subarray(split);
  const within =
    (variance(lower) * (lower.length - 1) + variance(upper) * (upper.length - 1)) / (n - 2);
  if (gap <= gapLimit(n) * Math.sqrt(within)) return undefined;
  const ratio = Math.exp(median(upper) - median(lower));
  if (ratio < minimumRatio) return undefined;
  return {
    limit: Math.sqrt((ascending[split - 1] as number) * (ascending[split] as number)),
    lowerCount: split,
    upperCount: n - split,
    ratio,
  };
}

/**
 * Fisher's exact test of a 2 × 2 table [[a, b], [c, d]], two-sided: the sum of all tables with the
 * same margins that are at most as probable.
 */
export function fisherExact(a: number, b: number, c: number, d: number): number {
  const choose = (n: number, k: number) => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  const row = a + b;
  const column = a + c;
  const total = a + b + c + d;
  const probability = (x: number) =>
    Math.exp(choose(row, x) + choose(total - row, column - x) - choose(total, column));
  const observed = probability(a);
  let p = 0;
  for (let x = Math.max(0, column - (total - row)); x <= Math.min(row, column); x++) {
    const each = probability(x);
    if (each <= observed * (1 + 1e-7)) p += each;
  }
  return Math.min(1, p);
}
