import type { StatisticBlock } from '../schema/values.js';
import { deviation, type Interval, mean, quantileOfSorted, sorted } from './basics.js';
import { studentQuantile } from './distributions.js';
import { madOutliers } from './outliers.js';

/** Student's t interval of the mean; needs two values. */
export function meanInterval(values: ArrayLike<number>, confidence = 0.95): Interval {
  const half =
    (studentQuantile((1 + confidence) / 2, values.length - 1) * deviation(values)) /
    Math.sqrt(values.length);
  const center = mean(values);
  return { low: center - half, high: center + half };
}

/**
 * A p-th percentile is only told when at least one sample is expected beyond it: with fewer it is
 * the maximum under another name.
 */
function percentileIfResolved(ascending: Float64Array, p: number): number | undefined {
  return ascending.length * (1 - p) >= 1 - 1e-9 ? quantileOfSorted(ascending, p) : undefined;
}

/**
 * The statistic block of a metric. `labels` names the samples in `outliers` (iteration numbers);
 * by default they count from 1. Returns undefined for no samples: nothing is known then.
 */
export function summarize(
  values: ArrayLike<number>,
  labels?: readonly number[],
): StatisticBlock | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const ascending = sorted(values);
  const block: StatisticBlock = {
    mean: mean(values),
    std: deviation(values),
    min: ascending[0] as number,
    max: ascending[n - 1] as number,
    median: quantileOfSorted(ascending, 0.5),
    n,
  };
  for (const [key, p] of [
    ['p90', 0.9],
    ['p95', 0.95],
    ['p99', 0.99],
  ] as const) {
    const value = percentileIfResolved(ascending, p);
    if (value !== undefined) block[key] = value;
  }
  if (n >= 2) {
    const interval = meanInterval(values);
    block.ci95_low = interval.low;
    block.ci95_high = interval.high;
  }
  const marked = madOutliers(values);
  if (marked.length > 0) block.outliers = marked.map((index) => labels?.[index] ?? index + 1);
  return block;
}
