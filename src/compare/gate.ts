import { NpuBenchError } from '../errors.js';
import { METRICS, type Metric, metricsNamed } from '../schema/metrics.js';

/** Metrics that `--metric` names: by dotted id, or by its last part. */
export function selectGated(names: readonly string[] | undefined): (metric: Metric) => boolean {
  if (names === undefined || names.length === 0) return (metric) => metric.primary;
  const chosen = new Set(names.flatMap(metricsNamed));
  for (const metric of chosen) {
    const inverse = METRICS.find(({ id }) => id === metric.inverseOf);
    if (inverse && chosen.has(inverse)) {
      throw new NpuBenchError(
        'INVERSE_METRICS',
        `--metric ${metric.id} is the inverse of ${inverse.id}: gate one of them, or a change counts twice.`,
      );
    }
  }
  return (metric) => chosen.has(metric);
}
