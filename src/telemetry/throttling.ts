import type { NativeRecording, NativeSeries } from '../native/binding.js';
import { cut, growth, mean, type Phase, seriesOf, valueAt, type Window } from './window.js';

/** A limit this far below the hardware's maximum slows work down noticeably. */
const LOWERED = 0.97;
/** Later tokens that are this much slower than earlier ones, by medians, count as falling speed. */
const FALLING = 1.08;
const FEWEST_TOKENS = 12;
/** Where a component is close to its limit; phones' skin limits lie much lower. */
const HOT_MC: Record<string, number> = {
  cpu: 95e3,
  gpu: 90e3,
  npu: 90e3,
  memory: 90e3,
  skin: 45e3,
};
/** Time stolen by a quota that explains a slow-down. */
const QUOTA_SHARE = 0.02;
/** The sampler, too, stands still while a process is stopped. */
const SILENT_PERIODS = 5;
const SILENT_SHORTEST_NS = 20e6;
const SILENT_SHARE = 0.05;

export type ThrottlingCause = 'heat' | 'clock limit' | 'cpu quota' | 'stopped' | 'unknown';

/** What holds the speed down in a window, and what told so. */
export interface Throttling {
  cause: ThrottlingCause;
  /** Component that is held down, where known. */
  component?: string;
  /** One clause per piece of evidence, with its figures. */
  evidence: string[];
  /** Stretches in which it was seen at work, to be marked in charts. */
  marks: Phase[];
  /** Median of the last third of the token times ÷ median of the first third. */
  slowdown?: number;
}

interface Sign {
  component: string;
  text: string;
  marks: Phase[];
}

const celsius = (mc: number) => `${(mc / 1000).toFixed(1)} °C`;
const gigahertz = (hz: number) => `${(hz / 1e9).toFixed(2)} GHz`;

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

/** How much slower the last third of the tokens is than the first third; undefined if too few. */
export function slowdownOf(tokenNs: ArrayLike<number>): number | undefined {
  const gaps: number[] = [];
  for (let k = 1; k < tokenNs.length; k += 1) {
    gaps.push((tokenNs[k] as number) - (tokenNs[k - 1] as number));
  }
  if (gaps.length < FEWEST_TOKENS) return undefined;
  const third = Math.floor(gaps.length / 3);
  return median(gaps.slice(-third)) / median(gaps.slice(0, third));
}

/** Stretches of a window in which `held` is true of a level's readings. */
function marksOf(
  series: NativeSeries,
  window: Window,
  name: string,
  held: (value: number) => boolean,
): Phase[] {
  const marks: Phase[] = [];
  const begin = valueAt(series, window.beginNs);
  if (begin === undefined) return marks;
  let open: number | undefined = held(begin) ? window.beginNs : undefined;
  for (const { t, value } of cut(series, window)) {
    if (held(value)) open ??= t;
    else if (open !== undefined) {
      marks.push({ name, beginNs: open, endNs: t });
      open = undefined;
    }
  }
  if (open !== undefined) marks.push({ name, beginNs: open, endNs: window.endNs });
  return marks;
}

/** Frequency limits that lie below the hardware's maximum, or fell below their own first value. */
function loweredLimits(recording: NativeRecording, window: Window): Sign[] {
  return seriesOf(recording, 'frequency_limit_hz').flatMap((series) => {
    const full = series.hardwareLimit || (series.values[0] as number);
    const marks = marksOf(series, window, 'clock limited', (value) => value < LOWERED * full);
    if (marks.length === 0) return [];
    const lowest = Math.min(
      ...[...cut(series, window), { value: valueAt(series, window.beginNs) as number }].map(
        ({ value }) => value,
      ),
    );
    return {
      component: series.component,
      text: `the clock of ${series.label || series.source} is limited to ${gigahertz(lowest)} of ${gigahertz(full)}`,
      marks,
    };
  });
}

/** Cooling devices at work on something that the workload uses. */
function coolingAtWork(recording: NativeRecording, window: Window): Sign[] {
  return seriesOf(recording, 'throttle_level').flatMap((series) => {
    const marks = marksOf(series, window, 'throttled', (value) => value > 0);
    if (marks.length === 0) return [];
    const deepest = Math.max(...marks.map((mark) => valueAt(series, mark.beginNs) as number));
    const of = series.hardwareLimit ? ` of ${series.hardwareLimit}` : '';
    return {
      component: series.component,
      text: `the cooling device ${series.label} is at level ${deepest}${of}`,
      marks,
    };
  });
}

function hotZones(recording: NativeRecording, window: Window): Sign[] {
  return seriesOf(recording, 'temperature_mc').flatMap((series) => {
    const limit = HOT_MC[series.component];
    const values = cut(series, window).map(({ value }) => value);
    const highest = Math.max(...values, valueAt(series, window.beginNs) as number);
    if (limit === undefined || highest < limit) return [];
    const marks = marksOf(series, window, 'hot', (value) => value >= limit);
    return {
      component: series.component,
      text: `${series.label} reaches ${celsius(highest)}`,
      marks,
    };
  });
}

/** Share of a window in which the control group's quota stopped this process's threads. */
export function quotaShare(recording: NativeRecording, window: Window): number {
  const [throttled] = seriesOf(recording, 'cpu_quota_wait_us');
  const waited = throttled === undefined ? undefined : growth(throttled, window);
  return waited === undefined ? 0 : (waited * 1e3) / (window.endNs - window.beginNs);
}

/**
 * Time for which the sampler's thread was ready to run and had no processor: on a busy machine, or
 * because the hypervisor ran somebody else. Who is stopped is not ready to run.
 */
function waitedNs(recording: NativeRecording, window: Window): number {
  return ['sampler_wait_ns', 'steal_ns'].reduce((sum, quantity) => {
    const [series] = seriesOf(recording, quantity);
    return sum + Math.max(0, (series && growth(series, window)) ?? 0);
  }, 0);
}

/** Share of a silence that waiting for a processor must explain for it to be no stop. */
const EXPLAINED = 0.5;

/** Stretches in which the sampler was stopped, and with it the process as a whole. */
export function silences(recording: NativeRecording, window: Window): Phase[] {
  const [ticks] = seriesOf(recording, 'memory_rss_bytes');
  if (ticks === undefined) return [];
  const longest = Math.max(SILENT_PERIODS * ticks.periodNs, SILENT_SHORTEST_NS);
  const marks: Phase[] = [];
  let last = window.beginNs;
  for (const { t } of cut(ticks, window)) {
    const silence = { beginNs: last, endNs: t };
    if (t - last > longest && waitedNs(recording, silence) < EXPLAINED * (t - last)) {
      marks.push({ name: 'stopped', ...silence });
    }
    last = t;
  }
  return marks;
}

function stopped(recording: NativeRecording, window: Window): Sign | undefined {
  const marks = silences(recording, window);
  const silentNs = marks.reduce((sum, mark) => sum + mark.endNs - mark.beginNs, 0);
  const share = silentNs / (window.endNs - window.beginNs);
  if (marks.length < 2 || share < SILENT_SHARE) return undefined;
  return {
    component: 'cpu',
    text: `the whole process stood still ${marks.length} times, ${Math.round(100 * share)} % of the time`,
    marks,
  };
}

/**
 * What held the speed down in a window. Limits, cooling devices, heat and falling speed are looked
 * at together: heat with a lowered limit or with falling speed is throttling; a lowered limit alone
 * is a clock limit; falling speed alone is reported without a cause. undefined: nothing seen.
 */
export function throttlingOf(
  recording: NativeRecording,
  window: Window,
  tokenNs: ArrayLike<number>,
): Throttling | undefined {
  const slowdown = slowdownOf(tokenNs);
  const falling = slowdown !== undefined && slowdown > FALLING;
  const cooling = coolingAtWork(recording, window);
  const limits = loweredLimits(recording, window);
  const hot = hotZones(recording, window);
  const quota = quotaShare(recording, window);
  const halted = stopped(recording, window);
  const make = (cause: ThrottlingCause, signs: Sign[], more: string[] = []): Throttling => ({
    cause,
    ...(signs[0] === undefined ? {} : { component: signs[0].component }),
    evidence: [
      ...signs.map((sign) => sign.text),
      ...more,
      ...(falling ? [`tokens became ${Math.round(100 * (slowdown - 1))} % slower`] : []),
    ],
    marks: signs.flatMap((sign) => sign.marks),
    ...(slowdown === undefined ? {} : { slowdown }),
  });
  if (quota > QUOTA_SHARE) {
    const text = `a processor quota of the control group held threads for ${Math.round(100 * quota)} % of the time`;
    return make('cpu quota', halted === undefined ? [] : [halted], [text]);
  }
  if (halted !== undefined) return make('stopped', [halted]);
  if (cooling.length > 0) return make('heat', [...cooling, ...limits, ...hot]);
  if (hot.length > 0 && (limits.length > 0 || falling)) return make('heat', [...limits, ...hot]);
  if (limits.length > 0) return make('clock limit', limits);
  return falling ? make('unknown', []) : undefined;
}

/** Mean clock of each component's fastest cluster in a window, in Hz. */
export function meanClocksHz(recording: NativeRecording, window: Window): Record<string, number> {
  const clocks: Record<string, number> = {};
  for (const series of seriesOf(recording, 'frequency_hz')) {
    const clock = mean(series, window);
    if (clock === undefined) continue;
    clocks[series.component] = Math.max(clocks[series.component] ?? 0, clock);
  }
  return clocks;
}
