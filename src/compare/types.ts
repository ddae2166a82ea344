import type { Metric } from '../schema/metrics.js';
import type { Interval } from '../stats/basics.js';
import type { LaunchStates } from '../stats/states.js';

export type Verdict = 'regression' | 'improvement' | 'no change' | 'inconclusive' | 'not judged';

/**
 * What one sample is. `run`: the median of a document; `process`: the median of one process;
 * `iteration`: single iterations of one process; `summary`: a document that has statistics only.
 */
export type SampleUnit = 'run' | 'process' | 'iteration' | 'summary';

export interface SideEvidence {
  readonly n: number;
  readonly median: number;
  readonly mean: number;
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
  /** Samples marked by median absolute deviation, and by the specification's 3 σ rule. */
  readonly outliers: number;
  readonly sigmaOutliers: number;
  readonly states?: LaunchStates | undefined;
  /** Relative deviations between and within runs, where runs are the samples. */
  readonly betweenRuns?: number | undefined;
  readonly withinRuns?: number | undefined;
}

export interface TestEvidence {
  readonly name: 'mann-whitney' | 'welch-log';
  readonly method: 'exact' | 'normal' | 't';
  /** One-sided p of "worse by more than half the threshold", and of "better by more than half". */
  readonly pWorse: number;
  readonly pBetter: number;
  /** The same after Holm's correction; equal to the raw ones where none was due. */
  readonly pWorseAdjusted: number;
  readonly pBetterAdjusted: number;
}

export interface MetricComparison {
  readonly metric: Metric;
  /** Gated metrics decide the overall verdict; the others are reported. */
  readonly gated: boolean;
  readonly unit: SampleUnit;
  readonly baseline: SideEvidence;
  readonly current: SideEvidence;
  /** median(current) / median(baseline); undefined where the baseline's median is zero. */
  readonly ratio?: number | undefined;
  readonly changePercent?: number | undefined;
  /** 95 % interval of the ratio: the one that belongs to the test. */
  readonly interval?: Interval | undefined;
  readonly intervalMethod?: 'inverted rank test' | 'Welch on logarithms' | undefined;
  /** BCa bootstrap interval of the ratio of medians, shown beside it, never the judge. */
  readonly bootstrapInterval?: Interval | undefined;
  readonly hodgesLehmannRatio?: number | undefined;
  readonly cliffsDelta?: number | undefined;
  readonly test?: TestEvidence | undefined;
  /** Smallest true change, in per cent, that would be found in 95 % of such comparisons. */
  readonly detectablePercent?: number | undefined;
  /** Samples a side that would settle an inconclusive metric; undefined: more than 1,000. */
  readonly samplesNeeded?: number | undefined;
  /** Fisher's p that the shares of launch states differ; only where a side has two states. */
  readonly statesP?: number | undefined;
  readonly verdict: Verdict;
  /** One clause: why this verdict. */
  readonly reason: string;
  /** True where one process a side, or statistics without samples, stand behind the verdict. */
  readonly indicative: boolean;
}

export interface Difference {
  /** Dotted path under `metadata`. */
  readonly key: string;
  readonly baseline: unknown;
  readonly current: unknown;
}

/** A row of the specification's table of ratios; `formula` says what is divided by what. */
export interface RatioRow {
  readonly label: string;
  readonly ratio: number;
  readonly formula: string;
}

export interface Note {
  readonly code: string;
  readonly message: string;
}

export interface SideDescription {
  readonly files: readonly string[];
  readonly runs: number;
  readonly processes: number;
  readonly device: string;
  readonly deviceName: string;
  readonly backend?: string | undefined;
  readonly simulated: boolean;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly label?: string | undefined;
}

export type Relation = 'same device' | 'different devices' | 'different machines';

/** One workload on both sides. */
export interface CaseComparison {
  /** Name of the case in a sweep; empty for documents of one case. */
  readonly name: string;
  readonly relation: Relation;
  readonly baseline: SideDescription;
  readonly current: SideDescription;
  readonly workload: string;
  /** Keys that make this another workload or setting; empty unless a mismatch was allowed. */
  readonly mismatches: readonly Difference[];
  /** Other things that differ and may explain a change: driver, runtime, governor … */
  readonly differences: readonly Difference[];
  readonly metrics: readonly MetricComparison[];
  readonly ratios: readonly RatioRow[];
  readonly notes: readonly Note[];
  readonly verdict: Verdict;
}

export interface Comparison {
  readonly threshold: number;
  readonly cases: readonly CaseComparison[];
  readonly verdict: Verdict;
  /** The verdict in one line, as printed last. */
  readonly summary: string;
  readonly notes: readonly Note[];
}

export interface CompareOptions {
  /** Per cent; changes up to it are not called regressions. */
  readonly threshold?: number | undefined;
  readonly allowMismatch?: boolean | undefined;
  /** Dotted metric ids or their last part to gate instead of the primary ones. */
  readonly metrics?: readonly string[] | undefined;
  /** Adds bootstrap intervals, which cost time. */
  readonly detailed?: boolean | undefined;
}
