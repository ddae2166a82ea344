import { figure, signedPercent } from '../compare/format.js';
import { trendChart } from '../export/charts/trend.js';
import { figureBlock, responsive, section, tableBlock } from '../export/html/blocks.js';
import { html, NOTHING } from '../export/html/markup.js';
import { htmlPage } from '../export/html/page.js';
import { toolVersion } from '../version.js';
import { type HistorySeries, type SeriesPoint, stepKind } from './series.js';

export interface HistoryHeading {
  readonly workload: string;
  readonly device: string;
}

const labelOf = ({ commit, label, timestamp }: SeriesPoint): string =>
  commit?.slice(0, 10) ?? label ?? timestamp.slice(0, 10);

function seriesFigure(series: HistorySeries, index: number) {
  const { metric, points, changePoints } = series;
  const changes = changePoints.map((step) => ({
    index: step.index,
    text: `${signedPercent((step.ratio - 1) * 100)} %`,
    kind: stepKind(series, step),
  }));
  const data = points.map((point) => ({
    label: labelOf(point),
    value: point.value,
    low: point.low,
    high: point.high,
  }));
  const draw = (width: number, id: string) =>
    trendChart(data, { id, title: metric.label, unit: metric.unit, width, changes });
  const better = { lower: 'Lower is better.', higher: 'Higher is better.', none: '' };
  return figureBlock(
    metric.label,
    `Median of each run; the band spans its processes. ${better[metric.direction]}`.trim(),
    responsive(draw, `trend${index}`),
    true,
  );
}

function stepsTable(all: readonly HistorySeries[]) {
  const rows = all.flatMap((series) =>
    series.changePoints.map((step) => {
      const point = series.points[step.index] as SeriesPoint;
      return [
        series.metric.label,
        `${signedPercent((step.ratio - 1) * 100)} %`,
        figure(step.before),
        figure(step.after),
        series.metric.unit,
        point.timestamp.slice(0, 10),
        point.commit ?? null,
        point.id,
      ];
    }),
  );
  if (rows.length === 0) return html`<p>No metric stepped.</p>`;
  const columns = [
    { label: 'Metric' },
    { label: 'Change', numeric: true },
    { label: 'Before', numeric: true },
    { label: 'After', numeric: true },
    { label: 'Unit' },
    { label: 'Date' },
    { label: 'Commit' },
    { label: 'First run of the new level' },
  ];
  return tableBlock({ caption: 'Where metrics stepped', columns, rows });
}

/** The course of metrics as one self-contained page. Pure. */
export function renderHistoryHtml(all: readonly HistorySeries[], heading: HistoryHeading): string {
  const runs = Math.max(0, ...all.map(({ points }) => points.length));
  return htmlPage({
    title: `History of ${heading.workload} on ${heading.device}`,
    overline: `npu-bench · history of ${runs} ${runs === 1 ? 'run' : 'runs'}`,
    heading: html`${heading.workload} <span class="soft">on</span> ${heading.device}`,
    intro: NOTHING,
    body: [
      section('steps', 'Steps', stepsTable(all)),
      section('course', 'Course', all.map(seriesFigure)),
    ],
    footer: `Made by npu-bench ${toolVersion()}. The page is complete in itself and loads nothing.`,
  });
}
