import { formatNumber } from '../format.js';
import { html, type Markup } from '../html/markup.js';
import { at } from './svg.js';

const WIDTH = 160;
const HEIGHT = 18;

/**
 * The samples of one figure as dots on a line from the smallest to the largest, with the mean as a
 * tick: small enough to stand under a number. Hidden from screen readers, which read the number.
 */
export function dotStrip(values: readonly number[], mean: number): Markup {
  if (values.length < 2) return html``;
  const low = Math.min(...values);
  const high = Math.max(...values);
  // A spread below half a per cent is drawn as narrow as it is, and not blown up to full width.
  const half = Math.max((high - low) / 2, Math.abs(mean) * 0.01);
  const middle = (low + high) / 2;
  const x = (value: number) => 5 + ((value - middle + half) / (2 * half)) * (WIDTH - 10);
  const dots = values
    .slice(0, 100)
    .map(
      (value) =>
        html`<circle class="dot" cx="${at(x(value))}" cy="${HEIGHT / 2}" r="3"><title>${formatNumber(value)}</title></circle>`,
    );
  return html`<svg class="strip" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true"><line class="axis" x1="2" x2="${WIDTH - 2}" y1="${HEIGHT / 2}" y2="${HEIGHT / 2}"/>${dots}<line class="rule" x1="${at(x(mean))}" x2="${at(x(mean))}" y1="1" y2="${HEIGHT - 1}"/></svg>`;
}
