import { type Metric, type ResultDocument, sampleOf } from '../schema/index.js';
import { type AxisScaling, figuresAlong } from './axes.js';
import { deviceName, groupBy, type ReportCase } from './cases.js';
import { type BatchScaling, type DeviceComparison, groupMean, SCALING_IDS } from './combined.js';
import { FIGURES, type Figure, figureOf, figuresOf, reasonOf, shownValue } from './figures.js';
import { decimalsFor, formatNumber, formatRatio, plural } from './format.js';
import { normalizeFigure, type Reference } from './normalize.js';

export interface Column {
  readonly label: string;
  readonly numeric?: boolean;
}

/** A table of plain text, for any format. `null` is a value that is not known. */
export interface Table {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly note?: string;
}

const number = (label: string): Column => ({ label, numeric: true });

function labelWithUnit({ label, unit }: Metric): string {
  return unit === '' ? label : `${label} (${unit})`;
}

/** The metrics among `wanted` that any case has, or that the specification names. */
function present(cases: readonly ReportCase[], wanted: readonly string[], all: readonly Metric[]) {
  return all.filter(
    (metric) =>
      wanted.includes(metric.id) &&
      cases.some(({ document }) => shownValue(figureOf(document, metric)) !== undefined),
  );
}

const OVERVIEW_IDS = [
  'latency.cold_start_ms',
  'latency.first_token_ms',
  'latency.subsequent_token_ms',
  'latency.execution_ms',
  'throughput.tokens_per_second',
  'throughput.queries_per_second',
  'throughput.executions_per_second',
  'throughput.prefill_tokens_per_second',
  'memory.peak_memory_usage_mb',
  'power.average_power_w',
  'efficiency.joules_per_token',
];

/** Every case in one line, for several cases side by side. */
export function overviewTable(
  cases: readonly ReportCase[],
  metrics: readonly Metric[],
  references?: readonly Reference[],
): Table {
  const wanted =
    metrics.length === FIGURES.length ? OVERVIEW_IDS : metrics.map((metric) => metric.id);
  const columns = present(cases, wanted, metrics);
  const decimals = columns.map((metric) =>
    decimalsFor(
      Math.max(...cases.map(({ document }) => shownValue(figureOf(document, metric)) ?? 0)),
    ),
  );
  const rows = cases.map((entry, index) => {
    const { document } = entry;
    const reference = references?.[index];
    return [
      entry.label,
      deviceName(document.metadata.device),
      ...columns.map((metric, column) => {
        const figure = figureOf(document, metric);
        const value = shownValue(figure);
        if (value === undefined) return null;
        if (!reference) return formatNumber(value, decimals[column]);
        const normalized = normalizeFigure(figure, reference);
        return normalized ? formatRatio(normalized.ratio) : null;
      }),
    ];
  });
  return {
    caption: references ? 'All results, as multiples of their reference' : 'All results',
    columns: [
      { label: 'Result' },
      { label: 'Device' },
      ...columns.map((metric) => number(references ? metric.label : labelWithUnit(metric))),
    ],
    rows,
    note: references
      ? `Medians, divided by those of the reference: ${[...new Set(references.map(({ label }) => label))].join('; ')}.`
      : 'Means over the iterations of each run.',
  };
}

function metricRow(figure: Figure, document: ResultDocument): (string | null)[] {
  const { metric, block, scalar } = figure;
  if (scalar !== undefined) {
    return [labelWithUnit(metric), formatNumber(scalar), null, null, null, null, null];
  }
  if (!block) {
    const reason = reasonOf(document, metric.id);
    return [`${labelWithUnit(metric)}${reason ? '*' : ''}`, null, null, null, null, null, null];
  }
  const decimals = decimalsFor(block.mean);
  const show = (value: number) => formatNumber(value, decimals);
  // The deviation of one value is not zero but unknown.
  const single = block.n === undefined ? block.min === block.max : block.n < 2;
  return [
    labelWithUnit(metric),
    show(block.mean),
    single ? null : formatNumber(block.std, decimals + 1),
    show(block.min),
    show(block.median),
    show(block.max),
    block.n === undefined ? null : String(block.n),
  ];
}

/** Every metric of one case with its statistics. */
export function metricTable(document: ResultDocument, metrics: readonly Metric[]): Table {
  const figures = figuresOf(document, metrics);
  const missing = figures.some(
    (figure) =>
      shownValue(figure) === undefined && reasonOf(document, figure.metric.id) !== undefined,
  );
  return {
    caption: 'All metrics',
    columns: [
      { label: 'Metric' },
      ...['Mean', 'Std', 'Min', 'Median', 'Max', 'n'].map((label) => number(label)),
    ],
    rows: figures.map((figure) => metricRow(figure, document)),
    ...(missing && { note: '* Not available here; the reason is listed under “Not available”.' }),
  };
}

/** Every metric of one case as a multiple of its reference. */
export function normalizedTable(
  document: ResultDocument,
  metrics: readonly Metric[],
  reference: Reference,
): Table {
  const rows = figuresOf(document, metrics).flatMap((figure) => {
    const normalized = normalizeFigure(figure, reference);
    if (!normalized) return [];
    const { metric, ratio, improvement } = normalized;
    const decimals = decimalsFor(normalized.reference);
    const better =
      improvement === undefined
        ? null
        : improvement >= 1
          ? `${formatRatio(improvement)} better`
          : `${formatRatio(1 / improvement)} worse`;
    return [
      [
        labelWithUnit(metric),
        formatNumber(normalized.ratio * normalized.reference, decimals),
        formatNumber(normalized.reference, decimals),
        formatRatio(ratio),
        better,
      ],
    ];
  });
  const notes = reference.notes.length > 0 ? ` Mind: ${reference.notes.join('; ')}.` : '';
  return {
    caption: `Normalized to ${reference.label}`,
    columns: [
      { label: 'Metric' },
      number('Median'),
      number('Reference'),
      number('Ratio'),
      number('In words'),
    ],
    rows,
    note: `Ratio = median ÷ the reference’s median.${notes}`,
  };
}

/** The specification's table of ratios, one column per device that is not the reference. */
export function deviceTable({ workload, reference, devices }: DeviceComparison): Table {
  const others = devices.filter((entry) => entry !== reference);
  const labels = [...new Set(others.flatMap(({ ratios }) => ratios.map(({ label }) => label)))];
  return {
    caption: `Performance ratios (vs ${reference.name}): ${workload}`,
    columns: [{ label: 'Metric' }, ...others.map(({ name }) => number(name))],
    rows: labels.map((label) => [
      label,
      ...others.map(({ ratios }) => {
        const row = ratios.find((entry) => entry.label === label);
        if (!row) return null;
        return /memory/iu.test(label) ? `${formatNumber(row.ratio, 2)}×` : ratioCell(row.ratio);
      }),
    ]),
    note: 'Ratios of medians. Speedups and efficiencies above 1 are better than the reference; power efficiency compares watts, energy efficiency tokens per joule. Memory per token is peak memory ÷ (batch × (input + output)).',
  };
}

/** "7.5×", as the specification prints its ratios. */
function ratioCell(ratio: number): string {
  return ratio >= 100 ? formatRatio(ratio) : `${formatNumber(ratio, 1)}×`;
}

/** The absolute figures of each device beside each other. */
export function deviceFigures(
  { workload, devices }: DeviceComparison,
  metrics: readonly Metric[],
): Table {
  const cases = devices.flatMap((entry) => entry.cases);
  const wanted = metrics.length === FIGURES.length ? OVERVIEW_IDS : metrics.map(({ id }) => id);
  const rows = present(cases, wanted, metrics).map((metric) => [
    labelWithUnit(metric),
    ...devices.map((entry) => {
      const value = groupMean(entry.cases, metric.id);
      return value === undefined ? null : formatNumber(value);
    }),
  ]);
  const several = devices.some((entry) => entry.cases.length > 1);
  return {
    caption: `Device comparison: ${workload}`,
    columns: [
      { label: 'Metric' },
      ...devices.map(({ name, cases: runs }) =>
        number(several ? `${name} (${plural(runs.length, 'run')})` : name),
      ),
    ],
    rows,
    note: 'Means over the iterations, and over the runs where a device has several.',
  };
}

/** The specification's table of throughput, power and memory per batch size. */
export function scalingTable({ title, steps }: BatchScaling): Table {
  const metrics = FIGURES.filter(
    ({ id }) =>
      (SCALING_IDS as readonly string[]).includes(id) && steps.some((step) => step.figures.has(id)),
  );
  return {
    caption: `Scaling with batch size: ${title}`,
    columns: [
      number('Batch size'),
      ...metrics.map((metric) => number(labelWithUnit(metric))),
      number('Scaling efficiency'),
    ],
    rows: steps.map((step) => [
      String(step.batchSize),
      ...metrics.map(({ id }) => {
        const value = step.figures.get(id);
        return value === undefined ? null : formatNumber(value);
      }),
      step.efficiency === undefined ? null : `${formatNumber(step.efficiency * 100, 0)} %`,
    ]),
    note: 'Scaling efficiency: throughput ÷ (throughput of the smallest batch × growth of the batch).',
  };
}

/** Figures along a setting that a sweep varied. */
export function axisTable(scaling: AxisScaling): Table {
  const ids = [
    'throughput.tokens_per_second_after_first',
    'throughput.prefill_tokens_per_second',
    ...SCALING_IDS,
    'efficiency.joules_per_token',
  ];
  const metrics = FIGURES.filter(
    ({ id }) => ids.includes(id) && figuresAlong(scaling, id).length > 0,
  );
  return {
    caption: `Scaling with ${scaling.title}: ${scaling.common}`,
    columns: [
      scaling.steps[0]?.size === undefined ? { label: scaling.label } : number(scaling.label),
      ...metrics.map((metric) => number(labelWithUnit(metric))),
    ],
    rows: scaling.steps.map(({ name, cases }) => [
      name,
      ...metrics.map(({ id }) => {
        const value = groupMean(cases, id);
        return value === undefined ? null : formatNumber(value);
      }),
    ]),
  };
}

/** The iterations as they were recorded; at most `limit` of them. */
export function iterationTable(
  document: ResultDocument,
  metrics: readonly Metric[],
  limit: number,
): Table {
  const all = document.iterations;
  const shown = all.slice(0, limit);
  const columns = metrics.filter((metric) =>
    shown.some((iteration) => sampleOf(iteration, metric) !== undefined),
  );
  const decimals = columns.map((metric) =>
    decimalsFor(Math.max(...shown.map((iteration) => sampleOf(iteration, metric) ?? 0))),
  );
  const faulty = shown.some((iteration) => iteration.faults?.length);
  return {
    caption: 'Iterations',
    columns: [
      number('#'),
      ...columns.map((metric) => number(labelWithUnit(metric))),
      ...(faulty ? [{ label: 'Fault' }] : []),
    ],
    rows: shown.map((iteration) => [
      String(iteration.iteration),
      ...columns.map((metric, column) => {
        const value = sampleOf(iteration, metric);
        return value === undefined ? null : formatNumber(value, decimals[column]);
      }),
      ...(faulty ? [iteration.faults?.map(({ message }) => message).join('; ') ?? ''] : []),
    ]),
    ...(all.length > limit && {
      note: `The first ${limit} of ${plural(all.length, 'iteration')}; \`export --format csv --level iterations\` has all of them.`,
    }),
  };
}

/** Warnings of all cases, each once, with the cases that have it. */
export function collectWarnings(cases: readonly ReportCase[]) {
  const entries = cases.flatMap((entry) =>
    entry.document.warnings.map((warning) => ({ warning, label: entry.label })),
  );
  const groups = groupBy(entries, ({ warning }) => `${warning.code}\n${warning.message}`);
  return [...groups.values()].map((group) => ({
    warning: (group[0] as (typeof group)[number]).warning,
    labels: [...new Set(group.map(({ label }) => label))],
  }));
}

/** What was not available in any case, each metric and reason once. */
export function collectUnavailable(cases: readonly ReportCase[]) {
  const entries = cases.flatMap((entry) =>
    entry.document.unavailable.map((item) => ({ item, label: entry.label })),
  );
  const groups = groupBy(entries, ({ item }) => `${item.metric}\n${item.reason}`);
  return [...groups.values()].map((group) => ({
    item: (group[0] as (typeof group)[number]).item,
    labels: [...new Set(group.map(({ label }) => label))],
  }));
}
