import {
  findMetric,
  type Metric,
  type ResultDocument,
  type StatisticBlock,
  sampleOf,
} from '../../schema/index.js';
import { isEmbedding } from '../cases.js';
import { dotStrip } from '../charts/strip.js';
import { figureOf, reasonOf } from '../figures.js';
import { formatNumber, formatQuantity } from '../format.js';
import { html, type Markup } from './markup.js';

const GENERATION = [
  'throughput.tokens_per_second',
  'latency.first_token_ms',
  'latency.subsequent_token_ms',
  'latency.cold_start_ms',
  'throughput.prefill_tokens_per_second',
  'memory.peak_memory_usage_mb',
  'power.average_power_w',
  'efficiency.joules_per_token',
];
const EMBEDDING = [
  'throughput.queries_per_second',
  'latency.first_token_ms',
  'latency.cold_start_ms',
  'throughput.prefill_tokens_per_second',
  'memory.peak_memory_usage_mb',
  'memory.average_memory_usage_mb',
  'power.average_power_w',
  'efficiency.joules_per_token',
];
const GRAPHS = [
  'latency.execution_ms',
  'throughput.executions_per_second',
  'latency.cold_start_ms',
  'overhead.execute_ms',
  'overhead.synchronize_ms',
  'overhead.dispatch_ms',
  'memory.peak_memory_usage_mb',
  'power.average_power_w',
];

function spreadText(block: StatisticBlock, metric: Metric): Markup {
  if (block.n === 1 || (block.n === undefined && block.min === block.max)) return html`one value`;
  const scaled = formatQuantity(block.mean, metric.unit);
  const decimals = (scaled.value.split('.')[1] ?? '').length;
  const show = (value: number) => formatNumber(value * scaled.factor, decimals);
  const std = formatNumber(block.std * scaled.factor, decimals + 1);
  const count = block.n === undefined ? '' : `, n\u00a0=\u00a0${block.n}`;
  return html`±\u00a0${std}${count}<br>${show(block.min)} to ${show(block.max)}`;
}

function tile(document: ResultDocument, metric: Metric): Markup {
  const { block } = figureOf(document, metric);
  const label =
    isEmbedding(document) && metric.id === 'latency.first_token_ms' ? 'One call' : metric.label;
  if (!block) {
    const reason = reasonOf(document, metric.id) ?? 'not taken';
    return html`<div class="tile"><dt>${label}</dt><dd class="absent">Not available: ${reason}</dd></div>`;
  }
  const { value, unit } = formatQuantity(block.mean, metric.unit);
  const values = document.iterations.flatMap((iteration) => sampleOf(iteration, metric) ?? []);
  return html`<div class="tile"><dt>${label}</dt><dd><div class="figure">${value} <span class="of">${unit}</span></div>${dotStrip(values, block.mean)}<div class="spread">${spreadText(block, metric)}</div></dd></div>`;
}

/** The figures that a reader looks for first, each with its spread. */
export function tilesBlock(document: ResultDocument, metrics: readonly Metric[]): Markup {
  const wanted = new Set(metrics.map(({ id }) => id));
  const ids = document.results.graphs ? GRAPHS : isEmbedding(document) ? EMBEDDING : GENERATION;
  const shown = ids.filter((id) => {
    const metric = findMetric(id);
    if (!metric || !wanted.has(id)) return false;
    return figureOf(document, metric).block !== undefined || reasonOf(document, id) !== undefined;
  });
  return html`<dl class="tiles">
${shown.map((id) => html`${tile(document, findMetric(id) as Metric)}\n`)}</dl>
`;
}
