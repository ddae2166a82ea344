import { formatNumber, plural } from '../format.js';
import { html, type Markup } from '../html/markup.js';
import { linearScale } from './scale.js';
import { areaPath, at, type ChartText, frame, linePath, svg, yAxis } from './svg.js';

export interface TrendPoint {
  /** Shown below the axis and on the point: a commit, a date or a label. */
  readonly label: string;
  readonly value: number;
  /** Spread within the run, drawn as a band. */
  readonly low?: number;
  readonly high?: number;
}

export interface TrendChange {
  /** Index of the first point after the step. */
  readonly index: number;
  readonly text: string;
  readonly kind: 'better' | 'worse' | 'neutral';
}

export interface TrendOptions {
  /** Unique in the page; letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly width?: number;
  readonly height?: number;
  readonly changes?: readonly TrendChange[];
}

const LABEL_WIDTH = 70;

/**
 * A metric over runs in their order, equally spaced, with the steps that a change-point detector
 * found: a mark at the run where it stepped and the level of each stretch. Returns SVG that takes
 * its colours from the style of a report page (`htmlPage`).
 */
export function trendChart(points: readonly TrendPoint[], options: TrendOptions): Markup {
  const { id, title, unit, width = 720, height = 260 } = options;
  const changes = [...(options.changes ?? [])].sort((a, b) => a.index - b.index);
  const area = frame(width, height, { top: 34, right: 18, bottom: 34 });
  const bounds = points.flatMap(({ value, low, high }) => [low ?? value, value, high ?? value]);
  const lowest = Math.min(...bounds);
  const highest = Math.max(...bounds);
  const margin = (highest - lowest) * 0.1;
  const floor = lowest < 0.4 * highest ? Math.min(0, lowest) : lowest - margin;
  const y = linearScale(floor, highest + margin, [area.bottom, area.top], { ticks: 5 });
  const x = linearScale(0, Math.max(1, points.length - 1), [area.left + 12, area.right - 8], {
    nice: false,
  });
  const place = points.map(({ value }, index) => ({ x: index, y: value }));
  const edge = (pick: (point: TrendPoint) => number) =>
    points.map((point, index) => ({ x: index, y: pick(point) }));
  const hasBand = points.some(({ low, high }) => low !== undefined && high !== undefined);
  const band = hasBand
    ? html`<path class="band" d="${areaPath(
        edge((point) => point.high ?? point.value),
        edge((point) => point.low ?? point.value),
        x,
        y,
      )}"/>`
    : null;
  const bordersOfLevels = [0, ...changes.map(({ index }) => index), points.length];
  const levels = bordersOfLevels.slice(0, -1).map((start, index) => {
    const end = bordersOfLevels[index + 1] as number;
    const values = points.slice(start, end).map(({ value }) => value);
    const level = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    if (values.length === 0 || changes.length === 0) return html``;
    return html`<line class="level" x1="${at(x(start - 0.4))}" x2="${at(x(end - 0.6))}" y1="${at(y(level))}" y2="${at(y(level))}"/>`;
  });
  const marks = changes.map(({ index, text, kind }) => {
    const left = x(index - 0.5);
    const anchor = left > area.right - 140 ? 'end' : 'start';
    return html`<line class="change ${kind}" x1="${at(left)}" x2="${at(left)}" y1="${area.top - 6}" y2="${area.bottom}"/><text class="change-name ${kind}" x="${at(left + (anchor === 'end' ? -4 : 4))}" y="${area.top - 10}" text-anchor="${anchor}">${text}</text>`;
  });
  const every = Math.max(1, Math.ceil(points.length / ((area.right - area.left) / LABEL_WIDTH)));
  const dots = points.map(({ label, value }, index) => {
    const tick =
      index % every === 0
        ? html`<text class="tick" x="${at(x(index))}" y="${area.bottom + 16}" text-anchor="middle">${label.slice(0, 10)}</text>`
        : null;
    return html`<circle class="point" cx="${at(x(index))}" cy="${at(y(value))}" r="${points.length > 60 ? 2 : 3.5}"><title>${label}: ${formatNumber(value)} ${unit}</title></circle>${tick}`;
  });
  const text: ChartText = {
    id,
    title,
    description: `${plural(points.length, 'run')} from ${formatNumber(lowest)} to ${formatNumber(highest)} ${unit}; ${
      changes.length === 0
        ? 'no step was found'
        : changes.map((change) => `${change.text} at ${points[change.index]?.label}`).join('; ')
    }.`,
  };
  return svg(area, text, [
    yAxis(area, y, unit),
    html`<line class="axis" x1="${area.left}" x2="${area.right}" y1="${area.bottom}" y2="${area.bottom}"/>${band}`,
    html`<path class="line strong" d="${linePath(place, x, y)}"/>`,
    ...levels,
    ...dots,
    ...marks,
  ]);
}
