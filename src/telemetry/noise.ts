import type { NativeRecording, NativeSnapshot } from '../native/binding.js';
import { cut, growth, seriesOf, type Window } from './window.js';

/** What disturbed a window. Shares and rates; a figure that was not told is absent. */
export interface Noise {
  /** Processors kept busy by other processes, on average. */
  othersCores?: number;
  /** Processor time of other processes. */
  othersNs?: number;
  /** Share of all processors' time that the hypervisor gave to other guests. */
  stealShare?: number;
  /** Share of the time that the tokens lost to single slow ones among them. */
  lostShare?: number;
  /** Switches of the process's threads that they did not ask for, per second. */
  involuntarySwitchesPerSecond?: number;
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
/** A token this much slower than the median of its neighbours was held up. */
const HELD_UP = 1.25;
const NEIGHBOURS = 32;
const FEWEST_TOKENS = 8;

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

/**
 * Share of the time of the tokens after the first that single slow ones took beyond the median of
 * those around them; undefined with too few tokens to tell.
 */
export function lostShareOf(tokenNs: ArrayLike<number>): number | undefined {
  const gaps: number[] = [];
  for (let k = 1; k < tokenNs.length; k += 1) {
    gaps.push((tokenNs[k] as number) - (tokenNs[k - 1] as number));
  }
  if (gaps.length < FEWEST_TOKENS) return undefined;
  let lost = 0;
  let total = 0;
  for (let begin = 0; begin < gaps.length; begin += NEIGHBOURS) {
    // The rest goes with the last whole stretch.
    const end = gaps.length - begin < 2 * NEIGHBOURS ? gaps.length : begin + NEIGHBOURS;
    const stretch = gaps.slice(begin, end);
    const usual = median(stretch);
    for (const gap of stretch) {
      total += gap;
      if (gap > HELD_UP * usual) lost += gap - usual;
    }
    if (end === gaps.length) break;
  }
  return lost / total;
}

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

/** What disturbed a window, in which the tokens at `tokenNs` came. */
export function noiseOf(
  recording: NativeRecording,
  window: Window,
  after?: NativeSnapshot,
  tokenNs: ArrayLike<number> = [],
): Noise {
  const wide = loadWindow(recording, window);
  const wallNs = wide.endNs - wide.beginNs;
  const others = wallNs < SHORTEST_LOAD_NS ? undefined : grown(recording, 'others_cpu_ns', wide);
  const steal = wallNs < SHORTEST_LOAD_NS ? undefined : grown(recording, 'steal_ns', wide);
  const pressureUs = grown(recording, 'pressure_memory_us', window);
  const faults = grown(recording, 'major_faults', window);
  const switches = grown(recording, 'context_switches', window);
  const lost = lostShareOf(tokenNs);
  const [swap] = seriesOf(recording, 'swap_bytes');
  const swapGrowth = swap && (swap.values.at(-1) as number) - (swap.values[0] as number);
  const cpus = after?.numbers.logical_cpus ?? 1;
  const cores = after?.numbers.busiest_other_cores;
  return {
    ...(others === undefined
      ? {}
      : { othersCores: Math.max(0, others) / wallNs, othersNs: Math.max(0, others) }),
    ...(steal === undefined ? {} : { stealShare: Math.max(0, steal) / wallNs / cpus }),
    ...(lost === undefined ? {} : { lostShare: lost }),
    ...(switches === undefined
      ? {}
      : {
          involuntarySwitchesPerSecond: (switches * 1e9) / (window.endNs - window.beginNs),
        }),
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
