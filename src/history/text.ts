import { figure, printable, signedPercent } from '../compare/format.js';
import { type HistorySeries, stepKind } from './series.js';
import type { HistoryEntry } from './store.js';

const STEP_WORDS = { better: 'improved', worse: 'got worse', neutral: 'changed' } as const;
const BARS = '▁▂▃▄▅▆▇█';

/** Lists entries with the baselines that name them. */
export function renderEntries(
  entries: readonly HistoryEntry[],
  baselines: Readonly<Record<string, readonly string[]>>,
): string {
  if (entries.length === 0)
    return 'The history is empty; add a document with `history add FILE`.\n';
  const lines = entries.map((entry) => {
    const names = Object.keys(baselines).filter((name) => baselines[name]?.includes(entry.id));
    const marks = [entry.commit?.slice(0, 10), entry.label, ...names.map((name) => `[${name}]`)];
    const tail = marks.filter((mark) => mark).join(' ');
    return printable(`${entry.id}  ${entry.workload}, ${entry.device}${tail ? `  ${tail}` : ''}`);
  });
  return `${lines.join('\n')}\n`;
}

function sparkline(values: readonly number[]): string {
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  return values
    .map((value) => BARS[span === 0 ? 3 : Math.round(((value - low) / span) * (BARS.length - 1))])
    .join('');
}

/** One metric's course: a small chart, and each step with the run in which it happened. */
export function renderSeries(series: HistorySeries): string {
  const { metric, points, changePoints } = series;
  const last = points.at(-1);
  if (!last) return '';
  const recent = points.slice(-40).map((point) => point.value);
  const lines = [
    `${metric.label} (${metric.unit}): ${points.length} runs, last ${figure(last.value)}  ${sparkline(recent)}`,
  ];
  for (const step of changePoints) {
    const point = points[step.index];
    if (!point) continue;
    const word = STEP_WORDS[stepKind(series, step)];
    const where = [point.commit?.slice(0, 10), point.label].filter((part) => part).join(' ');
    lines.push(
      printable(
        `  ${word} by ${signedPercent((step.ratio - 1) * 100)} % (${figure(step.before)} → ${figure(step.after)}) in ${point.id}${where ? ` (${where})` : ''}`,
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}
