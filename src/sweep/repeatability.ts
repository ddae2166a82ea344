import type { CaseRecord } from '../schema/document.js';
import { METRICS, type Metric, sampleOf } from '../schema/metrics.js';
import { mean } from '../stats/basics.js';

/** Deviations between and within the runs of one case, in per cent of the mean of all samples. */
export interface Repeatability {
  readonly case: string;
  readonly metric: string;
  readonly runs: number;
  readonly run_means: readonly number[];
  readonly mean: number;
  /** What the runs differ by beyond what their own samples explain; 0 where that explains it. */
  readonly between_runs_percent: number;
  /** undefined: one sample a run. */
  readonly within_runs_percent?: number;
}

export interface VarianceParts {
  readonly mean: number;
  readonly between: number;
  readonly within: number | undefined;
}

/**
 * One-way random effects: variance of the runs beyond their samples' own, and within runs (ANOVA
 * estimators for unequal sizes, Searle, Casella & McCulloch, Variance Components, §3.6). undefined
 * for fewer than two runs with samples.
 */
export function varianceParts(runs: readonly (readonly number[])[]): VarianceParts | undefined {
  const groups = runs.filter((values) => values.length > 0);
  if (groups.length < 2) return undefined;
  const all = groups.flat();
  const total = mean(all);
  let squaresBetween = 0;
  let squaresWithin = 0;
  for (const values of groups) {
    const own = mean(values);
    squaresBetween += values.length * (own - total) ** 2;
    for (const value of values) squaresWithin += (value - own) ** 2;
  }
  const meanBetween = squaresBetween / (groups.length - 1);
  const freedom = all.length - groups.length;
  if (freedom === 0) return { mean: total, between: meanBetween, within: undefined };
  const within = squaresWithin / freedom;
  const sizes = groups.reduce((sum, values) => sum + values.length ** 2, 0);
  const size = (all.length - sizes / all.length) / (groups.length - 1);
  return { mean: total, between: Math.max(0, (meanBetween - within) / size), within };
}

function samplesOf(entry: CaseRecord, metric: Metric): number[] {
  return entry.iterations.flatMap((iteration) => sampleOf(iteration, metric) ?? []);
}

/** How well the runs of each case agree, for the primary metrics and the throughput. */
export function repeatabilityOf(cases: readonly CaseRecord[]): Repeatability[] {
  const shown = METRICS.filter(
    ({ primary, id }) => primary || id === 'throughput.tokens_per_second',
  );
  const labels = [...new Set(cases.map((entry) => entry.label ?? entry.id))];
  return labels.flatMap((label) => {
    const runs = cases.filter((entry) => (entry.label ?? entry.id) === label);
    return shown.flatMap((metric) => {
      const samples = runs.map((entry) => samplesOf(entry, metric));
      const parts = varianceParts(samples);
      if (parts === undefined || parts.mean === 0) return [];
      const percent = (variance: number) => (100 * Math.sqrt(variance)) / parts.mean;
      const measured = samples.filter((values) => values.length > 0);
      return {
        case: label,
        metric: metric.id,
        runs: measured.length,
        run_means: measured.map(mean),
        mean: parts.mean,
        between_runs_percent: percent(parts.between),
        ...(parts.within === undefined ? {} : { within_runs_percent: percent(parts.within) }),
      };
    });
  });
}
