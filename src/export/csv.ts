import { type Metric, sampleOf } from '../schema/index.js';
import type { ReportCase } from './cases.js';
import { FIGURES, figuresOf, reasonOf } from './figures.js';
import { normalizeFigure, type Reference } from './normalize.js';

export type CsvLevel = 'summary' | 'iterations' | 'tokens';
type Cell = string | number | null | undefined;

/** Characters that make a spreadsheet take a text for a formula, also in their full-width form. */
const FORMULA = /^[\s]*[=+\-@\t\r＝＋－＠]/u;

/**
 * RFC 4180. Numbers are written bare and in full precision; a text that a spreadsheet would run as
 * a formula gets a leading apostrophe. An unknown figure is an empty cell.
 */
export function csvCell(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]|^\s|\s$/u.test(safe) ? `"${safe.replace(/"/gu, '""')}"` : safe;
}

function csvLine(cells: readonly Cell[]): string {
  let line = '';
  for (let i = 0; i < cells.length; i++) line += (i === 0 ? '' : ',') + csvCell(cells[i]);
  return `${line}\n`;
}

const IDENTITY = [
  'file',
  'label',
  'timestamp',
  'status',
  'device',
  'backend',
  'model',
  'quantization',
  'weights',
  'simulated',
  'batch_size',
  'input_length',
  'output_length',
];

function identity({ file, label, document }: ReportCase): Cell[] {
  const { metadata, status } = document;
  const { device_info: info, model, benchmark_config: config } = metadata;
  return [
    file,
    label,
    metadata.timestamp,
    status,
    metadata.device,
    info.backend,
    model.name,
    model.quantization,
    model.weights,
    info.simulated ? 'true' : 'false',
    config.batch_size,
    config.input_length,
    config.output_length,
  ];
}

const METADATA = ['device_name', 'driver', 'runtime_version', 'soc', 'threads', 'os', 'cpu'];

function metadataCells({ document: { metadata } }: ReportCase): Cell[] {
  const { device_info: info, system_info: system, benchmark_config: config } = metadata;
  return [
    info.name,
    info.driver,
    info.runtime_version,
    info.soc,
    config.threads,
    system.os,
    system.cpu,
  ];
}

const STATISTICS = [
  'mean',
  'std',
  'min',
  'max',
  'median',
  'n',
  'p90',
  'p95',
  'p99',
  'ci95_low',
  'ci95_high',
] as const;

export interface CsvOptions {
  readonly level: CsvLevel;
  readonly includeMetadata: boolean;
  readonly metrics: readonly Metric[];
  readonly references?: readonly Reference[];
}

/** One line per case and metric. A figure that is taken once has a mean and no other statistic. */
function* summaryLines(cases: readonly ReportCase[], options: CsvOptions): Generator<Cell[]> {
  const { references, includeMetadata } = options;
  const ratios = references ? ['reference', 'reference_value', 'ratio', 'improvement'] : [];
  yield [
    ...IDENTITY,
    ...(includeMetadata ? METADATA : []),
    'metric',
    'unit',
    'better',
    ...STATISTICS,
    ...ratios,
    'unavailable',
  ];
  for (const [index, entry] of cases.entries()) {
    const head = [...identity(entry), ...(includeMetadata ? metadataCells(entry) : [])];
    const reference = references?.[index];
    for (const figure of figuresOf(entry.document, options.metrics)) {
      const { metric, block, scalar } = figure;
      const normalized = reference && normalizeFigure(figure, reference);
      const missing = !block && scalar === undefined;
      yield [
        ...head,
        metric.id,
        metric.unit,
        metric.direction,
        ...STATISTICS.map((name) => (block ? block[name] : name === 'mean' ? scalar : undefined)),
        ...(reference
          ? [reference.label, normalized?.reference, normalized?.ratio, normalized?.improvement]
          : []),
        missing ? (reasonOf(entry.document, metric.id) ?? 'not taken') : '',
      ];
    }
  }
}

/** One line per iteration, one column per metric that any of the cases has. */
function* iterationLines(cases: readonly ReportCase[], options: CsvOptions): Generator<Cell[]> {
  const metrics = options.metrics.filter((metric) =>
    cases.some(({ document }) =>
      document.iterations.some((iteration) => sampleOf(iteration, metric) !== undefined),
    ),
  );
  const { references, includeMetadata } = options;
  const columns = metrics.map(({ id }) => (references ? `${id}_ratio` : id));
  yield [
    ...IDENTITY,
    ...(includeMetadata ? METADATA : []),
    'iteration',
    'process',
    'fault',
    ...(references ? ['reference'] : []),
    ...columns,
  ];
  for (const [index, entry] of cases.entries()) {
    const head = [...identity(entry), ...(includeMetadata ? metadataCells(entry) : [])];
    const reference = references?.[index];
    const divisors = metrics.map((metric) => (reference ? reference.valueOf(metric) : 1));
    for (const iteration of entry.document.iterations) {
      yield [
        ...head,
        iteration.iteration,
        iteration.process,
        iteration.faults?.map(({ code }) => code).join(' '),
        ...(reference ? [reference.label] : []),
        ...metrics.map((metric, column) => {
          const value = sampleOf(iteration, metric);
          const divisor = divisors[column];
          if (value === undefined || divisor === undefined) return undefined;
          return divisor === 1 ? value : value / divisor;
        }),
      ];
    }
  }
}

/** One line per token: the first token's time counts from the prompt, the others from the last. */
function* tokenLines(cases: readonly ReportCase[]): Generator<Cell[]> {
  yield [
    'file',
    'label',
    'device',
    'model',
    'iteration',
    'process',
    'token',
    'gap_ms',
    'elapsed_ms',
    'token_id',
  ];
  for (const { file, label, document } of cases) {
    const lead: Cell[] = [file, label, document.metadata.device, document.metadata.model.name];
    for (const iteration of document.iterations) {
      const first = iteration.first_token_ms;
      const ids = iteration.token_ids;
      const single = ids?.every((id) => typeof id === 'number') ? (ids as number[]) : undefined;
      let elapsed = first ?? undefined;
      const row = (token: number, gap: Cell): Cell[] => [
        ...lead,
        iteration.iteration,
        iteration.process,
        token,
        gap,
        elapsed === undefined ? undefined : Number(elapsed.toFixed(6)),
        single?.[token - 1],
      ];
      if (first != null) yield row(1, first);
      for (const [k, gap] of (iteration.token_ms ?? []).entries()) {
        if (elapsed !== undefined) elapsed += gap;
        yield row(k + 2, gap);
      }
    }
  }
}

/** The text of a CSV file with one header line. */
export function renderCsv(cases: readonly ReportCase[], options: CsvOptions): string {
  const lines =
    options.level === 'summary'
      ? summaryLines(cases, options)
      : options.level === 'iterations'
        ? iterationLines(cases, options)
        : tokenLines(cases);
  const parts: string[] = [];
  for (const cells of lines) parts.push(csvLine(cells));
  return parts.join('');
}

/** The metrics that a level can show: tokens have none to choose from. */
export function isFilterable(level: CsvLevel, metrics: readonly Metric[]): boolean {
  return level !== 'tokens' || metrics.length === FIGURES.length;
}
