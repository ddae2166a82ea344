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

function phaseClass(name: string): string {
  return PHASE_CLASSES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}

/** Shaded windows behind the lines, named where there is room for the name. */
function shades(area: Frame, x: Scale, phases: readonly Phase[]): Markup[] {
  return phases.map(({ name, start_ms: start, end_ms: end }) => {
    const left = Math.max(area.left, x(start));
    const right = Math.min(area.right, x(end));
    const width = right - left;
    if (width <= 0) return html``;
    const label =
      width > name.length * 6.2 + 4
        ? html`<text class="phase-name" x="${at(left + 4)}" y="${area.top + 11}">${name}</text>`
        : null;
    return html`<rect class="phase ${phaseClass(name)}" x="${at(left)}" y="${area.top}" width="${at(width)}" height="${area.bottom - area.top}"><title>${name}: ${formatNumber(end - start)} ms</title></rect>${label}`;
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

/** One quantity over the time of one iteration, in milliseconds since its process was spawned. */
export function timelineChart(
  id: string,
  panel: Panel,
  phases: readonly Phase[],
  window: readonly [number, number],
  width: number,
  height: number,
): Markup {
  const named = panel.series.length > 1;
  const longest = Math.max(...panel.series.map(({ name }) => shorten(name).length));
  const area = frame(width, height, { right: named ? 14 + longest * 6 : 14 });
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
    xAxis(
      area,
      x,
      seconds ? 's since the process was started' : 'ms since the process was started',
    ),
  ]);
}
