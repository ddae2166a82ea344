import { deviation, mean, median } from './basics.js';

/** Of four samples two that happen to agree would make the others outliers. */
export const MAD_RULE_MIN_N = 5;
/** Below this size no sample can lie further than 3 sample deviations from the mean. */
export const SIGMA_RULE_MIN_N = 11;

/**
 * Indices of samples further than `limit` sample deviations from the mean: the specification's
 * rule. The largest possible distance is (n − 1)/√n deviations, so it cannot fire for n ≤ 10.
 */
export function sigmaOutliers(values: ArrayLike<number>, limit = 3): number[] {
  const center = mean(values);
  const spread = deviation(values);
  return indicesWhere(values, (value) => Math.abs(value - center) > limit * spread);
}

/**
 * Indices of samples whose modified z-score 0.6745 |x − median| / MAD exceeds `limit` (Iglewicz and
 * Hoaglin, "How to Detect and Handle Outliers", 1993). Where more than half of the samples are
 * equal MAD is 0; the mean absolute deviation takes its place there, with its own constant.
 */
export function madOutliers(values: ArrayLike<number>, limit = 3.5): number[] {
  if (values.length < MAD_RULE_MIN_N) return [];
  const center = median(values);
  const distances = Array.from(values, (value) => Math.abs(value - center));
  const mad = median(distances);
  const scale = mad > 0 ? mad / 0.6745 : mean(distances) * 1.253314;
  if (scale === 0) return [];
  return indicesWhere(distances, (distance) => distance / scale > limit);
}

function indicesWhere(values: ArrayLike<number>, test: (value: number) => boolean): number[] {
  return Array.from(values, (_, index) => index).filter((index) => test(values[index] as number));
}
