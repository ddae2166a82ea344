import type { Iteration } from '../schema/iteration.js';
import { METRICS, sampleOf } from '../schema/metrics.js';
import type { GraphResult, Results } from '../schema/results.js';
import type { StatisticBlock } from '../schema/values.js';
import { summarize } from './summary.js';

/**
 * The statistic blocks of a document from its iterations: every metric that has a sample is
 * summarised, and the specification's own places hold null where nothing was taken. Figures that
 * are no summary of iterations (accuracy, placement, harness) are the caller's to add.
 */
export function summarizeIterations(iterations: readonly Iteration[]): Results {
  const results: Results = {
    latency: { cold_start_ms: null, first_token_ms: null, subsequent_token_ms: null },
    throughput: { tokens_per_second: null, tokens_per_second_after_first: null },
    memory: { peak_memory_usage_mb: null, average_memory_usage_mb: null },
    power: { average_power_w: null, peak_power_w: null },
  };
  const put = (id: string, block: StatisticBlock | undefined) => {
    if (block === undefined) return;
    const [group, name] = id.split('.') as [string, string];
    const target = (results[group] ?? {}) as Record<string, unknown>;
    target[name] = block;
    results[group] = target;
  };
  for (const metric of METRICS) {
    const values: number[] = [];
    const labels: number[] = [];
    for (const iteration of iterations) {
      const value = sampleOf(iteration, metric);
      if (value === undefined) continue;
      values.push(value);
      labels.push(iteration.iteration);
    }
    put(metric.id, summarize(values, labels));
  }
  put('latency.token_ms', withoutNumbers(iterations.flatMap(({ token_ms: gaps }) => gaps ?? [])));
  const graphs = graphResults(iterations);
  if (graphs.length > 0) results.graphs = graphs;
  return results;
}

/** Each graph of a context binary, in the order of the first iteration. */
function graphResults(iterations: readonly Iteration[]): GraphResult[] {
  const parts = ['accelerator_ms', 'rpc_ms', 'host_ms'] as const;
  return (iterations[0]?.graphs ?? []).map(({ name }) => {
    const runs = iterations.flatMap(
      ({ graphs }) => graphs?.filter((run) => run.name === name) ?? [],
    );
    const result: GraphResult = { name };
    const all = withoutNumbers(runs.flatMap(({ executions_ms: each }) => each ?? []));
    if (all !== undefined) result.execution_ms = all;
    for (const part of parts) {
      const block = summarize(runs.flatMap((run) => run[part] ?? []));
      if (block !== undefined) result[part] = block;
    }
    return result;
  });
}

/** Of samples within iterations: they belong to no iteration's number, and depend on each other. */
function withoutNumbers(samples: readonly number[]): StatisticBlock | undefined {
  const block = summarize(samples);
  if (block === undefined) return undefined;
  const { outliers: _, ci95_low: __, ci95_high: ___, ...rest } = block;
  return rest;
}
