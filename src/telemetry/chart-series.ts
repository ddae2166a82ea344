import type { NativeRecording, NativeSeries } from '../native/binding.js';
import type { TelemetrySeries } from '../schema/iteration.js';
import { cut, type Window } from './window.js';

/** Enough for a chart as wide as a page; the figures were taken from all readings before. */
export const MOST_POINTS = 240;

interface Kind {
  name: string;
  unit: string;
  scale: number;
  /** A counter is shown as its rate per second. */
  rate?: boolean;
}

const KINDS: Readonly<Record<string, Kind>> = {
  memory_rss_bytes: { name: 'memory_resident', unit: 'MB', scale: 1e-6 },
  memory_device_bytes: { name: 'memory_device', unit: 'MB', scale: 1e-6 },
  energy_uj: { name: 'power', unit: 'W', scale: 1e-6, rate: true },
  power_uw: { name: 'power', unit: 'W', scale: 1e-6 },
  temperature_mc: { name: 'temperature', unit: '°C', scale: 1e-3 },
  frequency_hz: { name: 'frequency', unit: 'MHz', scale: 1e-6 },
  frequency_limit_hz: { name: 'frequency_limit', unit: 'MHz', scale: 1e-6 },
  utilization_ratio: { name: 'utilization', unit: '%', scale: 100 },
  throttle_level: { name: 'throttle_level', unit: 'level', scale: 1 },
  others_cpu_ns: { name: 'other_processes', unit: 'cores', scale: 1e-9, rate: true },
};

interface Point {
  t: number;
  value: number;
}

/** The mean slope between readings that lie at least `shortestNs` apart, at their middle. */
function rates(points: readonly Point[], shortestNs: number): Point[] {
  const result: Point[] = [];
  let from = points[0];
  for (const point of points.slice(1)) {
    if (from === undefined || point.t - from.t < shortestNs) continue;
    const perSecond = ((point.value - from.value) * 1e9) / (point.t - from.t);
    result.push({ t: (from.t + point.t) / 2, value: perSecond });
    from = point;
  }
  return result;
}

/** Keeps the lowest and the highest point of each stretch, so that no spike is lost. */
export function thin(points: readonly Point[], most: number): Point[] {
  if (points.length <= most) return [...points];
  const stretches = Math.floor(most / 2);
  const kept: Point[] = [];
  for (let i = 0; i < stretches; i += 1) {
    const begin = Math.floor((i * points.length) / stretches);
    const end = Math.floor(((i + 1) * points.length) / stretches);
    let low = points[begin] as Point;
    let high = low;
    for (const point of points.slice(begin, end)) {
      if (point.value < low.value) low = point;
      if (point.value > high.value) high = point;
    }
    kept.push(...(low === high ? [low] : low.t < high.t ? [low, high] : [high, low]));
  }
  return kept;
}

function labelOf(series: NativeSeries): string {
  return series.label === '' ? series.component : `${series.component} ${series.label}`.trim();
}

/** Counters need steps that are much longer than their own interval to show power, not steps. */
const SHORTEST_RATE_NS = 20e6;

/**
 * The readings of a window as the document keeps them: units for people, times in milliseconds
 * since `originNs`, at most MOST_POINTS each. Series that never change are kept with their ends.
 */
export function documentSeries(
  recording: NativeRecording,
  window: Window,
  originNs: number,
): TelemetrySeries[] {
  return recording.series.flatMap((series) => {
    const kind = KINDS[series.quantity];
    if (kind === undefined) return [];
    const all = cut(series, window);
    const points = kind.rate ? rates(all, Math.max(SHORTEST_RATE_NS, 2 * series.periodNs)) : all;
    if (points.length === 0) return [];
    const kept = thin(points, MOST_POINTS);
    return {
      name: kind.name,
      unit: kind.unit,
      label: labelOf(series),
      source: series.source,
      t_ms: kept.map(({ t }) => Math.round((t - originNs) / 1e3) / 1e3),
      values: kept.map(({ value }) => Number((value * kind.scale).toPrecision(6))),
    };
  });
}
