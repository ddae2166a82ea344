import type { NativeRecording, NativeSnapshot } from '../native/binding.js';
import { cut, growth, seriesOf, type Window } from './window.js';

/** What disturbed a window. Shares and rates; a figure that was not told is absent. */
export interface Noise {
  /** Processors kept busy by other processes, on average. */
  othersCores?: number;
  /** Share of all processors' time that the hypervisor gave to other guests. */
  stealShare?: number;
  /** Share of the time in which some task waited for memory. */
  memoryPressure?: number;
  majorFaults?: number;
  swapGrowthBytes?: number;
  /** The busiest other process between two snapshots: "name (pid)". */
  busiest?: string;
  busiestCores?: number;
}

/**
 * The kernel counts other processes in ticks of 1 to 10 ms: a shorter window says nothing about
 * them.
 */
const SHORTEST_LOAD_NS = 100e6;

function grown(recording: NativeRecording, quantity: string, window: Window): number | undefined {
  const [series] = seriesOf(recording, quantity);
  return series === undefined ? undefined : growth(series, window);
}

/** The window widened to the readings of the load around it, which are further apart than most. */
function loadWindow(recording: NativeRecording, window: Window): Window {
  const [series] = seriesOf(recording, 'others_cpu_ns');
  if (series === undefined || window.endNs - window.beginNs >= SHORTEST_LOAD_NS) return window;
  const inside = cut(series, {
    beginNs: window.beginNs - SHORTEST_LOAD_NS,
    endNs: window.endNs + SHORTEST_LOAD_NS,
  });
  const first = inside[0]?.t ?? window.beginNs;
  const last = inside.at(-1)?.t ?? window.endNs;
  return { beginNs: Math.min(first, window.beginNs), endNs: Math.max(last, window.endNs) };
}

export function noiseOf(recording: NativeRecording, window: Window, after?: NativeSnapshot): Noise {
  const wide = loadWindow(recording, window);
  const wallNs = wide.endNs - wide.beginNs;
  const others = wallNs < SHORTEST_LOAD_NS ? undefined : grown(recording, 'others_cpu_ns', wide);
  const steal = wallNs < SHORTEST_LOAD_NS ? undefined : grown(recording, 'steal_ns', wide);
  const pressureUs = grown(recording, 'pressure_memory_us', window);
  const faults = grown(recording, 'major_faults', window);
  const [swap] = seriesOf(recording, 'swap_bytes');
  const swapGrowth = swap && (swap.values.at(-1) as number) - (swap.values[0] as number);
  const cpus = after?.numbers.logical_cpus ?? 1;
  const cores = after?.numbers.busiest_other_cores;
  return {
    ...(others === undefined ? {} : { othersCores: Math.max(0, others) / wallNs }),
    ...(steal === undefined ? {} : { stealShare: Math.max(0, steal) / wallNs / cpus }),
    ...(pressureUs === undefined
      ? {}
      : { memoryPressure: (pressureUs * 1e3) / (window.endNs - window.beginNs) }),
    ...(faults === undefined ? {} : { majorFaults: Math.round(faults) }),
    ...(swapGrowth === undefined ? {} : { swapGrowthBytes: swapGrowth }),
    ...(after?.texts.busiest_other_process === undefined || cores === undefined
      ? {}
      : { busiest: after.texts.busiest_other_process, busiestCores: cores }),
  };
}
