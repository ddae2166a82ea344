import { bytesText, columns, figure } from '../cli/format.js';
import type { CaseRecord, ResultDocument } from '../schema/document.js';
import { blockOf, findMetric, type Metric } from '../schema/metrics.js';
import { mean } from '../stats/basics.js';
import { type Axis, casesOfAxes } from './axes.js';
import type { Repeatability } from './repeatability.js';

const MISSING = 'not available';

interface Column {
  readonly title: string;
  readonly id: string;
  text(value: number): string;
}

const TOKENS: Column = {
  title: 'Throughput',
  id: 'throughput.tokens_per_second',
  text: (value) => `${figure(value)} tok/sec`,
};
const QUERIES: Column = {
  title: 'Throughput',
  id: 'throughput.queries_per_second',
  text: (value) => `${figure(value)} queries/sec`,
};
const COMMON: readonly Column[] = [
  { title: 'Power', id: 'power.average_power_w', text: (value) => `${figure(value)} W` },
  {
    title: 'Memory',
    id: 'memory.peak_memory_usage_mb',
    text: (value) => bytesText(value * 1e6),
  },
  {
    title: 'First Token',
    id: 'latency.first_token_ms',
    text: (value) => `${figure(value)} ms`,
  },
];

/** Mean over the runs of a case of each run's mean; undefined where no run has it. */
function meanOf(runs: readonly CaseRecord[], id: string): number | undefined {
  const metric = findMetric(id) as Metric;
  const values = runs.flatMap((entry) => blockOf(entry.results, metric)?.mean ?? []);
  return values.length === 0 ? undefined : mean(values);
}

/** Axes with more than one value; the only axis of a sweep is shown whatever it has. */
function shownAxes(axes: readonly Axis[]): number[] {
  const varied = axes.flatMap(({ values }, i) => (values.length > 1 ? [i] : []));
  return varied.length > 0 ? varied : axes.length > 0 ? [axes.length - 1] : [];
}

/** Why a column is empty, once for the whole table. */
function missingNotes(cases: readonly CaseRecord[], shown: readonly Column[]): string[] {
  return shown.flatMap(({ title, id }) => {
    const metric = findMetric(id) as Metric;
    const without = cases.find((entry) => blockOf(entry.results, metric) === undefined);
    const told = without?.unavailable.find((entry) => entry.metric === id);
    return told === undefined ? [] : [`${title} is not available: ${told.reason}.`];
  });
}

/**
 * The scaling table of a sweep: one line for each case that was measured, in the order of the axes'
 * values, with the means over all runs.
 */
export function scalingTable(document: ResultDocument, axes: readonly Axis[]): string {
  const cases = document.cases ?? [];
  const queries = cases.every(({ results }) => results.throughput.queries_per_second != null);
  const shown = [queries ? QUERIES : TOKENS, ...COMMON];
  const indices = shownAxes(axes);
  const titles = indices.map((i) => (axes[i] as Axis).title);
  const rows = casesOfAxes(axes).flatMap(({ label, values }) => {
    const runs = cases.filter((entry) => (entry.label ?? entry.id) === label);
    if (runs.length === 0) return [];
    const cells = shown.map(({ id, text }) => {
      const value = meanOf(runs, id);
      return value === undefined ? MISSING : text(value);
    });
    const names = indices.length > 0 ? indices.map((i) => values[i] as string) : [label];
    return [[...names, ...cells]];
  });
  const head = [...(titles.length > 0 ? titles : ['Case']), ...shown.map(({ title }) => title)];
  return [columns([head, ...rows]), ...missingNotes(cases, shown)].join('\n');
}

/** How well the runs agree: one line for each case and metric. */
export function repeatabilityTable(entries: readonly Repeatability[]): string {
  const percent = (value: number | undefined) =>
    value === undefined ? 'one sample' : `${value.toFixed(1)} %`;
  const rows = entries.map((entry) => [
    entry.case,
    findMetric(entry.metric)?.label ?? entry.metric,
    figure(entry.mean),
    percent(entry.between_runs_percent),
    percent(entry.within_runs_percent),
  ]);
  return columns([['Case', 'Metric', 'Mean', 'Between Runs', 'Within Runs'], ...rows]);
}
