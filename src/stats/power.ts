import { normalQuantile, studentQuantile } from './distributions.js';

/** Power that "detectable" and "would settle it" mean throughout. */
export const POWER = 0.95;
const ALPHA = 0.05;
/** Asymptotic efficiency of the rank test on normal noise, 3/π. */
const RANK_EFFICIENCY = 3 / Math.PI;

/**
 * Smallest true change, as a ratio above 1, that a one-sided test against `margin` (a ratio) finds
 * in 95 % of comparisons. `deviation` is the pooled deviation of the logarithms.
 */
export function minimumDetectableRatio(
  deviation: number,
  baselineN: number,
  currentN: number,
  margin = 1,
): number {
  const df = baselineN + currentN - 2;
  const error = deviation * Math.sqrt((1 / baselineN + 1 / currentN) / RANK_EFFICIENCY);
  return margin * Math.exp((studentQuantile(1 - ALPHA, df) + studentQuantile(POWER, df)) * error);
}

/**
 * Samples a side that a comparison needs so that a distance of `distance` (in logarithms) between
 * the estimate and a limit is told apart from noise in 95 % of cases.
 */
export function samplesNeeded(deviation: number, distance: number): number {
  if (distance <= 0) return Infinity;
  const z = normalQuantile(1 - ALPHA) + normalQuantile(POWER);
  return Math.max(4, Math.ceil((2 * (deviation * z) ** 2) / distance ** 2 / RANK_EFFICIENCY));
}
