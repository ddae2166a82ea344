export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * A line of at most about two points per bucket that keeps every peak: of each bucket its lowest and
 * its highest point stay, in their order. NaN values break the line and are dropped.
 */
export function minMaxEnvelope(points: readonly Point[], buckets: number): Point[] {
  const known = points.filter(({ y }) => Number.isFinite(y));
  if (known.length <= 2 * buckets) return known;
  const size = known.length / buckets;
  const kept: Point[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = Math.floor(bucket * size);
    const end = Math.min(known.length, Math.floor((bucket + 1) * size));
    let low = start;
    let high = start;
    for (let i = start + 1; i < end; i++) {
      const y = (known[i] as Point).y;
      if (y < (known[low] as Point).y) low = i;
      if (y > (known[high] as Point).y) high = i;
    }
    kept.push(known[Math.min(low, high)] as Point);
    if (low !== high) kept.push(known[Math.max(low, high)] as Point);
  }
  return kept;
}

/** Lower and upper bound and median of `count` buckets of neighbouring entries. */
export interface Band {
  readonly x: number;
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/**
 * For each bucket of positions the spread over all series: `series[k][i]` is the value of series k
 * at position i; series may have different lengths. `quantile` of a sorted list is injected.
 */
export function bandOf(
  series: readonly (readonly number[])[],
  buckets: number,
  quantile: (sorted: Float64Array, p: number) => number,
  tail: number,
): Band[] {
  const length = Math.max(0, ...series.map((values) => values.length));
  const count = Math.min(length, buckets);
  const bands: Band[] = [];
  for (let bucket = 0; bucket < count; bucket++) {
    const start = Math.floor((bucket * length) / count);
    const end = Math.floor(((bucket + 1) * length) / count);
    const values: number[] = [];
    for (const entry of series) {
      for (let i = start; i < Math.min(end, entry.length); i++) values.push(entry[i] as number);
    }
    if (values.length === 0) continue;
    const ascending = Float64Array.from(values).sort();
    bands.push({
      x: (start + end - 1) / 2,
      low: quantile(ascending, tail),
      median: quantile(ascending, 0.5),
      high: quantile(ascending, 1 - tail),
    });
  }
  return bands;
}
