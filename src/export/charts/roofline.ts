import { formatNumber } from '../format.js';
import { html, type Markup } from '../html/markup.js';
import { logScale } from './scale.js';
import { at, type ChartText, frame, linePath, svg, xAxis, yAxis } from './svg.js';

export interface RooflinePoint {
  readonly name: string;
  /** Arithmetic operations per byte read. */
  readonly intensity: number;
  /** 10^9 operations per second that were reached. */
  readonly gflops: number;
}

export interface Roofline {
  readonly bandwidthGbS: number;
  readonly peakGflops: number;
  readonly points: readonly RooflinePoint[];
}

/** What the machine allows at an intensity: the slope of its memory or the top of its arithmetic. */
export function roofAt({ bandwidthGbS, peakGflops }: Roofline, intensity: number): number {
  return Math.min(peakGflops, intensity * bandwidthGbS);
}

/** Phases placed under the limits of the machine, both axes logarithmic. */
export function rooflineChart(
  id: string,
  roofline: Roofline,
  width: number,
  height: number,
): Markup {
  const area = frame(width, height, { left: 52, right: 20, bottom: 36 });
  const ridge = roofline.peakGflops / roofline.bandwidthGbS;
  const intensities = [...roofline.points.map((point) => point.intensity), ridge];
  const low = Math.min(...intensities) / 3;
  const high = Math.max(...intensities) * 3;
  const reached = roofline.points.map((point) => point.gflops);
  const x = logScale(low, high, [area.left, area.right]);
  const y = logScale(
    Math.min(...reached, roofAt(roofline, low)) / 2,
    Math.max(...reached, roofline.peakGflops) * 2,
    [area.bottom, area.top],
  );
  const roof = [low, ridge, high].map((value) => ({ x: value, y: roofAt(roofline, value) }));
  const slope = Math.sqrt(low * ridge);
  const points = roofline.points.map(({ name, intensity, gflops }, index) => {
    const anchor = x(intensity) > area.right - 120 ? 'end' : 'start';
    const shift = anchor === 'end' ? -9 : 9;
    const share = formatNumber((100 * gflops) / roofAt(roofline, intensity), 0);
    return html`<line class="drop" x1="${at(x(intensity))}" x2="${at(x(intensity))}" y1="${at(y(roofAt(roofline, intensity)))}" y2="${at(y(gflops))}"/><circle class="point c${index}" cx="${at(x(intensity))}" cy="${at(y(gflops))}" r="5"/><text class="value" x="${at(x(intensity) + shift)}" y="${at(y(gflops))}" dy="0.9em" text-anchor="${anchor}">${name} · ${share} %</text>`;
  });
  const text: ChartText = {
    id,
    title: 'Roofline',
    description: roofline.points
      .map(
        (point) =>
          `${point.name}: ${formatNumber(point.gflops)} GFLOP/s at ${formatNumber(point.intensity)} operations per byte, ${formatNumber((100 * point.gflops) / roofAt(roofline, point.intensity), 0)} % of what the machine allows there`,
      )
      .join('; '),
  };
  return svg(area, text, [
    yAxis(area, y, 'GFLOP/s'),
    xAxis(area, x, 'operations per byte read'),
    html`<path class="roof" d="${linePath(roof, x, y)}"/><text class="mark" x="${area.right - 4}" y="${at(y(roofline.peakGflops) - 6)}" text-anchor="end">${formatNumber(roofline.peakGflops, 0)} GFLOP/s</text><text class="mark" x="${at(x(slope) - 8)}" y="${at(y(roofAt(roofline, slope)) - 4)}" text-anchor="end">${formatNumber(roofline.bandwidthGbS, 1)} GB/s</text>`,
    ...points,
  ]);
}
