import { indexAt, type Readings, updateIntervalNs, valueAt, type Window } from './window.js';

/** Windows shorter than this many updates of their source are bounded, not resolved. */
const RESOLVED_UPDATES = 10;
const CORRELATED_JUMPS = 4;

/**
 * Energy of one source in one window. The truth lies within `joules` ± `boundJ`: for a counter
 * whatever the power did between its updates, for power samples as far as it was monotone between
 * them, and in windows shorter than ten updates with the highest power seen in the recording at
 * both edges.
 */
export interface Energy {
  joules: number;
  boundJ: number;
  /** Of the source: median distance of its changes, or of its readings. */
  intervalNs: number;
  /** The window holds at least ten updates. */
  resolved: boolean;
}

interface Points {
  tNs: number[];
  values: number[];
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function readingIntervalNs({ tNs, periodNs }: Readings): number {
  const gaps: number[] = [];
  for (let i = 1; i < tNs.length; i += 1) gaps.push((tNs[i] as number) - (tNs[i - 1] as number));
  return gaps.length === 0 ? periodNs : median(gaps);
}

/** The first reading, every reading at which the counter had moved. */
function changesOfCounter({ tNs, values }: Readings): Points {
  const points: Points = { tNs: [], values: [] };
  for (let i = 0; i < tNs.length; i += 1) {
    if (i > 0 && values[i] === values[i - 1]) continue;
    points.tNs.push(tNs[i] as number);
    points.values.push(values[i] as number);
  }
  return points;
}

/**
 * A level that is read more often than it changes is a staircase of old values. Its points are the
 * readings at which it changed, and, where it stayed the same for longer than its interval, the
 * moment one interval before it changed.
 */
function changesOfLevel(series: Readings, intervalNs: number): Points {
  const { tNs, values } = series;
  if (intervalNs <= 1.5 * readingIntervalNs(series)) {
    return { tNs: Array.from(tNs), values: Array.from(values) };
  }
  const points: Points = { tNs: [], values: [] };
  for (let i = 0; i < tNs.length; i += 1) {
    const t = tNs[i] as number;
    const last = i === tNs.length - 1;
    if (i > 0 && values[i] === values[i - 1] && !last) continue;
    const previous = points.tNs.at(-1);
    if (previous !== undefined && !last && t - previous > 1.5 * intervalNs) {
      points.tNs.push(t - intervalNs);
      points.values.push(values[i - 1] as number);
    }
    points.tNs.push(t);
    points.values.push(values[i] as number);
  }
  return points;
}

/** Counter at `t`: linear between changes, and on at the last rate beyond the last one. */
function counterAt(points: Points, t: number): number {
  const { tNs, values } = points;
  const last = tNs.length - 1;
  if (t <= (tNs[last] as number)) return valueAt(pointsAsArrays(points), t) as number;
  const dt = (tNs[last] as number) - (tNs[last - 1] as number);
  const rate = ((values[last] as number) - (values[last - 1] as number)) / dt;
  return (values[last] as number) + rate * Math.min(t - (tNs[last] as number), dt);
}

function pointsAsArrays({ tNs, values }: Points) {
  return { tNs: tNs as unknown as Float64Array, values: values as unknown as Float64Array };
}

/**
 * What the position of an edge inside its interval leaves open: the interval's energy may have been
 * spent before the edge, or after it. Also the time between a change and the reading that saw it.
 */
function counterEdgeBound(points: Points, t: number, readNs: number): number {
  const { tNs, values } = points;
  const at = Math.min(Math.max(indexAt(tNs, t), 0), tNs.length - 2);
  const t0 = tNs[at] as number;
  const t1 = tNs[at + 1] as number;
  const energy = (values[at + 1] as number) - (values[at] as number);
  const share = Math.min(1, Math.max(0, (t - t0) / (t1 - t0)));
  const seen = Math.min(1, readNs / (t1 - t0));
  const inside = t === t0 || t === t1 ? 0 : Math.max(share, 1 - share);
  return energy * Math.min(1, inside + seen);
}

/** A source made ready: its energy in any window, or undefined where it told too little. */
export type EnergyMeter = (window: Window) => Energy | undefined;

function counterMeter(series: Readings, readNs: number, intervalNs: number): EnergyMeter {
  const points = changesOfCounter(series);
  // Where readings are as frequent as changes, a reading is the value of its own moment.
  const delayNs = intervalNs > 1.5 * readNs ? readNs : 0;
  return ({ beginNs, endNs }) => {
    if (series.tNs.length < 2) return undefined;
    if (points.tNs.length < 2) {
      // It never moved: nothing was spent, or the counter is stuck. The caller has to judge.
      return { joules: 0, boundJ: 0, intervalNs: endNs - beginNs, resolved: false };
    }
    const microjoules = counterAt(points, endNs) - counterAt(points, beginNs);
    const bound =
      counterEdgeBound(points, beginNs, delayNs) + counterEdgeBound(points, endNs, delayNs);
    return {
      joules: microjoules * 1e-6,
      boundJ: bound * 1e-6,
      intervalNs,
      resolved: endNs - beginNs >= RESOLVED_UPDATES * intervalNs,
    };
  };
}

/** Largest difference of two readings near `t`: what a delayed or averaging sensor may be off by. */
function localRange({ tNs, values }: Points, t: number): number {
  const at = indexAt(tNs, t);
  const near = values.slice(Math.max(0, at - 1), at + 3);
  return near.length === 0 ? 0 : Math.max(...near) - Math.min(...near);
}

/**
 * What lies open between samples: in each interval the integral lies between both rectangles. The
 * largest few jumps may all err to the same side (both flanks of a burst do); the many small ones
 * are independent, so two standard deviations of their sum bound them (uniform: half width ÷ √3).
 */
function insideBound(errors: number[]): number {
  errors.sort((a, b) => b - a);
  let jumps = 0;
  let squares = 0;
  for (const [i, error] of errors.entries()) {
    if (i < CORRELATED_JUMPS) jumps += error;
    else squares += error ** 2;
  }
  return jumps + (2 / Math.sqrt(3)) * Math.sqrt(squares);
}

function levelMeter(series: Readings, readNs: number, intervalNs: number): EnergyMeter {
  const points = changesOfLevel(series, intervalNs);
  const arrays = pointsAsArrays(points);
  let highest = 0;
  for (const value of points.values) highest = Math.max(highest, value);
  return ({ beginNs, endNs }) => {
    if (series.tNs.length === 0) return undefined;
    let lastT = beginNs;
    let lastValue = valueAt(arrays, beginNs) as number;
    let area = 0;
    const errors: number[] = [];
    const add = (t: number, value: number) => {
      area += ((t - lastT) * (value + lastValue)) / 2;
      errors.push((Math.abs(value - lastValue) * (t - lastT)) / 2);
      lastT = t;
      lastValue = value;
    };
    for (let i = Math.max(0, indexAt(points.tNs, beginNs)); i < points.tNs.length; i += 1) {
      const t = points.tNs[i] as number;
      if (t >= endNs) break;
      if (t > beginNs) add(t, points.values[i] as number);
    }
    add(endNs, valueAt(arrays, endNs) as number);
    const resolved = endNs - beginNs >= RESOLVED_UPDATES * intervalNs;
    const edges = (localRange(points, beginNs) + localRange(points, endNs)) * intervalNs;
    const unresolved = resolved ? 0 : 2 * highest * Math.min(intervalNs, endNs - beginNs);
    return {
      joules: area * 1e-15,
      boundJ: Math.max(edges + insideBound(errors), unresolved) * 1e-15,
      intervalNs: Math.max(intervalNs, readNs),
      resolved,
    };
  };
}

/** Prepares a source (µJ counter or µW level) once, for as many windows as are wanted. */
export function energyMeter(series: Readings): EnergyMeter {
  const readNs = readingIntervalNs(series);
  const intervalNs = Math.max(readNs, updateIntervalNs(series) ?? 0);
  return series.counter
    ? counterMeter(series, readNs, intervalNs)
    : levelMeter(series, readNs, intervalNs);
}

/** Energy of a source in one window; undefined where it told too little. */
export function energyOf(series: Readings, window: Window): Energy | undefined {
  return energyMeter(series)(window);
}
