import { type Interval, mean, variance } from './basics.js';
import { studentQuantile, studentUpper } from './distributions.js';

export interface WelchResult {
  /** Difference of means, current − baseline. */
  readonly difference: number;
  readonly standardError: number;
  readonly t: number;
  readonly df: number;
  /** P of a difference at least this large if the true one is `margin` or less. */
  readonly pGreater: number;
  /** P of a difference at least this small if the true one is `margin` or more. */
  readonly pLess: number;
}

interface Moments {
  readonly mean: number;
  readonly variance: number;
  readonly n: number;
}

/** Welch's test of unequal variances, from sample moments; each side needs two samples. */
export function welchFromMoments(baseline: Moments, current: Moments, margin = 0): WelchResult {
  const a = baseline.variance / baseline.n;
  const b = current.variance / current.n;
  const standardError = Math.sqrt(a + b);
  const difference = current.mean - baseline.mean;
  const df =
    a + b === 0
      ? baseline.n + current.n - 2
      : (a + b) ** 2 / (a ** 2 / (baseline.n - 1) + b ** 2 / (current.n - 1));
  // Two constant sides: any difference from the margin is certain, none is no evidence.
  const excess = difference - margin;
  const t = excess === 0 ? 0 : excess / standardError;
  return {
    difference,
    standardError,
    t,
    df,
    pGreater: studentUpper(t, df),
    pLess: studentUpper(-t, df),
  };
}

export function welch(
  baseline: ArrayLike<number>,
  current: ArrayLike<number>,
  margin = 0,
): WelchResult {
  const moments = (values: ArrayLike<number>): Moments => ({
    mean: mean(values),
    variance: variance(values),
    n: values.length,
  });
  return welchFromMoments(moments(baseline), moments(current), margin);
}

/** Interval of the difference of means. */
export function welchInterval(result: WelchResult, confidence = 0.95): Interval {
  const half = studentQuantile((1 + confidence) / 2, result.df) * result.standardError;
  return { low: result.difference - half, high: result.difference + half };
}
