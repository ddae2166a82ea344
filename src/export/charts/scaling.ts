import { formatNumber } from '../format.js';
import { html, type Markup } from '../html/markup.js';
import { linearScale } from './scale.js';
import { at, type ChartText, frame, linePath, svg, yAxis } from './svg.js';

export interface ScalingPoint {
  readonly step: number;
  readonly value: number;
}

/**
 * A figure over sizes that grow by factors: the sizes are equally spaced as on a logarithmic axis.
 * With `ideal` a dashed line shows what growth in proportion would give.
 */
export function scalingChart(
  text: ChartText,
  points: readonly ScalingPoint[],
  options: { unit: string; label: string; width: number; height: number; ideal?: boolean },
): Markup {
  const area = frame(options.width, options.height, { right: 30, bottom: 36 });
  const first = points[0] as ScalingPoint;
  const highest = Math.max(...points.map(({ value }) => value));
  const y = linearScale(0, highest * 1.06, [area.bottom, area.top], { ticks: 4 });
  const low = Math.log2(first.step);
  const high = Math.log2((points.at(-1) as ScalingPoint).step);
  const x = linearScale(low, high, [area.left + 22, area.right - 10], { nice: false });
  const place = points.map(({ step, value }) => ({ x: Math.log2(step), y: value }));
  const ideal: Markup[] = [];
  if (options.ideal) {
    const reach = Math.min(high, Math.log2((first.step * y.domain[1]) / first.value));
    const samples = Array.from({ length: 33 }, (_, k) => low + ((reach - low) * k) / 32);
    const path = samples.map((log) => ({ x: log, y: (first.value * 2 ** log) / first.step }));
    const end = path.at(-1) as { x: number; y: number };
    ideal.push(
      html`<path class="ideal" d="${linePath(path, x, y)}"/><text class="mark" x="${at(x(end.x) + 6)}" y="${at(y(end.y) + 12)}">in proportion</text>`,
    );
  }
  const dots = place.map(({ x: log, y: value }, index) => {
    const shown = formatNumber(value, value >= 100 ? 0 : value >= 10 ? 1 : 2);
    return html`<circle class="point" cx="${at(x(log))}" cy="${at(y(value))}" r="4"/><text class="value" x="${at(x(log))}" y="${at(y(value) - 10)}" text-anchor="middle">${shown}</text><text class="tick" x="${at(x(log))}" y="${area.bottom + 16}" text-anchor="middle">${(points[index] as ScalingPoint).step}</text>`;
  });
  return svg(area, text, [
    yAxis(area, y, options.unit),
    html`<line class="axis" x1="${area.left}" x2="${area.right}" y1="${area.bottom}" y2="${area.bottom}"/>`,
    ...ideal,
    html`<path class="line strong" d="${linePath(place, x, y)}"/>`,
    ...dots,
    html`<text class="unit" x="${area.right}" y="${options.height - 2}" text-anchor="end">${options.label}</text>`,
  ]);
}
