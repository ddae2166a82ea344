/** Ascending copy; typed, because its sort is numeric and fast. */
export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** Sum with Neumaier's compensation, so that a mean does not depend on the order of samples. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  return total + lost;
}

export function mean(values: ArrayLike<number>): number {
  return sum(values) / values.length;
}

/** Sample variance (n − 1); 0 for a single value. */
export function variance(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const center = mean(values);
  return sum(Array.from(values, (value) => (value - center) ** 2)) / (values.length - 1);
}

export function deviation(values: ArrayLike<number>): number {
  return Math.sqrt(variance(values));
}

/**
 * Quantile of an ascending list by linear interpolation between order statistics: Hyndman and
 * Fan's type 7, as in NumPy, R and spreadsheets.
 */
export function quantileOfSorted(ascending: ArrayLike<number>, p: number): number {
  const position = (ascending.length - 1) * p;
  const index = Math.floor(position);
  const low = ascending[index] as number;
  const high = ascending[Math.min(index + 1, ascending.length - 1)] as number;
  return low + (position - index) * (high - low);
}

export function quantile(values: ArrayLike<number>, p: number): number {
  return quantileOfSorted(sorted(values), p);
}

export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/** Smallest and largest value; no spread of arguments, which a long list would overflow. */
export function extent(values: ArrayLike<number>): Interval {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}
