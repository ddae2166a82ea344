import type { Iteration, ResultDocument, TelemetrySeries } from '../../schema/index.js';
import { median } from '../../stats/basics.js';
import type { Panel, TimeSeries } from '../charts/timeline.js';

interface Kind {
  readonly title: string;
  readonly unit: string;
  /** Units of the document and what they are multiplied by for the chart's unit. */
  readonly factors: Readonly<Record<string, number>>;
}

const KINDS: readonly Kind[] = [
  { title: 'Power', unit: 'W', factors: { W: 1, mW: 1e-3, uW: 1e-6, µW: 1e-6 } },
  {
    title: 'Memory',
    unit: 'MB',
    factors: { MB: 1, GB: 1e3, kB: 1e-3, bytes: 1e-6, B: 1e-6 },
  },
  { title: 'Temperature', unit: '°C', factors: { '°C': 1, C: 1, mC: 1e-3 } },
  { title: 'Frequency', unit: 'MHz', factors: { MHz: 1, GHz: 1e3, kHz: 1e-3, Hz: 1e-6 } },
  { title: 'Utilization', unit: '%', factors: { '%': 1, ratio: 100 } },
  { title: 'Other processes', unit: 'cores', factors: { cores: 1 } },
];

/** More lines than this on one panel cannot be told apart; the widest ranging ones are kept. */
const MAX_SERIES = 5;

function cleanName(series: TelemetrySeries, kind: Kind): string {
  const name = series.label ?? series.name;
  const prefix = new RegExp(`^${kind.title}[_\\s-]+`, 'iu');
  const short = name.replace(prefix, '').replace(/_/gu, ' ');
  return /limit$/u.test(series.name) ? `${short} limit` : short;
}

function spread({ points }: TimeSeries): number {
  let low = Infinity;
  let high = -Infinity;
  for (const { y } of points) {
    low = Math.min(low, y);
    high = Math.max(high, y);
  }
  return high - low;
}

function toSeries(series: TelemetrySeries, kind: Kind): TimeSeries {
  const factor = kind.factors[series.unit] as number;
  const points = series.t_ms.flatMap((t, index) => {
    const value = series.values[index];
    return value == null ? [] : [{ x: t, y: value * factor }];
  });
  return { name: cleanName(series, kind), points };
}

/** The telemetry of one iteration, one panel per kind of quantity. */
export function telemetryPanels(iteration: Iteration): Panel[] {
  return KINDS.flatMap((kind) => {
    const series = (iteration.telemetry ?? [])
      .filter(({ unit }) => Object.hasOwn(kind.factors, unit))
      .map((entry) => toSeries(entry, kind))
      .filter(({ points }) => points.length > 1);
    if (series.length === 0) return [];
    const kept =
      series.length <= MAX_SERIES
        ? series
        : [...series].sort((a, b) => spread(b) - spread(a)).slice(0, MAX_SERIES);
    return [{ title: kind.title, unit: kind.unit, series: kept }];
  });
}

/** The window that all panels of an iteration share. */
export function windowOf(iteration: Iteration, panels: readonly Panel[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const { start_ms: start, end_ms: end } of iteration.phases ?? []) {
    low = Math.min(low, start);
    high = Math.max(high, end);
  }
  if (low < high) return [low, high];
  for (const { points } of panels.flatMap(({ series }) => series)) {
    low = Math.min(low, (points[0] as { x: number }).x);
    high = Math.max(high, (points.at(-1) as { x: number }).x);
  }
  return [low, high];
}

/** The iteration with telemetry whose length is nearest to the median: the most ordinary one. */
export function typicalIteration(document: ResultDocument): Iteration | undefined {
  const candidates = document.iterations.filter(({ telemetry }) => telemetry?.length);
  const lengths = candidates.map(({ total_ms: total }) => total ?? 0);
  const middle = median(lengths);
  let best: Iteration | undefined;
  let distance = Infinity;
  for (const [index, candidate] of candidates.entries()) {
    const away = Math.abs((lengths[index] as number) - middle);
    if (away < distance) {
      best = candidate;
      distance = away;
    }
  }
  return best;
}
