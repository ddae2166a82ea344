import { deviation, extent, type Interval, mean, median } from '../stats/basics.js';
import { ratioOfMediansInterval } from '../stats/bootstrap.js';
import { cliffsDelta } from '../stats/effect.js';
import { hodgesLehmann, mannWhitney, smallestP } from '../stats/mann-whitney.js';
import { madOutliers, sigmaOutliers } from '../stats/outliers.js';
import { findLaunchStates } from '../stats/states.js';
import { type WelchResult, welch, welchFromMoments, welchInterval } from '../stats/welch.js';
import type { MetricSamples, Moments } from './samples.js';
import type { SideEvidence } from './types.js';

/** Ratios current ÷ baseline that bound "no relevant change", and the test's margins inside. */
export interface Band {
  readonly low: number;
  readonly high: number;
  readonly testLow: number;
  readonly testHigh: number;
}

/**
 * The band of a threshold in per cent of the metric. `allowance` widens it by what a single launch
 * may differ from another one.
 */
export function bandOf(threshold: number, allowance = 0): Band {
  const theta = (threshold + allowance) / 100;
  return { low: 1 - theta, high: 1 + theta, testLow: 1 - theta / 2, testHigh: 1 + theta / 2 };
}

/** What the samples say, before any verdict. Ratios are current ÷ baseline. */
export interface Evidence {
  readonly ratio: number | undefined;
  readonly test?: {
    readonly name: 'mann-whitney' | 'welch-log';
    readonly method: 'exact' | 'normal' | 't';
    /** One-sided p of "larger than the band's testHigh", and of "smaller than testLow". */
    readonly pLarger: number;
    readonly pSmaller: number;
    /** No data of this size can give less. */
    readonly smallestP: number;
  };
  readonly interval95?: Interval | undefined;
  readonly interval90?: Interval | undefined;
  readonly hodgesLehmannRatio?: number | undefined;
  readonly cliffsDelta?: number | undefined;
  /** Pooled deviation of the logarithms. */
  readonly logDeviation?: number | undefined;
}

const expInterval = (interval: Interval | undefined): Interval | undefined =>
  interval && { low: Math.exp(interval.low), high: Math.exp(interval.high) };

function pooledLogDeviation(baseline: readonly number[], current: readonly number[]): number {
  const a = deviation(baseline) ** 2 * (baseline.length - 1);
  const b = deviation(current) ** 2 * (current.length - 1);
  return Math.sqrt((a + b) / Math.max(1, baseline.length + current.length - 2));
}

function welchEvidence(
  at: (margin: number) => WelchResult,
  band: Band,
): Pick<Evidence, 'test' | 'interval95' | 'interval90'> {
  const plain = at(0);
  return {
    test: {
      name: 'welch-log',
      method: 't',
      pLarger: at(Math.log(band.testHigh)).pGreater,
      pSmaller: at(Math.log(band.testLow)).pLess,
      smallestP: 0,
    },
    interval95: expInterval(welchInterval(plain, 0.95)),
    interval90: expInterval(welchInterval(plain, 0.9)),
  };
}

function rankEvidence(baseline: readonly number[], current: readonly number[], band: Band) {
  const scaled = (factor: number) => baseline.map((value) => value * factor);
  const larger = mannWhitney(scaled(band.testHigh), current);
  const smaller = mannWhitney(scaled(band.testLow), current);
  return {
    name: 'mann-whitney' as const,
    method: larger.method,
    pLarger: larger.pGreater,
    pSmaller: smaller.pLess,
    smallestP: smallestP(baseline.length, current.length),
  };
}

/** Log moments of a log-normal variable with these moments. */
function logMoments({ mean: center, deviation: spread, n }: Moments) {
  const variance = Math.log1p((spread / center) ** 2);
  return { mean: Math.log(center) - variance / 2, variance, n };
}

function summaryEvidence(samples: MetricSamples, ratio: number | undefined, band: Band): Evidence {
  const { moments } = samples;
  if (!moments || ratio === undefined) return { ratio };
  const { baseline, current } = moments;
  if (Math.min(baseline.n, current.n) < 2 || Math.min(baseline.mean, current.mean) <= 0) {
    return { ratio };
  }
  const a = logMoments(baseline);
  const b = logMoments(current);
  const logDeviation = Math.sqrt(
    (a.variance * (a.n - 1) + b.variance * (b.n - 1)) / (a.n + b.n - 2),
  );
  return {
    ratio,
    ...welchEvidence((margin) => welchFromMoments(a, b, margin), band),
    logDeviation,
  };
}

/** Sizes at which a rank test of medians is too coarse and Welch's test of logarithms is used. */
function prefersWelch(samples: MetricSamples): boolean {
  const least = Math.min(samples.baseline.length, samples.current.length);
  return samples.samplesAreMedians && least >= 3 && least <= 5;
}

/** Gathers the evidence of one metric against a band. */
export function gatherEvidence(samples: MetricSamples, band: Band): Evidence {
  const { baseline, current } = samples;
  const base = median(baseline);
  const ratio = base > 0 ? median(current) / base : undefined;
  if (samples.unit === 'summary') return summaryEvidence(samples, ratio, band);
  const delta = cliffsDelta(baseline, current);
  if (Math.min(baseline.length, current.length) < 2) return { ratio, cliffsDelta: delta };
  const positive = extent(baseline).low > 0 && extent(current).low > 0;
  if (!positive) {
    return { ratio, cliffsDelta: delta, test: rankEvidence(baseline, current, band) };
  }
  const logA = baseline.map(Math.log);
  const logB = current.map(Math.log);
  const logDeviation = pooledLogDeviation(logA, logB);
  const shared = {
    ratio,
    cliffsDelta: delta,
    logDeviation,
  };
  if (prefersWelch(samples)) {
    const shift = hodgesLehmann(logA, logB, []);
    return {
      ...shared,
      hodgesLehmannRatio: Math.exp(shift.estimate),
      ...welchEvidence((margin) => welch(logA, logB, margin), band),
    };
  }
  const shift = hodgesLehmann(logA, logB, [0.95, 0.9]);
  return {
    ...shared,
    hodgesLehmannRatio: Math.exp(shift.estimate),
    test: rankEvidence(baseline, current, band),
    interval95: expInterval(shift.intervals[0]),
    interval90: expInterval(shift.intervals[1]),
  };
}

/** Beyond this many samples the rank test's interval says the same, and resampling takes minutes. */
const MOST_RESAMPLED = 2000;

/** Bootstrap from eight samples a side: below, its intervals are too narrow to be shown. */
export function bootstrapRatio(samples: MetricSamples): Interval | undefined {
  const { baseline, current, unit } = samples;
  const [least, most] = [baseline.length, current.length].sort((a, b) => a - b) as [number, number];
  if (unit === 'summary' || least < 8 || most > MOST_RESAMPLED) return undefined;
  return extent(baseline).low > 0 ? ratioOfMediansInterval(baseline, current) : undefined;
}

export function sideEvidence(samples: MetricSamples, side: 'baseline' | 'current'): SideEvidence {
  const values = samples[side];
  const moments = samples.moments?.[side];
  const { low, high } = extent(values);
  const statesApply = samples.unit === 'process' || samples.unit === 'run';
  return {
    n: moments?.n ?? values.length,
    median: median(values),
    mean: moments?.mean ?? mean(values),
    deviation: moments?.deviation ?? deviation(values),
    min: moments?.min ?? low,
    max: moments?.max ?? high,
    outliers: madOutliers(values).length,
    sigmaOutliers: values.length > 1 ? sigmaOutliers(values).length : 0,
    states: statesApply ? findLaunchStates(values) : undefined,
    ...samples.spread?.[side],
  };
}
