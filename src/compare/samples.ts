import type { Metric } from '../schema/metrics.js';
import { deviation, extent, mean, median, variance } from '../stats/basics.js';
import { type Run, type RunSamples, runMedian } from './runs.js';
import type { SampleUnit } from './types.js';

/** From this many documents a side, documents are the samples: their spread is then known. */
const RUNS_AS_SAMPLES = 3;
/** Medians of this many iterations are close enough to normal for Welch's test. */
const MEDIAN_OF = 3;

export interface Moments {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly deviation: number;
  readonly n: number;
}

/** Relative deviations: of the run medians, and of the processes within a run (pooled). */
export interface RunSpread {
  readonly betweenRuns: number;
  readonly withinRuns?: number | undefined;
}

export interface MetricSamples {
  readonly unit: SampleUnit;
  readonly baseline: readonly number[];
  readonly current: readonly number[];
  /** Whether every sample is itself a median of several iterations. */
  readonly samplesAreMedians: boolean;
  /** Only for unit `run`. */
  readonly spread?: { readonly baseline: RunSpread; readonly current: RunSpread };
  /** Only for unit `summary`: what the documents state instead of samples. */
  readonly moments?: { readonly baseline: Moments; readonly current: Moments };
}

interface Side {
  readonly runs: readonly RunSamples[];
  readonly processes: readonly (readonly number[])[];
  readonly values: readonly number[];
  readonly moments?: Moments | undefined;
}

/** How many samples a document's statistics stand for, where they are more than it lists. */
function statedN({ processes, block }: RunSamples, run: Run): number | undefined {
  if (block === undefined) return undefined;
  const listed = processes.reduce((total, values) => total + values.length, 0);
  if (listed > 1) return undefined;
  const n = block.n ?? (block.std > 0 ? run.metadata.benchmark_config.iterations : 1);
  return n > listed ? Math.max(n, 1) : undefined;
}

/**
 * A document of the specification's form may list one of its iterations and summarise five: its
 * statistics then say more than its samples. Beside other documents its median is one sample;
 * alone it is compared by its moments.
 */
function sideOf(metric: Metric, runs: readonly Run[]): Side {
  const present: RunSamples[] = [];
  let moments: Moments | undefined;
  for (const run of runs) {
    const samples = run.samples.get(metric.id);
    if (samples === undefined) continue;
    const n = statedN(samples, run);
    if (n === undefined || samples.block === undefined) {
      present.push(samples);
    } else if (runs.length > 1) {
      present.push({ ...samples, processes: [[samples.block.median]] });
    } else {
      present.push(samples);
      const { mean, std, min, max } = samples.block;
      moments = { mean, deviation: std, min, max, n };
    }
  }
  const processes = present.flatMap((samples) => samples.processes);
  return { runs: present, processes, values: processes.flat(), moments };
}

function momentsOfValues({ values }: Side): Moments {
  const { low, high } = extent(values);
  return {
    mean: mean(values),
    deviation: deviation(values),
    min: low,
    max: high,
    n: values.length,
  };
}

function runSpread(runs: readonly RunSamples[]): RunSpread {
  const medians = runs.map(runMedian);
  let squares = 0;
  let freedom = 0;
  runs.forEach(({ processes }, i) => {
    const values = processes.map((value) => median(value) / (medians[i] as number));
    squares += variance(values) * (values.length - 1);
    freedom += values.length - 1;
  });
  return {
    betweenRuns: deviation(medians) / mean(medians),
    withinRuns: freedom > 0 ? Math.sqrt(squares / freedom) : undefined,
  };
}

function medianOf(side: Side): number {
  return side.values.length > 1
    ? median(side.values)
    : (side.runs[0]?.block?.median ?? (side.values[0] as number));
}

/** The samples of a metric on both sides, in the largest unit that both can give; or undefined. */
export function pairSamples(
  metric: Metric,
  baselineRuns: readonly Run[],
  currentRuns: readonly Run[],
): MetricSamples | undefined {
  const baseline = sideOf(metric, baselineRuns);
  const current = sideOf(metric, currentRuns);
  if (baseline.runs.length === 0 || current.runs.length === 0) return undefined;
  const a = baseline.moments;
  const b = current.moments;
  if (a || b) {
    return {
      unit: 'summary',
      baseline: [medianOf(baseline)],
      current: [medianOf(current)],
      samplesAreMedians: false,
      moments: { baseline: a ?? momentsOfValues(baseline), current: b ?? momentsOfValues(current) },
    };
  }
  if (baseline.runs.length >= RUNS_AS_SAMPLES && current.runs.length >= RUNS_AS_SAMPLES) {
    const sizes = [...baseline.runs, ...current.runs].map((run) => run.processes.flat().length);
    return {
      unit: 'run',
      baseline: baseline.runs.map(runMedian),
      current: current.runs.map(runMedian),
      samplesAreMedians: extent(sizes).low >= MEDIAN_OF,
      spread: { baseline: runSpread(baseline.runs), current: runSpread(current.runs) },
    };
  }
  if (baseline.processes.length >= 2 && current.processes.length >= 2) {
    const sizes = [...baseline.processes, ...current.processes].map((values) => values.length);
    return {
      unit: 'process',
      baseline: baseline.processes.map((values) => median(values)),
      current: current.processes.map((values) => median(values)),
      samplesAreMedians: extent(sizes).low >= MEDIAN_OF,
    };
  }
  return {
    unit: 'iteration',
    baseline: baseline.values,
    current: current.values,
    samplesAreMedians: false,
  };
}
