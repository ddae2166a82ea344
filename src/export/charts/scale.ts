import { formatNumber } from '../format.js';

/** A mapping of values to coordinates with the values at which an axis is labelled. */
export interface Scale {
  (value: number): number;
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
  readonly ticks: readonly number[];
}

function scaleOf(
  map: (value: number) => number,
  domain: readonly [number, number],
  range: readonly [number, number],
  ticks: readonly number[],
): Scale {
  return Object.assign((value: number) => map(value), { domain, range, ticks });
}

/** Steps of 1, 2 or 5 times a power of ten; about `count` of them in the domain. */
export function niceStep(span: number, count: number): number {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = rough / power;
  return power * (factor >= 7.07 ? 10 : factor >= 3.16 ? 5 : factor >= 1.41 ? 2 : 1);
}

export function linearTicks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const step = niceStep(high - low, count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** A linear scale; `nice` widens the domain to whole steps. */
export function linearScale(
  low: number,
  high: number,
  range: readonly [number, number],
  options: { ticks?: number; nice?: boolean } = {},
): Scale {
  const { ticks = 5, nice = true } = options;
  const width = high > low ? high - low : Math.abs(high) || 1;
  let [from, to] = high > low ? [low, high] : [low - width / 2, high + width / 2];
  if (low >= 0 && from < 0) from = 0;
  if (nice) {
    const step = niceStep(to - from, ticks);
    from = Number((Math.floor(from / step + 1e-9) * step).toPrecision(12));
    to = Number((Math.ceil(to / step - 1e-9) * step).toPrecision(12));
  }
  const factor = (range[1] - range[0]) / (to - from);
  return scaleOf(
    (value) => range[0] + (value - from) * factor,
    [from, to],
    range,
    linearTicks(from, to, ticks),
  );
}

/** A logarithmic scale of base 10 over positive values, ticked at 1, 10, 100 … (and 2, 5 if short). */
export function logScale(low: number, high: number, range: readonly [number, number]): Scale {
  const from = Math.log10(low);
  const to = high > low ? Math.log10(high) : from + 1;
  const factor = (range[1] - range[0]) / (to - from);
  const marks = to - from < 2.5 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(from); power <= Math.ceil(to); power++) {
    for (const mark of marks) {
      const value = Number((mark * 10 ** power).toPrecision(6));
      if (value >= low * 0.999 && value <= 10 ** to * 1.001) ticks.push(value);
    }
  }
  return scaleOf(
    (value) => range[0] + (Math.log10(value) - from) * factor,
    [low, 10 ** to],
    range,
    ticks,
  );
}

/** Places for `count` equal things: the middle of each, and the width that it may fill. */
export function bandScale(count: number, range: readonly [number, number], padding = 0.25) {
  const step = (range[1] - range[0]) / Math.max(1, count);
  return {
    center: (index: number) => range[0] + step * (index + 0.5),
    width: Math.abs(step) * (1 - padding),
  };
}

/** Shortest text of a tick: "1.5", "20k". All ticks of an axis get the same number of digits. */
export function tickText(value: number, ticks: readonly number[]): string {
  const largest = Math.max(...ticks.map(Math.abs));
  if (largest >= 10_000_000) return `${Number((value / 1e6).toPrecision(6))}M`;
  if (largest >= 10_000) return `${Number((value / 1e3).toPrecision(6))}k`;
  const digits = Math.max(
    ...ticks.map((tick) => (String(Number(tick.toPrecision(8))).split('.')[1] ?? '').length),
  );
  return formatNumber(value, Math.min(digits, 6));
}
