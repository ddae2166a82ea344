import { html, type Markup, raw } from '../html/markup.js';
import type { Point } from './downsample.js';
import { type Scale, tickText } from './scale.js';

/** The drawing area inside a chart, in units of its view box. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export function frame(width: number, height: number, margins: Partial<Frame> = {}): Frame {
  const { left = 46, right = 14, top = 26, bottom = 30 } = margins;
  return { width, height, left, right: width - right, top, bottom: height - bottom };
}

/** A coordinate with a tenth of a unit: more is not seen and makes files large. */
export function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export interface ChartText {
  /** Unique in the page; letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  /** What a reader who cannot see the chart should know. */
  readonly description: string;
}

/** Charts wider than this stand alone in a row: their units are then about one pixel. */
const FULL_WIDTH = 600;

/** The SVG element around a chart, with its accessible name and description. */
export function svg(area: Frame, text: ChartText, body: Markup | readonly Markup[]): Markup {
  const { id, title, description } = text;
  return html`<svg class="chart${area.width > FULL_WIDTH ? ' full' : ''}" viewBox="0 0 ${area.width} ${area.height}" role="img" aria-labelledby="${id}-t ${id}-d" xmlns="http://www.w3.org/2000/svg"><title id="${id}-t">${title}</title><desc id="${id}-d">${description}</desc>${body}</svg>`;
}

/** Horizontal grid lines with their values at the left, and the unit above them. */
export function yAxis(area: Frame, scale: Scale, unit: string): Markup {
  const lines = scale.ticks.map((tick) => {
    const y = at(scale(tick));
    return html`<line class="grid" x1="${area.left}" x2="${area.right}" y1="${y}" y2="${y}"/><text class="tick" x="${area.left - 7}" y="${y}" dy="0.34em" text-anchor="end">${tickText(tick, scale.ticks)}</text>`;
  });
  return html`${lines}<text class="unit" x="${2}" y="${12}">${unit}</text>`;
}

/** Values below the drawing area; `label` says what they are, at the right end. */
export function xAxis(area: Frame, scale: Scale, label: string, text?: (v: number) => string) {
  const y = area.bottom;
  const ticks = scale.ticks.map((tick) => {
    const x = at(scale(tick));
    return html`<line class="axis" x1="${x}" x2="${x}" y1="${y}" y2="${y + 4}"/><text class="tick" x="${x}" y="${y + 16}" text-anchor="middle">${text ? text(tick) : tickText(tick, scale.ticks)}</text>`;
  });
  return html`<line class="axis" x1="${area.left}" x2="${area.right}" y1="${y}" y2="${y}"/>${ticks}<text class="unit" x="${area.right}" y="${area.height - 1}" text-anchor="end">${label}</text>`;
}

/** Path data of a polyline through the points. */
export function linePath(points: readonly Point[], x: Scale, y: Scale): Markup {
  let path = '';
  for (const [index, point] of points.entries()) {
    path += `${index === 0 ? 'M' : 'L'}${at(x(point.x))} ${at(y(point.y))}`;
  }
  return raw(path);
}

/** Path data of the area between two lines over the same positions. */
export function areaPath(
  upper: readonly Point[],
  lower: readonly Point[],
  x: Scale,
  y: Scale,
): Markup {
  const back = linePath([...lower].reverse(), x, y).text.replace(/^M/u, 'L');
  return raw(`${linePath(upper, x, y).text}${back}Z`);
}

/** Class of a series' colour: devices keep theirs everywhere, others count up. */
export function colorClass(device: string | undefined, index: number): string {
  if (device === 'npu' || device === 'cpu' || device === 'gpu') return `c-${device}`;
  return `c${index % 6}`;
}
