import type { Phase } from '../../schema/index.js';
import { formatNumber } from '../format.js';
import { html, type Markup } from '../html/markup.js';
import { minMaxEnvelope, type Point } from './downsample.js';
import { linearScale, type Scale } from './scale.js';
import { at, type ChartText, type Frame, frame, linePath, svg, xAxis, yAxis } from './svg.js';

export interface TimeSeries {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly TimeSeries[];
}

const BUCKETS = 300;
const PHASE_CLASSES: [RegExp, string][] = [
  [/cold/u, 'cold'],
  [/load|open|pack|start/u, 'load'],
  [/prefill|embed/u, 'prefill'],
  [/decode/u, 'decode'],
];

/** Class of a phase's shade. */
export function phaseClass(name: string): string {
  return PHASE_CLASSES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}

/** Shaded windows behind the lines; the page has their legend. */
function shades(area: Frame, x: Scale, phases: readonly Phase[]): Markup[] {
  return phases.map(({ name, start_ms: start, end_ms: end }) => {
    const left = Math.max(area.left, x(start));
    const right = Math.min(area.right, x(end));
    const width = right - left;
    if (width <= 0) return html``;
    return html`<rect class="phase ${phaseClass(name)}" x="${at(left)}" y="${area.top}" width="${at(width)}" height="${area.bottom - area.top}"><title>${name}: ${formatNumber(end - start)} ms</title></rect>`;
  });
}

/** Names at the right end of the lines, moved apart so that none covers another. */
function endLabels(
  area: Frame,
  series: readonly TimeSeries[],
  y: Scale,
  classOf: (index: number) => string,
): Markup[] {
  const ends = series
    .map(({ name, points }, index) => ({
      name,
      index,
      y: y((points.at(-1) as Point).y),
    }))
    .sort((a, b) => a.y - b.y);
  let last = -Infinity;
  for (const end of ends) {
    end.y = Math.max(end.y, last + 13);
    last = end.y;
  }
  const excess = Math.max(0, last - area.bottom);
  return ends.map(
    ({ name, index, y: height }) =>
      html`<text class="series-name ${classOf(index)}" x="${area.right + 6}" y="${at(height - excess)}" dy="0.34em">${name}</text>`,
  );
}

const LABEL_LIMIT = 16;

function shorten(name: string): string {
  return name.length > LABEL_LIMIT ? `${name.slice(0, LABEL_LIMIT - 1)}…` : name;
}

/** Room that the names of a panel's lines need at their right, so that panels can share it. */
export function nameMargin({ series }: Panel): number {
  if (series.length < 2) return 14;
  return 14 + Math.max(...series.map(({ name }) => shorten(name).length)) * 6;
}

export interface TimelineOptions {
  readonly phases: readonly Phase[];
  /** First and last millisecond that are shown. */
  readonly window: readonly [number, number];
  readonly margin: number;
  readonly width: number;
  readonly height: number;
}

/** One quantity over the time of one iteration, in milliseconds since its process was spawned. */
export function timelineChart(id: string, panel: Panel, options: TimelineOptions): Markup {
  const { phases, window, margin, width, height } = options;
  const named = panel.series.length > 1;
  const area = frame(width, height, { right: margin, top: 22 });
  const seconds = window[1] - window[0] > 2000;
  const factor = seconds ? 1e-3 : 1;
  const x = linearScale(window[0] * factor, window[1] * factor, [area.left, area.right], {
    ticks: width > 600 ? 8 : 5,
    nice: false,
  });
  const inMs = Object.assign((value: number) => x(value * factor), x);
  const values = panel.series.flatMap(({ points }) => points.map(({ y }) => y));
  const low = Math.min(...values);
  const high = Math.max(...values);
  const y = linearScale(low < high * 0.6 ? 0 : low, high, [area.bottom, area.top], { ticks: 4 });
  const classOf = (index: number) => `c${index % 6}`;
  const series = panel.series.map(({ name, points }) => ({
    name: shorten(name),
    points: minMaxEnvelope(points, BUCKETS),
  }));
  const lines = series.map(
    ({ name, points }, index) =>
      html`<path class="line ${classOf(index)}" d="${linePath(points, inMs, y)}"><title>${name}</title></path>`,
  );
  const text: ChartText = {
    id,
    title: `${panel.title} over time`,
    description: panel.series
      .map(({ name, points }) => {
        const all = points.map((point) => point.y);
        return `${name}: ${formatNumber(Math.min(...all))} to ${formatNumber(Math.max(...all))} ${panel.unit}`;
      })
      .join('; '),
  };
  return svg(area, text, [
    ...shades(area, inMs, phases),
    yAxis(area, y, panel.unit),
    ...lines,
    ...(named ? endLabels(area, series, y, classOf) : []),
    xAxis(area, x, seconds ? 's' : 'ms'),
  ]);
}
