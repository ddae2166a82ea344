import { findMetric } from '../schema/metrics.js';
import { median } from '../stats/basics.js';
import type { Run } from './runs.js';
import { pairSamples } from './samples.js';
import type { RatioRow } from './types.js';

interface RatioDefinition {
  readonly label: string;
  readonly metric: string;
  /** `speedup` divides so that above 1 is better; `relative` divides current by baseline. */
  readonly kind: 'speedup' | 'relative';
  readonly formula: string;
  readonly perToken?: boolean;
}

/**
 * The specification's table. Its memory row (0.82 and 1.24) does not follow from its own figures by
 * any formula that it states; ours is stated, and equals the ratio of peak memories where both
 * sides hold the same number of tokens.
 */
const DEFINITIONS: readonly RatioDefinition[] = [
  {
    label: 'Cold Start Speedup',
    metric: 'latency.cold_start_ms',
    kind: 'speedup',
    formula: 'baseline ÷ current cold_start_ms',
  },
  {
    label: 'First Token Speedup',
    metric: 'latency.first_token_ms',
    kind: 'speedup',
    formula: 'baseline ÷ current first_token_ms',
  },
  {
    label: 'Throughput Speedup',
    metric: 'throughput.tokens_per_second',
    kind: 'speedup',
    formula: 'current ÷ baseline tokens_per_second',
  },
  {
    label: 'Embedding Speedup',
    metric: 'throughput.queries_per_second',
    kind: 'speedup',
    formula: 'current ÷ baseline queries_per_second',
  },
  {
    label: 'Power Efficiency',
    metric: 'power.average_power_w',
    kind: 'speedup',
    formula: 'baseline ÷ current watts; not energy',
  },
  {
    label: 'Energy Efficiency',
    metric: 'efficiency.tokens_per_joule',
    kind: 'speedup',
    formula: 'current ÷ baseline tokens per joule',
  },
  {
    label: 'Memory per Token',
    metric: 'memory.peak_memory_usage_mb',
    kind: 'relative',
    formula: 'current ÷ baseline MB ÷ (B·(I + O))',
    perToken: true,
  },
];

function tokensHeld(run: Run): number {
  const { batch_size, input_length, output_length } = run.metadata.benchmark_config;
  return Math.max(1, batch_size * (input_length + output_length));
}

interface Medians {
  readonly baseline: number;
  readonly current: number;
}

function medians(metricId: string, baseline: readonly Run[], current: readonly Run[]) {
  const metric = findMetric(metricId);
  const samples = metric && pairSamples(metric, baseline, current);
  if (!samples) return undefined;
  const pair: Medians = { baseline: median(samples.baseline), current: median(samples.current) };
  return pair.baseline > 0 && pair.current > 0 ? { pair, metric } : undefined;
}

/** Tokens per joule as throughput ÷ power, for documents that state no energy. */
function energyFromPower(baseline: readonly Run[], current: readonly Run[]): RatioRow | undefined {
  const rate = medians('throughput.tokens_per_second', baseline, current)?.pair;
  const power = medians('power.average_power_w', baseline, current)?.pair;
  if (!rate || !power) return undefined;
  return {
    label: 'Energy Efficiency',
    ratio: rate.current / power.current / (rate.baseline / power.baseline),
    formula: 'current ÷ baseline tokens/s per watt',
  };
}

/** The specification's ratio table of two sides; rows without figures are left out. */
export function ratioTable(baseline: readonly Run[], current: readonly Run[]): RatioRow[] {
  return DEFINITIONS.flatMap((definition) => {
    const found = medians(definition.metric, baseline, current);
    if (!found) {
      const derived = definition.metric === 'efficiency.tokens_per_joule';
      return (derived && energyFromPower(baseline, current)) || [];
    }
    const { pair, metric } = found;
    let ratio = pair.current / pair.baseline;
    if (definition.kind === 'speedup' && metric.direction === 'lower') ratio = 1 / ratio;
    if (definition.perToken) {
      ratio *= tokensHeld(baseline[0] as Run) / tokensHeld(current[0] as Run);
    }
    return { label: definition.label, ratio, formula: definition.formula };
  });
}
