import { formatRatio, quantityText } from '../format.js';
import { html, type Markup } from '../html/markup.js';
import { linearScale } from './scale.js';
import { at, type ChartText, frame, svg } from './svg.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Class of its colour. */
  readonly color: string;
  /** Smallest and largest sample, drawn as a whisker. */
  readonly low?: number;
  readonly high?: number;
}

const ROW = 34;
const BAR = 16;

/** Horizontal bars of one metric from zero; the best one is told by the caption, not by colour. */
export function barChart(
  text: ChartText,
  bars: readonly Bar[],
  unit: string,
  width: number,
  reference?: number,
): Markup {
  const longest = Math.max(...bars.map(({ label }) => label.length));
  const left = Math.min(width * 0.3, 10 + longest * 7.2);
  const area = frame(width, bars.length * ROW + 8, { left, right: 172, top: 4, bottom: 4 });
  const largest = Math.max(...bars.map(({ value, high }) => high ?? value));
  const x = linearScale(0, largest, [area.left, area.right], { nice: false });
  const rows = bars.map(({ label, value, color, low, high }, index) => {
    const middle = area.top + index * ROW + ROW / 2;
    const ratio =
      reference && value !== reference
        ? html`<tspan class="soft"> · ${formatRatio(value / reference)}</tspan>`
        : null;
    const whisker =
      low !== undefined && high !== undefined && x(high) - x(low) > 2
        ? html`<line class="whisker" x1="${at(x(low))}" x2="${at(x(high))}" y1="${middle}" y2="${middle}"/>`
        : null;
    return html`<text class="label" x="${area.left - 8}" y="${middle}" dy="0.35em" text-anchor="end">${label}</text><rect class="fill ${color}" x="${area.left}" y="${middle - BAR / 2}" width="${at(Math.max(1, x(value) - area.left))}" height="${BAR}" rx="2"/>${whisker}<text class="value" x="${at(Math.max(x(value), x(high ?? value)) + 8)}" y="${middle}" dy="0.35em">${quantityText(value, unit)}${ratio}</text>`;
  });
  return svg(area, text, [
    ...rows,
    html`<line class="axis" x1="${area.left}" x2="${area.left}" y1="${area.top}" y2="${area.bottom}"/>`,
  ]);
}
