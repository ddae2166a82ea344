import type { Iteration } from '../schema/iteration.js';
import { METRICS, sampleOf } from '../schema/metrics.js';
import type { Results } from '../schema/results.js';
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
  put('latency.token_ms', gapsBlock(iterations));
  return results;
}

/** All gaps between tokens; single outliers are not listed, they belong to no iteration. */
function gapsBlock(iterations: readonly Iteration[]): StatisticBlock | undefined {
  const block = summarize(iterations.flatMap((iteration) => iteration.token_ms ?? []));
  if (block === undefined) return undefined;
  const { outliers: _, ci95_low: __, ci95_high: ___, ...rest } = block;
  return rest;
}
