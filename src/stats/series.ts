import { mean, quantileOfSorted } from './basics.js';
import { normalUpper } from './distributions.js';

const LONGEST_SERIES = 1000;
const BLOCKS = 500;

function blockMeans(values: ArrayLike<number>): Float64Array {
  const all = Float64Array.from(values);
  return Float64Array.from({ length: BLOCKS }, (_, i) => {
    const from = Math.floor((i * all.length) / BLOCKS);
    return mean(all.subarray(from, Math.floor(((i + 1) * all.length) / BLOCKS)));
  });
}

export interface Drift {
  /** Theil-Sen slope over the whole series, relative to its median: 0.1 is 10 % from first to last. */
  readonly relativeChange: number;
  /** Two-sided p of Mann-Kendall's trend test (exact up to 9 samples). */
  readonly p: number;
}

/** How many permutations of n have each number of inversions. */
function inversionCounts(n: number): number[] {
  let counts = [1];
  for (let size = 2; size <= n; size++) {
    const next = new Array<number>(counts.length + size - 1).fill(0);
    counts.forEach((count, inversions) => {
      for (let extra = 0; extra < size; extra++) {
        next[inversions + extra] = (next[inversions + extra] as number) + count;
      }
    });
    counts = next;
  }
  return counts;
}

/**
 * Trend over a series in its order: a device that warms up or throttles. Needs four samples;
 * undefined below. All pairs are looked at, so a long series is first averaged in blocks.
 */
export function drift(series: ArrayLike<number>): Drift | undefined {
  const values = series.length > LONGEST_SERIES ? blockMeans(series) : series;
  const n = values.length;
  if (n < 4) return undefined;
  const slopes = new Float64Array((n * (n - 1)) / 2);
  let k = 0;
  let score = 0;
  let tied = false;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const difference = (values[j] as number) - (values[i] as number);
      slopes[k++] = difference / (j - i);
      score += Math.sign(difference);
      tied ||= difference === 0;
    }
  }
  const slope = quantileOfSorted(slopes.sort(), 0.5);
  const center = quantileOfSorted(Float64Array.from(values).sort(), 0.5);
  return { relativeChange: (slope * (n - 1)) / center, p: trendP(score, n, tied, values) };
}

function trendP(score: number, n: number, tied: boolean, values: ArrayLike<number>): number {
  if (n <= 9 && !tied) {
    const counts = inversionCounts(n);
    const extreme = scoreAtLeast(counts, Math.abs(score), n);
    return Math.min(1, 2 * extreme);
  }
  const sizes = new Map<number, number>();
  for (let i = 0; i < n; i++) {
    const value = values[i] as number;
    sizes.set(value, (sizes.get(value) ?? 0) + 1);
  }
  let doubled = n * (n - 1) * (2 * n + 5);
  for (const size of sizes.values()) doubled -= size * (size - 1) * (2 * size + 5);
  if (doubled === 0) return 1;
  return Math.min(1, 2 * normalUpper((Math.abs(score) - 1) / Math.sqrt(doubled / 18)));
}

/** P(S ≥ s) where S = n(n − 1)/2 − 2 · inversions. */
function scoreAtLeast(counts: readonly number[], s: number, n: number): number {
  const most = Math.floor(((n * (n - 1)) / 2 - s) / 2);
  const all = counts.reduce((a, b) => a + b, 0);
  return counts.slice(0, most + 1).reduce((a, b) => a + b, 0) / all;
}

/** Lag-1 autocorrelation; undefined below four samples or for a constant series. */
export function autocorrelation(values: ArrayLike<number>): number | undefined {
  const n = values.length;
  if (n < 4) return undefined;
  const center = mean(values);
  let cross = 0;
  let total = 0;
  for (let i = 0; i < n; i++) {
    const here = (values[i] as number) - center;
    total += here * here;
    if (i > 0) cross += here * ((values[i - 1] as number) - center);
  }
  return total === 0 ? undefined : cross / total;
}

/**
 * Whether successive samples depend on each other beyond chance (Bartlett's bound at about 5 %
 * two-sided, around the estimate's own expectation of −1/n). Below eight samples it cannot be told.
 */
export function isAutocorrelated(values: ArrayLike<number>): boolean {
  const n = values.length;
  const r = autocorrelation(values);
  return n >= 8 && r !== undefined && Math.abs(r + 1 / n) > 1.96 / Math.sqrt(n);
}
