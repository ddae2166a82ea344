import type { NativeRecording, NativeSeries } from '../native/binding.js';
import { type Energy, type EnergyMeter, energyMeter } from './energy.js';
import { cut, type Phase, valueAt, type Window } from './window.js';

/** Shorter stretches of an energy counter say more about its steps than about power. */
const SHORTEST_PEAK_NS = 10e6;
const IDLE_SHORTEST_NS = 100e6;

export interface PhaseEnergy extends Energy {
  name: string;
  durationNs: number;
  averageW: number;
  /** Without what the machine draws when idle; absent without a baseline. */
  netJoules?: number;
}

export interface PowerReport {
  /** "powercap:intel-rapl:0 (package-0)" … : what was summed. */
  rails: string[];
  method: string;
  /** The slowest of the summed sources. */
  intervalNs: number;
  total: PhaseEnergy;
  phases: PhaseEnergy[];
  peakW?: number;
  /** Baseline before the run, of the same sources. */
  idleW?: number;
}

/** The series that make up the document's total; none is part of another. */
export function totalSeries(recording: NativeRecording): NativeSeries[] {
  return recording.series.filter(
    (one) => one.inTotal && (one.quantity === 'energy_uj' || one.quantity === 'power_uw'),
  );
}

function methodOf(series: readonly NativeSeries[]): string {
  const source = (series[0] as NativeSeries).source;
  const counters = series.every((one) => one.counter);
  if (source === 'meter') return 'external meter';
  if (source.startsWith('powercap:')) return 'energy counters (powercap)';
  if (source.startsWith('power_supply:') || source === 'battery') return 'battery power';
  if (source.startsWith('iio:')) return 'energy counters of power rails (IIO)';
  if (source === 'emi') return 'energy meter interface';
  return counters ? 'energy counters (hwmon)' : 'power sensors (hwmon)';
}

function sumOf(meters: readonly EnergyMeter[], window: Window): Energy | undefined {
  let sum: Energy | undefined;
  for (const meter of meters) {
    const energy = meter(window);
    // A total with a rail missing is no total.
    if (energy === undefined) return undefined;
    sum = {
      joules: (sum?.joules ?? 0) + energy.joules,
      boundJ: (sum?.boundJ ?? 0) + energy.boundJ,
      intervalNs: Math.max(sum?.intervalNs ?? 0, energy.intervalNs),
      resolved: (sum?.resolved ?? true) && energy.resolved,
    };
  }
  return sum;
}

/** True where readings reach over both ends: beyond the last reading nothing is known. */
function covers(series: readonly NativeSeries[], window: Window): boolean {
  return series.every((one) => {
    const first = one.tNs[0];
    const last = one.tNs[one.tNs.length - 1];
    if (first === undefined || last === undefined) return false;
    const grace = 2 * Math.max(one.periodNs, 1e6);
    return first <= window.beginNs + grace && last >= window.endNs - grace;
  });
}

/** Power while nothing ran, from a recording of its own; undefined if it lacks one of the rails. */
export function idlePowerW(idle: NativeRecording, rails: readonly NativeSeries[]) {
  const wanted = new Set(rails.map((one) => `${one.source} ${one.label}`));
  const same = totalSeries(idle).filter((one) => wanted.has(`${one.source} ${one.label}`));
  const window = { beginNs: idle.beginNs, endNs: idle.endNs };
  if (same.length !== rails.length || window.endNs - window.beginNs < IDLE_SHORTEST_NS) {
    return undefined;
  }
  const energy = sumOf(same.map(energyMeter), window);
  return energy && (energy.joules * 1e9) / (window.endNs - window.beginNs);
}

/** The highest power at the source's own rate. */
function peakW(
  series: readonly NativeSeries[],
  meters: readonly EnergyMeter[],
  window: Window,
  intervalNs: number,
): number | undefined {
  let highest: number | undefined;
  if (series.some((one) => one.counter)) {
    const step = Math.max(intervalNs, SHORTEST_PEAK_NS);
    for (let t = window.beginNs; t + step <= window.endNs; t += step) {
      const energy = sumOf(meters, { beginNs: t, endNs: t + step });
      if (energy === undefined) return undefined;
      highest = Math.max(highest ?? 0, (energy.joules * 1e9) / step);
    }
    return highest;
  }
  const moments = series.flatMap((one) => cut(one, window).map(({ t }) => t));
  for (const t of [window.beginNs, window.endNs, ...moments]) {
    const watts = series.reduce((sum, one) => sum + (valueAt(one, t) ?? 0), 0) * 1e-6;
    highest = Math.max(highest ?? 0, watts);
  }
  return highest;
}

function phaseEnergy(
  meters: readonly EnergyMeter[],
  phase: Phase,
  idleW: number | undefined,
): PhaseEnergy | undefined {
  const energy = sumOf(meters, phase);
  const durationNs = phase.endNs - phase.beginNs;
  if (energy === undefined || durationNs <= 0) return undefined;
  return {
    ...energy,
    name: phase.name,
    durationNs,
    averageW: (energy.joules * 1e9) / durationNs,
    ...(idleW === undefined ? {} : { netJoules: energy.joules - idleW * durationNs * 1e-9 }),
  };
}

/** True if no source of the total has moved in the whole recording: a counter that is stuck. */
export function isStuck(recording: NativeRecording): boolean {
  const series = totalSeries(recording);
  return (
    series.length > 0 &&
    series.every(
      ({ counter, values }) =>
        counter && values.length > 10 && values.every((value) => value === values[0]),
    )
  );
}

/**
 * Energy and power of a window and of its phases. undefined where the machine has no source, or its
 * readings don't reach over the window: the recording's `missing` says why.
 */
export function powerOf(
  recording: NativeRecording,
  window: Window,
  phases: readonly Phase[],
  idle?: NativeRecording,
): PowerReport | undefined {
  const series = totalSeries(recording);
  if (series.length === 0 || !covers(series, window) || isStuck(recording)) return undefined;
  const idleW = idle && idlePowerW(idle, series);
  const meters = series.map(energyMeter);
  const total = phaseEnergy(meters, { name: 'iteration', ...window }, idleW);
  if (total === undefined) return undefined;
  const peak = peakW(series, meters, window, total.intervalNs);
  return {
    rails: series.map((one) => `${one.source} (${one.label})`),
    method: methodOf(series),
    intervalNs: total.intervalNs,
    total,
    phases: phases.flatMap((phase) => phaseEnergy(meters, phase, idleW) ?? []),
    ...(peak === undefined ? {} : { peakW: peak }),
    ...(idleW === undefined ? {} : { idleW }),
  };
}
