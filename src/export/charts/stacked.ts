import { formatNumber } from '../format.js';
import { html, type Markup } from '../html/markup.js';
import { linearScale } from './scale.js';
import { at, type ChartText, frame, svg, xAxis } from './svg.js';

export interface Segment {
  readonly name: string;
  readonly value: number;
}

export interface StackedBar {
  readonly label: string;
  readonly segments: readonly Segment[];
}

const BAR = 26;
const GAP = 30;
const CHARACTER = 6.4;

/** Names of the parts in the order of their colours. */
export function segmentNames(bars: readonly StackedBar[]): string[] {
  return [...new Set(bars.flatMap(({ segments }) => segments.map(({ name }) => name)))];
}

/** Horizontal bars whose parts add up to a whole, all on one scale; `names` give the colours. */
export function stackedChart(
  text: ChartText,
  bars: readonly StackedBar[],
  names: readonly string[],
  unit: string,
  width: number,
): Markup {
  const top = 20;
  const height = top + bars.length * (BAR + GAP) + 20;
  const area = frame(width, height, { left: 2, right: 18, top });
  const total = (bar: StackedBar) => bar.segments.reduce((sum, { value }) => sum + value, 0);
  const largest = Math.max(...bars.map(total));
  const x = linearScale(0, largest, [area.left, area.right], { ticks: 5, nice: false });
  const rows = bars.map((bar, row) => {
    const y = top + row * (BAR + GAP);
    let from = 0;
    const parts = bar.segments.map(({ name, value }) => {
      const left = x(from);
      from += value;
      const size = x(from) - left;
      const share = formatNumber((100 * value) / total(bar), 1);
      const shown = formatNumber(value);
      const inside =
        size > shown.length * CHARACTER + 12
          ? html`<text class="inbar g${names.indexOf(name) % 8}" x="${at(left + size / 2)}" y="${y + BAR / 2}" dy="0.35em" text-anchor="middle">${shown}</text>`
          : null;
      return html`<rect class="seg g${names.indexOf(name) % 8}" x="${at(left)}" y="${y}" width="${at(Math.max(size - 1, 0.5))}" height="${BAR}"><title>${name}: ${shown} ${unit} (${share} %)</title></rect>${inside}`;
    });
    return html`<text class="label" x="${area.left}" y="${y - 6}">${bar.label}<tspan class="soft"> · ${formatNumber(total(bar))} ${unit}</tspan></text>${parts}`;
  });
  return svg(area, text, [...rows, xAxis(area, x, unit)]);
}
