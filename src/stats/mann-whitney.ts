import { type Interval, sorted } from './basics.js';
import { normalQuantile, normalUpper } from './distributions.js';

/** Up to this many pooled samples all counts stay below 2^53 and the distribution is exact. */
export const EXACT_LIMIT = 50;
/** With ties the distribution is made anew for each data set, so its use ends earlier. */
const EXACT_LIMIT_TIED = 24;

export interface RankTest {
  /** Pairs in which the current sample is the larger one; ties count one half. */
  readonly u: number;
  /** P of a U at least this large if neither side tends to be larger. */
  readonly pGreater: number;
  readonly pLess: number;
  readonly method: 'exact' | 'normal';
}

interface Ranks {
  /** Ranks of the pooled samples, ascending, times two: whole numbers even for ties. */
  readonly pooled: Int32Array;
  /** Their sum over the current side. */
  readonly sum: number;
  /** Sizes of the groups of equal values. */
  readonly ties: readonly number[];
}

function doubledRanks(baseline: ArrayLike<number>, current: ArrayLike<number>): Ranks {
  const all = new Float64Array(baseline.length + current.length);
  all.set(baseline, 0);
  all.set(current, baseline.length);
  all.sort();
  const own = sorted(current);
  const pooled = new Int32Array(all.length);
  const ties: number[] = [];
  let sum = 0;
  let next = 0;
  for (let start = 0; start < all.length; ) {
    const value = all[start] as number;
    let end = start;
    while (end < all.length && all[end] === value) end += 1;
    pooled.fill(start + end + 1, start, end);
    ties.push(end - start);
    for (; next < own.length && own[next] === value; next++) sum += start + end + 1;
    start = end;
  }
  return { pooled, sum, ties };
}

/**
 * How many of the subsets of `size` ranks have each sum: the permutation distribution of the rank
 * sum, exact with ties as well.
 */
function subsetSumCounts(ranks: Int32Array, size: number): Float64Array {
  const total = ranks.reduce((a, b) => a + b, 0);
  const width = total + 1;
  const counts = new Float64Array((size + 1) * width);
  counts[0] = 1;
  let used = 0;
  let reach = 0;
  for (const rank of ranks) {
    used = Math.min(used + 1, size);
    reach += rank;
    for (let k = used; k >= 1; k--) {
      for (let s = reach; s >= rank; s--) {
        const from = counts[(k - 1) * width + s - rank] as number;
        if (from !== 0) counts[k * width + s] = (counts[k * width + s] as number) + from;
      }
    }
  }
  return counts.subarray(size * width);
}

/** P(sum ≥ s) at index s of the permutation distribution; one entry beyond the largest sum. */
function upperTails(counts: Float64Array): Float64Array {
  const tails = new Float64Array(counts.length + 1);
  for (let s = counts.length - 1; s >= 0; s--) {
    tails[s] = (tails[s + 1] as number) + (counts[s] as number);
  }
  const all = tails[0] as number;
  return tails.map((tail) => tail / all);
}

const untiedCache = new Map<string, Float64Array>();

/** Upper tails of U = 0 … m·n without ties: depends on the sizes only, so it is kept. */
function untiedTails(m: number, n: number): Float64Array {
  const key = `${m},${n}`;
  let tails = untiedCache.get(key);
  if (tails === undefined) {
    const ranks = Int32Array.from({ length: m + n }, (_, i) => i + 1);
    const least = (n * (n + 1)) / 2;
    tails = upperTails(subsetSumCounts(ranks, n).subarray(least, least + m * n + 1));
    untiedCache.set(key, tails);
  }
  return tails;
}

/** P(sum ≥ observed) and P(sum ≤ observed) of the doubled rank sum of `size` of the ranks. */
function exactTails(ranks: Int32Array, size: number, observed: number, tied: boolean) {
  if (!tied) {
    const tails = untiedTails(ranks.length - size, size);
    const u = (observed - size * (size + 1)) / 2;
    const most = (ranks.length - size) * size;
    return { pGreater: tails[u] as number, pLess: tails[most - u] as number };
  }
  const counts = subsetSumCounts(ranks, size);
  const below = upperTails(counts.slice().reverse());
  return {
    pGreater: upperTails(counts)[observed] as number,
    pLess: below[counts.length - 1 - observed] as number,
  };
}

export interface RankTestOptions {
  readonly method?: 'exact' | 'normal' | undefined;
}

/**
 * Mann-Whitney U test of two independent samples, one-sided both ways. Exact (permutation
 * distribution of the ranks at hand) up to EXACT_LIMIT pooled samples, or EXACT_LIMIT_TIED with ties;
 * beyond it the normal approximation with tie and continuity correction.
 */
export function mannWhitney(
  baseline: ArrayLike<number>,
  current: ArrayLike<number>,
  options: RankTestOptions = {},
): RankTest {
  const m = baseline.length;
  const n = current.length;
  const { pooled, sum, ties } = doubledRanks(baseline, current);
  const u = sum / 2 - (n * (n + 1)) / 2;
  const tied = ties.length < pooled.length;
  const limit = tied ? EXACT_LIMIT_TIED : EXACT_LIMIT;
  const method = options.method ?? (m + n <= limit ? 'exact' : 'normal');
  if (method === 'exact') {
    return { u, ...exactTails(pooled, n, sum, tied), method };
  }
  const total = m + n;
  const tieSum = ties.reduce((a, t) => a + (t ** 3 - t), 0);
  const sd = Math.sqrt(((m * n) / 12) * (total + 1 - tieSum / (total * (total - 1))));
  const center = (m * n) / 2;
  if (sd === 0) return { u, pGreater: 1, pLess: 1, method };
  return {
    u,
    pGreater: normalUpper((u - center - 0.5) / sd),
    pLess: normalUpper((center - u - 0.5) / sd),
    method,
  };
}

/** The smallest one-sided p that an exact test of these sizes can give: 1 / C(m + n, n). */
export function smallestP(m: number, n: number): number {
  let p = 1;
  for (let i = 1; i <= Math.min(m, n); i++) p *= i / (Math.max(m, n) + i);
  return p;
}

/** Up to this many differences are made and sorted; beyond, they are counted. */
const MOST_LISTED = 4096;
/** Halvings after which the width is 1e-16 of the first one. */
const BISECTIONS = 54;

/**
 * Gives the k-th smallest (from 0) of the m·n differences current − baseline of ascending samples.
 * Many differences are not made: bisection over the value, counting in O(m + n), finds one to 1e-16
 * of their range.
 */
function rankedDifferences(baseline: Float64Array, current: Float64Array): (k: number) => number {
  const m = baseline.length;
  const n = current.length;
  if (m * n <= MOST_LISTED) {
    const all = new Float64Array(m * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        all[i * m + j] = (current[i] as number) - (baseline[j] as number);
      }
    }
    all.sort();
    return (k) => all[k] as number;
  }
  const atMost = (limit: number): number => {
    let total = 0;
    let first = 0;
    for (const value of current) {
      while (first < m && value - (baseline[first] as number) > limit) first += 1;
      total += m - first;
    }
    return total;
  };
  return (k) => {
    let high = (current[n - 1] as number) - (baseline[0] as number);
    let low = (current[0] as number) - (baseline[m - 1] as number);
    if (atMost(low) > k) return low;
    for (let step = 0; step < BISECTIONS; step++) {
      const middle = low + (high - low) / 2;
      if (middle <= low || middle >= high) break;
      if (atMost(middle) > k) high = middle;
      else low = middle;
    }
    return high;
  };
}

/**
 * How many of the smallest differences lie outside a two-sided interval of at least `confidence`;
 * −1 where the samples are too few for it.
 */
function trimmed(m: number, n: number, confidence: number): number {
  const tail = (1 - confidence) / 2;
  if (m + n > EXACT_LIMIT) {
    const sd = Math.sqrt((m * n * (m + n + 1)) / 12);
    return Math.floor((m * n) / 2 + normalQuantile(tail) * sd - 0.5);
  }
  // P(U ≤ u) by the symmetry of the distribution without ties.
  const tails = untiedTails(m, n);
  let u = 0;
  while (u <= m * n && (tails[m * n - u] as number) <= tail) u += 1;
  return u - 1;
}

export interface Shift {
  /** Hodges-Lehmann estimate: the median of all differences. */
  readonly estimate: number;
  /** Intervals of the shift by inverting the rank test (Moses); undefined where n is too small. */
  readonly intervals: readonly (Interval | undefined)[];
}

/** Hodges-Lehmann shift of two samples, with one interval per asked confidence. */
export function hodgesLehmann(
  baseline: ArrayLike<number>,
  current: ArrayLike<number>,
  confidences: readonly number[] = [0.95],
): Shift {
  const m = baseline.length;
  const n = current.length;
  const ranked = rankedDifferences(sorted(baseline), sorted(current));
  const last = m * n - 1;
  return {
    estimate: (ranked(Math.floor(last / 2)) + ranked(Math.ceil(last / 2))) / 2,
    intervals: confidences.map((confidence) => {
      const cut = trimmed(m, n, confidence);
      return cut < 0 ? undefined : { low: ranked(cut), high: ranked(last - cut) };
    }),
  };
}
