import { quantileOfSorted, sorted } from '../../stats/basics.js';
import { formatNumber, plural } from '../format.js';
import { html, type Markup, raw } from '../html/markup.js';
import { bandOf, minMaxEnvelope, type Point } from './downsample.js';
import { linearScale, type Scale } from './scale.js';
import { areaPath, at, type ChartText, frame, linePath, svg, xAxis, yAxis } from './svg.js';

export interface TokenSeries {
  readonly iteration: number;
  /** Gaps between tokens 2…O in milliseconds. */
  readonly gaps: readonly number[];
}

/** Up to this many iterations are drawn as single lines; more become a band. */
export const MAX_LINES = 8;
const BUCKETS = 240;
/** A gap this many times the median is drawn at the edge, so that it does not flatten the rest. */
const CLIP_FACTOR = 2.5;

interface Extent {
  readonly low: number;
  readonly high: number;
  readonly clipped: readonly { x: number; y: number; iteration: number }[];
}

function extentOf(series: readonly TokenSeries[]): Extent {
  const all = sorted(series.flatMap(({ gaps }) => gaps));
  const middle = quantileOfSorted(all, 0.5);
  const top = all[all.length - 1] as number;
  if (top <= CLIP_FACTOR * middle) return { low: all[0] as number, high: top, clipped: [] };
  const limit = Math.min(top, Math.max(CLIP_FACTOR * middle, quantileOfSorted(all, 0.99) * 1.05));
  const clipped = series.flatMap(({ gaps, iteration }) =>
    gaps.flatMap((y, index) => (y > limit ? [{ x: index + 2, y, iteration }] : [])),
  );
  return { low: all[0] as number, high: limit, clipped };
}

function toPoints(gaps: readonly number[], limit: number): Point[] {
  return gaps.map((gap, index) => ({ x: index + 2, y: Math.min(gap, limit) }));
}

function lines(series: readonly TokenSeries[], high: number, x: Scale, y: Scale): Markup[] {
  return series.map(({ gaps, iteration }) => {
    const points = minMaxEnvelope(toPoints(gaps, high), BUCKETS);
    return html`<path class="line faint" d="${linePath(points, x, y)}"><title>iteration ${iteration}</title></path>`;
  });
}

/** The time of every token over its place in the output, of all iterations. */
export function tokenLatencyChart(
  id: string,
  series: readonly TokenSeries[],
  width: number,
  height: number,
): Markup {
  const area = frame(width, height, { top: 28 });
  const length = Math.max(...series.map(({ gaps }) => gaps.length));
  const { low, high, clipped } = extentOf(series);
  const margin = (high - low) * 0.05;
  const floor = low < high * 0.35 ? 0 : Math.max(0, low - margin);
  const ticks = width > 600 ? 8 : 5;
  const x = linearScale(2, length + 1, [area.left, area.right], { ticks, nice: false });
  const y = linearScale(floor, high + margin, [area.bottom, area.top]);
  const gaps = series.map((entry) => entry.gaps.map((gap) => Math.min(gap, high)));
  const bands = bandOf(gaps, BUCKETS / 2, quantileOfSorted, 0.05);
  const shift = ({ x: position }: { x: number }) => position + 2;
  const spread =
    series.length > MAX_LINES
      ? html`<path class="band" d="${areaPath(
          bands.map((band) => ({ x: shift(band), y: band.high })),
          bands.map((band) => ({ x: shift(band), y: band.low })),
          x,
          y,
        )}"/>`
      : lines(series, high, x, y);
  const middle = html`<path class="line strong" d="${linePath(
    bands.map((band) => ({ x: shift(band), y: band.median })),
    x,
    y,
  )}"><title>median of all iterations</title></path>`;
  const marks = clipped.slice(0, 200).map(({ x: token, y: gap, iteration }) => {
    const left = x(token);
    return html`<path class="spike" d="${raw(`M${at(left - 3.5)} ${at(area.top + 1)}l3.5 -6l3.5 6Z`)}"><title>token ${token} of iteration ${iteration}: ${formatNumber(gap)} ms</title></path>`;
  });
  const all = sorted(series.flatMap((entry) => entry.gaps));
  const text: ChartText = {
    id,
    title: 'Time of each token after the first',
    description: `${plural(series.length, 'iteration')} of up to ${length} gaps; median ${formatNumber(quantileOfSorted(all, 0.5))} ms, 99 of 100 below ${formatNumber(quantileOfSorted(all, 0.99))} ms, longest ${formatNumber(all[all.length - 1] as number)} ms.`,
  };
  return svg(area, text, [
    yAxis(area, y, 'ms'),
    xAxis(area, x, 'output token'),
    ...(Array.isArray(spread) ? spread : [spread]),
    middle,
    ...marks,
  ]);
}

const MAX_BINS = 48;

/** How the gaps between tokens are distributed, with the median and the tail marked. */
export function distributionChart(
  id: string,
  values: readonly number[],
  options: { width: number; height: number; title: string; unit: string; label: string },
): Markup {
  const area = frame(options.width, options.height, { top: 40 });
  const all = sorted(values);
  const p = (share: number) => quantileOfSorted(all, share);
  const low = all[0] as number;
  const high = all[all.length - 1] as number;
  // The last per cent would leave the rest in two bars: it is gathered in the last one.
  const limit = high > p(0.5) + 6 * (p(0.99) - p(0.5)) ? p(0.995) : high;
  const x = linearScale(low, limit, [area.left, area.right], { ticks: 6 });
  const quartiles = p(0.75) - p(0.25);
  const ideal = quartiles > 0 ? (2 * quartiles) / Math.cbrt(all.length) : (limit - low) / 10;
  const span = x.domain[1] - x.domain[0];
  const bins = Math.max(6, Math.min(MAX_BINS, Math.round(span / (ideal || span))));
  const counts = new Array<number>(bins).fill(0);
  for (const value of all) {
    const index = Math.floor(((value - x.domain[0]) / span) * bins);
    const bin = Math.max(0, Math.min(bins - 1, index));
    counts[bin] = (counts[bin] as number) + 1;
  }
  const y = linearScale(0, Math.max(...counts), [area.bottom, area.top], { ticks: 4 });
  const step = (area.right - area.left) / bins;
  const bars = counts.map((count, bin) => {
    if (count === 0) return html``;
    const from = x.domain[0] + (bin * span) / bins;
    const to = from + span / bins;
    const last = bin === bins - 1 && limit < high;
    const range = last
      ? `above ${formatNumber(from)}`
      : `${formatNumber(from)} to ${formatNumber(to)}`;
    return html`<rect class="bar" x="${at(area.left + bin * step + 0.5)}" y="${at(y(count))}" width="${at(Math.max(0.5, step - 1))}" height="${at(area.bottom - y(count))}"><title>${range} ${options.unit}: ${count}</title></rect>`;
  });
  const rules = (
    [
      ['median', p(0.5)],
      ['p99', p(0.99)],
    ] as const
  ).map(([name, value], index) => {
    const left = Math.min(x(value), area.right);
    // The median's name goes to the left, away from that of the tail, where it has room.
    const outer = index === 0 ? left > area.left + 90 : left > area.right - 90;
    const anchor = outer ? 'end' : 'start';
    const shift = anchor === 'end' ? -4 : 4;
    return html`<line class="rule" x1="${at(left)}" x2="${at(left)}" y1="${area.top - 14 + index * 12}" y2="${area.bottom}"/><text class="mark" x="${at(left + shift)}" y="${area.top - 6 + index * 12}" text-anchor="${anchor}">${name} ${formatNumber(value)}</text>`;
  });
  const text: ChartText = {
    id,
    title: options.title,
    description: `Histogram of ${plural(all.length, 'value')}; median ${formatNumber(p(0.5))}, p90 ${formatNumber(p(0.9))}, p99 ${formatNumber(p(0.99))}, largest ${formatNumber(high)} ${options.unit}.`,
  };
  return svg(area, text, [
    yAxis(area, y, 'count'),
    ...bars,
    xAxis(area, x, options.label),
    ...rules,
  ]);
}
