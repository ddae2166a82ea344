import {
  blockOf,
  METRICS,
  type Metric,
  type ResultDocument,
  type StatisticBlock,
} from '../schema/index.js';

type ScalarRow = [id: string, label: string, unit: string, direction: Metric['direction']];

/** Figures under `results` that are taken once and have no statistic block. */
const SCALAR_ROWS: ScalarRow[] = [
  ['power.idle_power_w', 'Idle power', 'W', 'none'],
  ['accuracy.top1_agreement', 'Top-1 agreement with the reference', 'share', 'higher'],
  ['accuracy.kl_divergence', 'Divergence from the reference (KL)', 'nats', 'lower'],
  ['accuracy.perplexity', 'Perplexity', '', 'lower'],
  ['accuracy.max_logit_error', 'Largest logit error', '', 'lower'],
  ['accuracy.embedding_cosine', 'Cosine to the reference embedding', '', 'higher'],
  ['harness.clock_ns', 'Cost of one clock reading', 'ns', 'lower'],
  ['harness.sampler_cpu_percent', 'Processor share of the sampler', '%', 'lower'],
  ['harness.outside_graph_percent', 'Time outside the graph', '%', 'lower'],
];

export const SCALARS: readonly Metric[] = SCALAR_ROWS.map(([id, label, unit, direction]) => ({
  id,
  label,
  unit,
  direction,
  primary: false,
}));

/** Everything that `--filter` can name, in the order in which it is shown. */
export const FIGURES: readonly Metric[] = [...METRICS, ...SCALARS];

/** The specification's own metrics: shown even where they were not taken. */
export const CORE_IDS: ReadonlySet<string> = new Set([
  'latency.cold_start_ms',
  'latency.first_token_ms',
  'latency.subsequent_token_ms',
  'throughput.tokens_per_second',
  'throughput.tokens_per_second_after_first',
  'memory.peak_memory_usage_mb',
  'memory.average_memory_usage_mb',
  'power.average_power_w',
  'power.peak_power_w',
]);

/** A figure of a document: a statistic block, one number, or neither where it was not taken. */
export interface Figure {
  readonly metric: Metric;
  readonly block?: StatisticBlock;
  readonly scalar?: number;
}

export const SCALAR_IDS: ReadonlySet<string> = new Set(SCALARS.map((metric) => metric.id));

export function figureOf(document: ResultDocument, metric: Metric): Figure {
  if (!SCALAR_IDS.has(metric.id)) {
    const block = blockOf(document.results, metric);
    return block ? { metric, block } : { metric };
  }
  const [group, name] = metric.id.split('.') as [string, string];
  const value = (document.results[group] as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === 'number' ? { metric, scalar: value } : { metric };
}

/** The value that is shown for a figure: the mean, as the specification's tables do. */
export function shownValue(figure: Figure): number | undefined {
  return figure.block?.mean ?? figure.scalar;
}

/** The value that ratios are made of: the median, as in `compare`. */
export function centerOf(figure: Figure): number | undefined {
  return figure.block?.median ?? figure.scalar;
}

export function meanOf(document: ResultDocument, id: string): number | undefined {
  const metric = FIGURES.find((entry) => entry.id === id);
  return metric && shownValue(figureOf(document, metric));
}

/** The figures that a document has, and the specification's own even where they are missing. */
export function figuresOf(document: ResultDocument, metrics: readonly Metric[]): Figure[] {
  return metrics
    .map((metric) => figureOf(document, metric))
    .filter((figure) => shownValue(figure) !== undefined || CORE_IDS.has(figure.metric.id));
}

/** Why a metric is missing, in the words of the document. */
export function reasonOf(document: ResultDocument, id: string): string | undefined {
  const entry = document.unavailable.find(
    ({ metric }) => metric === id || metric === `results.${id}` || id.startsWith(`${metric}.`),
  );
  return entry?.reason;
}
