import type { NativeRecording, NativeSeries } from '../native/binding.js';

/** A stretch of the monotonic clock. */
export interface Window {
  beginNs: number;
  endNs: number;
}

/** A window with a name of its own: "load", "prefill", "decode". */
export interface Phase extends Window {
  name: string;
}

/** What the functions here need of a series; a part of NativeSeries. */
export type Readings = Pick<NativeSeries, 'tNs' | 'values' | 'counter' | 'periodNs'>;

export function seriesOf(
  recording: NativeRecording,
  quantity: string,
  component?: string,
): NativeSeries[] {
  return recording.series.filter(
    (one) => one.quantity === quantity && (component === undefined || one.component === component),
  );
}

/** Index of the last reading at or before `t`, or -1. */
export function indexAt(tNs: ArrayLike<number>, t: number): number {
  let low = 0;
  let high = tNs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tNs[middle] as number) <= t) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Linear between readings, constant beyond the first and last; undefined without readings. */
export function valueAt({ tNs, values }: Pick<Readings, 'tNs' | 'values'>, t: number) {
  const before = indexAt(tNs, t);
  if (tNs.length === 0) return undefined;
  if (before < 0) return values[0] as number;
  if (before >= tNs.length - 1) return values[tNs.length - 1] as number;
  const t0 = tNs[before] as number;
  const t1 = tNs[before + 1] as number;
  const v0 = values[before] as number;
  const v1 = values[before + 1] as number;
  return t1 > t0 ? v0 + ((v1 - v0) * (t - t0)) / (t1 - t0) : v1;
}

/** Readings inside a window. */
export function cut(series: Readings, { beginNs, endNs }: Window): { t: number; value: number }[] {
  const points: { t: number; value: number }[] = [];
  for (let i = indexAt(series.tNs, beginNs - 1) + 1; i < series.tNs.length; i += 1) {
    const t = series.tNs[i] as number;
    if (t > endNs) break;
    if (t >= beginNs) points.push({ t, value: series.values[i] as number });
  }
  return points;
}

/** Growth of a counter over a window, edges interpolated; undefined with fewer than two readings. */
export function growth(series: Readings, { beginNs, endNs }: Window): number | undefined {
  if (series.tNs.length < 2) return undefined;
  const begin = valueAt(series, beginNs);
  const end = valueAt(series, endNs);
  return begin === undefined || end === undefined ? undefined : end - begin;
}

/**
 * Time-weighted mean of a level over a window, edges interpolated; undefined without readings. A
 * window between two readings gets the value between them.
 */
export function mean(series: Readings, { beginNs, endNs }: Window): number | undefined {
  const begin = valueAt(series, beginNs);
  const end = valueAt(series, endNs);
  if (begin === undefined || end === undefined) return undefined;
  if (endNs <= beginNs) return begin;
  let area = 0;
  let last = { t: beginNs, value: begin };
  for (const point of [...cut(series, { beginNs, endNs }), { t: endNs, value: end }]) {
    area += ((point.t - last.t) * (point.value + last.value)) / 2;
    last = point;
  }
  return area / (endNs - beginNs);
}

/** Largest value of a level in a window, the edges included; undefined without readings. */
export function peak(series: Readings, { beginNs, endNs }: Window): number | undefined {
  const edges = [valueAt(series, beginNs), valueAt(series, endNs)];
  if (edges[0] === undefined || edges[1] === undefined) return undefined;
  let highest = Math.max(edges[0], edges[1]);
  for (const { value } of cut(series, { beginNs, endNs })) highest = Math.max(highest, value);
  return highest;
}

/**
 * How often the source itself changes: the median distance of two changes seen, never less than the
 * median distance of two readings. undefined where fewer than three changes were seen: a constant
 * level and a source that is stuck look the same.
 */
export function updateIntervalNs({ tNs, values }: Pick<Readings, 'tNs' | 'values'>) {
  const gaps: number[] = [];
  let lastChange: number | undefined;
  for (let i = 1; i < tNs.length; i += 1) {
    if (values[i] === values[i - 1]) continue;
    const t = tNs[i] as number;
    if (lastChange !== undefined) gaps.push(t - lastChange);
    lastChange = t;
  }
  if (gaps.length < 2) return undefined;
  gaps.sort((a, b) => a - b);
  return gaps[gaps.length >> 1] as number;
}
