import { NpuBenchError } from '../errors.js';
import type { Iteration } from './iteration.js';
import type { Results } from './results.js';
import type { StatisticBlock } from './values.js';

/** `none`: neither direction is better, so it is shown and never judged. */
export type Direction = 'lower' | 'higher' | 'none';

export interface Metric {
  /** Dotted path of its statistic block under `results`. */
  readonly id: string;
  readonly label: string;
  readonly unit: string;
  readonly direction: Direction;
  /** Primary metrics are gated by `compare`; the others are reported. */
  readonly primary: boolean;
  /** Dotted path of its sample in an iteration; absent: not one sample per iteration. */
  readonly sample?: string;
  /** The metric that this one is the inverse of, up to a constant: never judged beside it. */
  readonly inverseOf?: string;
}

type Row = [
  id: string,
  label: string,
  unit: string,
  direction: Direction,
  sample?: string | undefined,
  extra?: { primary?: boolean; inverseOf?: string },
];

const PRIMARY = { primary: true };

const ROWS: Row[] = [
  ['latency.cold_start_ms', 'Cold start', 'ms', 'lower', 'cold_start_ms', PRIMARY],
  ['latency.first_token_ms', 'First token', 'ms', 'lower', 'first_token_ms', PRIMARY],
  [
    'latency.subsequent_token_ms',
    'Subsequent token',
    'ms',
    'lower',
    'subsequent_token_ms',
    PRIMARY,
  ],
  ['latency.execution_ms', 'Execution', 'ms', 'lower', 'execution_ms', PRIMARY],
  ['latency.total_ms', 'Whole iteration', 'ms', 'lower', 'total_ms'],
  ['latency.token_ms', 'Gaps between tokens', 'ms', 'lower'],
  ['throughput.tokens_per_second', 'Throughput', 'tokens/s', 'higher', 'tokens_per_second'],
  [
    'throughput.tokens_per_second_after_first',
    'Throughput after first',
    'tokens/s',
    'higher',
    'tokens_per_second_after_first',
    { inverseOf: 'latency.subsequent_token_ms' },
  ],
  [
    'throughput.prefill_tokens_per_second',
    'Prefill throughput',
    'tokens/s',
    'higher',
    'prefill_tokens_per_second',
    { inverseOf: 'latency.first_token_ms' },
  ],
  [
    'throughput.queries_per_second',
    'Embedding throughput',
    'queries/s',
    'higher',
    'queries_per_second',
    { inverseOf: 'latency.first_token_ms' },
  ],
  [
    'throughput.executions_per_second',
    'Executions',
    'executions/s',
    'higher',
    'executions_per_second',
    { inverseOf: 'latency.execution_ms' },
  ],
  ['memory.peak_memory_usage_mb', 'Peak memory', 'MB', 'lower', 'peak_memory_mb', PRIMARY],
  ['memory.average_memory_usage_mb', 'Average memory', 'MB', 'lower', 'average_memory_mb'],
  ['power.average_power_w', 'Average power', 'W', 'lower', 'average_power_w'],
  ['power.peak_power_w', 'Peak power', 'W', 'lower', 'peak_power_w'],
  [
    'efficiency.joules_per_token',
    'Energy per token',
    'J/token',
    'lower',
    'efficiency.joules_per_token',
    PRIMARY,
  ],
  ['efficiency.gross_joules_per_token', 'Energy per token, idle included', 'J/token', 'lower'],
  ['efficiency.joules_per_prompt_token', 'Energy per prompt token', 'J/token', 'lower'],
  ['efficiency.joules_per_output_token', 'Energy per output token', 'J/token', 'lower'],
  [
    'efficiency.tokens_per_joule',
    'Tokens per joule',
    'tokens/J',
    'higher',
    'efficiency.tokens_per_joule',
    { inverseOf: 'efficiency.joules_per_token' },
  ],
  ['efficiency.joules_per_execution', 'Energy per execution', 'J/execution', 'lower'],
  ['efficiency.memory_bandwidth_utilization', 'Memory bandwidth used', '×', 'none'],
  ['efficiency.host_cpu_ms_per_token', 'Host processor time per token', 'ms', 'lower'],
  ['efficiency.host_cpu_ms_per_execution', 'Host processor time per execution', 'ms', 'lower'],
  ['overhead.transfer_ms', 'Transfer per step', 'ms', 'lower'],
  ['overhead.dispatch_ms', 'Dispatch per step', 'ms', 'lower'],
  ['overhead.execute_ms', 'Execution per step', 'ms', 'lower'],
  ['overhead.synchronize_ms', 'Synchronisation per step', 'ms', 'lower'],
  ['overhead.prefill_transfer_ms', 'Transfer in prefill', 'ms', 'lower'],
  ['overhead.prefill_dispatch_ms', 'Dispatch in prefill', 'ms', 'lower'],
  ['overhead.prefill_execute_ms', 'Execution of prefill', 'ms', 'lower'],
  ['overhead.prefill_synchronize_ms', 'Synchronisation in prefill', 'ms', 'lower'],
  ['overhead.host_cpu_ms', 'Host processor time beside waiting, per step', 'ms', 'lower'],
  ['overhead.prefill_host_cpu_ms', 'Host processor time beside waiting, in prefill', 'ms', 'lower'],
  ['overhead.submissions_per_step', 'Submissions per step', '×', 'none'],
  ['utilization.device_percent', 'Device utilisation', '%', 'none'],
  ['utilization.cpu_percent', 'Processor utilisation', '%', 'none'],
];

/** Groups whose samples lie under the same path in an iteration as their blocks in `results`. */
const NESTED = /^(efficiency|overhead|utilization)\./;

/** Every metric that has a statistic block, in the order in which it is shown. */
export const METRICS: readonly Metric[] = ROWS.map(([id, label, unit, direction, path, extra]) => {
  const sample = path ?? (NESTED.test(id) ? id : undefined);
  return { id, label, unit, direction, primary: false, ...(sample && { sample }), ...extra };
});

const BY_ID = new Map(METRICS.map((metric) => [metric.id, metric]));

export function findMetric(id: string): Metric | undefined {
  return BY_ID.get(id);
}

/** The metrics that a user's word names: a dotted id, or the last part of one. */
export function metricsNamed(name: string): Metric[] {
  const found = METRICS.filter(({ id }) => id === name || id.split('.')[1] === name);
  if (found.length > 0) return found;
  const examples = METRICS.filter(({ primary }) => primary).map(({ id }) => id);
  throw new NpuBenchError(
    'UNKNOWN_METRIC',
    `"${name}" is no metric; name one such as ${examples.join(', ')}.`,
  );
}

/** Paths are few and asked for millions of times. */
const KEYS = new Map<string, readonly string[]>();

function keysOf(path: string): readonly string[] {
  let keys = KEYS.get(path);
  if (keys === undefined) {
    keys = path.split('.');
    KEYS.set(path, keys);
  }
  return keys;
}

function at(root: unknown, path: string): unknown {
  let value = root;
  for (const key of keysOf(path)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** The statistic block of a metric, or undefined where it was not taken. */
export function blockOf(results: Results, metric: Metric): StatisticBlock | undefined {
  return (at(results, metric.id) as StatisticBlock | null | undefined) ?? undefined;
}

/** The sample of a metric in one iteration, or undefined where it was not taken. */
export function sampleOf(iteration: Iteration, metric: Metric): number | undefined {
  if (metric.sample === undefined) return undefined;
  const value = at(iteration, metric.sample);
  return typeof value === 'number' ? value : undefined;
}
