import type { NativeRecording, NativeSeries, NativeSnapshot } from '../../src/native/binding.js';

/** Power in watts at a time in nanoseconds. */
export type Curve = (t: number) => number;

export const SECOND = 1e9;

/** A small generator of its own, so that a failing case can be repeated. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Joules of a curve between two times, by midpoint sums of half a millisecond or less. */
export function truth(curve: Curve, beginNs: number, endNs: number): number {
  const steps = Math.max(4, Math.ceil((endNs - beginNs) / 0.5e6));
  const h = (endNs - beginNs) / steps;
  let sum = 0;
  for (let i = 0; i < steps; i += 1) sum += curve(beginNs + (i + 0.5) * h);
  return (sum * h) / 1e9;
}

export function makeSeries(points: [t: number, value: number][], more: Partial<NativeSeries> = {}) {
  return {
    source: 'hwmon:hwmon0',
    quantity: 'power_uw',
    label: 'rail',
    component: 'system',
    counter: false,
    inTotal: false,
    periodNs: 10e6,
    note: '',
    hardwareLimit: 0,
    tNs: Float64Array.from(points.map(([t]) => t)),
    values: Float64Array.from(points.map(([, value]) => value)),
    ...more,
  } satisfies NativeSeries;
}

export interface SourceOptions {
  /** How often the source measures, and by what share of that its moments vary. */
  intervalNs: number;
  jitter?: number;
  /** Share of measurements that never arrive. */
  drop?: number;
  /** How often it is read; its own interval without. */
  readNs?: number;
  counter?: boolean;
  seed?: number;
}

/**
 * What a source shows of a curve between 0 and `endNs`: its measurements happen at its own moments
 * and are held until the next one; a counter's value is the exact energy so far.
 */
export function observeCurve(curve: Curve, endNs: number, options: SourceOptions): NativeSeries {
  const { intervalNs, jitter = 0, drop = 0, counter = false } = options;
  const next = random(options.seed ?? 1);
  const moments: number[] = [];
  for (let k = 0; k * intervalNs <= endNs; k += 1) {
    const t = k * intervalNs + (k === 0 ? 0 : (next() - 0.5) * jitter * intervalNs);
    if (k === 0 || next() >= drop) moments.push(Math.min(t, endNs));
  }
  let energy = 0;
  let last = 0;
  const measured = moments.map((t): [number, number] => {
    if (!counter) return [t, curve(t) * 1e6];
    energy += truth(curve, last, t) * 1e6;
    last = t;
    return [t, energy];
  });
  const read = options.readNs;
  if (read === undefined) return makeSeries(measured, seriesFacts(counter, intervalNs));
  const points: [number, number][] = [];
  let at = 0;
  for (let t = 0; t <= endNs; t += read) {
    while (at + 1 < measured.length && (measured[at + 1] as [number, number])[0] <= t) at += 1;
    points.push([t, (measured[at] as [number, number])[1]]);
  }
  return makeSeries(points, seriesFacts(counter, read));
}

function seriesFacts(counter: boolean, periodNs: number): Partial<NativeSeries> {
  return { counter, quantity: counter ? 'energy_uj' : 'power_uw', periodNs, inTotal: true };
}

export function makeRecording(
  series: NativeSeries[],
  endNs = 10 * SECOND,
  more: Partial<NativeRecording> = {},
): NativeRecording {
  return {
    series,
    missing: [],
    beginNs: 0,
    endNs,
    samplerCpuNs: 0,
    ticks: 100,
    lateTicks: 0,
    fakeRoots: false,
    ...more,
  };
}

export function makeSnapshot(
  numbers: Record<string, number>,
  texts: Record<string, string> = {},
): NativeSnapshot {
  return { tNs: 0, numbers, texts };
}
