import type { Direction } from '../schema/metrics.js';
import { holm } from '../stats/effect.js';
import { samplesNeeded } from '../stats/power.js';
import { type Band, bandOf, type Evidence, gatherEvidence } from './evidence.js';
import type { MetricSamples } from './samples.js';
import type { SampleUnit, TestEvidence, Verdict } from './types.js';

/** One-sided level of the whole family of gated metrics. */
export const ALPHA = 0.05;
/** Up to this many samples a side Holm's correction is applied; see docs/verdicts.md. */
const HOLM_UP_TO_N = 5;
/** Beyond this many gated metrics it is applied at any size. */
const HOLM_FROM_METRICS = 6;
/** More samples than this are not a practical advice. */
const MOST_SAMPLES = 1000;

/**
 * Per cent that two launches of the same program may differ by without a reason that can be seen
 * from inside one process. Added to the threshold where only one process a side was measured.
 */
export const LAUNCH_ALLOWANCE_PERCENT = 6;

export interface Candidate {
  readonly direction: Direction;
  readonly gated: boolean;
  readonly unit: SampleUnit;
  readonly baselineN: number;
  readonly currentN: number;
  readonly evidence: Evidence;
  readonly band: Band;
  /** The band of the threshold alone, for "no change". */
  readonly plainBand: Band;
  /** Set where no verdict may be given at all, whatever the samples say. */
  readonly refusal?: string | undefined;
}

/** One process a side, or statistics without samples, cannot show how much launches differ. */
export function isIndicative(unit: SampleUnit): boolean {
  return unit === 'iteration' || unit === 'summary';
}

export interface CandidateOptions {
  readonly direction: Direction;
  readonly gated: boolean;
  /** Per cent. */
  readonly threshold: number;
  readonly refusal?: string | undefined;
}

/** The evidence of one metric, ready to be judged with its family. */
export function candidateOf(samples: MetricSamples, options: CandidateOptions): Candidate {
  const { threshold, ...rest } = options;
  const allowance = isIndicative(samples.unit) ? LAUNCH_ALLOWANCE_PERCENT : 0;
  const band = bandOf(threshold, allowance);
  return {
    ...rest,
    unit: samples.unit,
    baselineN: samples.moments?.baseline.n ?? samples.baseline.length,
    currentN: samples.moments?.current.n ?? samples.current.length,
    evidence: gatherEvidence(samples, band),
    band,
    plainBand: bandOf(threshold),
  };
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly test?: TestEvidence | undefined;
  readonly samplesNeeded?: number | undefined;
}

type Tested = Candidate & { evidence: Evidence & { test: NonNullable<Evidence['test']> } };

const isTested = (candidate: Candidate): candidate is Tested =>
  candidate.evidence.test !== undefined && candidate.refusal === undefined;

const raw = (candidate: Tested): { pWorse: number; pBetter: number } => {
  const { pLarger, pSmaller } = candidate.evidence.test;
  return candidate.direction === 'higher'
    ? { pWorse: pSmaller, pBetter: pLarger }
    : { pWorse: pLarger, pBetter: pSmaller };
};

function familyTests(candidates: readonly Candidate[]): Map<Candidate, TestEvidence> {
  const tests = new Map<Candidate, TestEvidence>();
  const family = candidates.filter(
    (candidate) => candidate.gated && isTested(candidate),
  ) as Tested[];
  const least = Math.min(...family.map(({ baselineN, currentN }) => Math.min(baselineN, currentN)));
  const corrected =
    family.length > 1 && (least <= HOLM_UP_TO_N || family.length >= HOLM_FROM_METRICS);
  const worse = holm(family.map((candidate) => raw(candidate).pWorse));
  const better = holm(family.map((candidate) => raw(candidate).pBetter));
  for (const candidate of candidates) {
    if (!isTested(candidate)) continue;
    const { name, method } = candidate.evidence.test;
    const { pWorse, pBetter } = raw(candidate);
    const index = corrected ? family.indexOf(candidate) : -1;
    tests.set(candidate, {
      name,
      method,
      pWorse,
      pBetter,
      pWorseAdjusted: index >= 0 ? (worse[index] as number) : pWorse,
      pBetterAdjusted: index >= 0 ? (better[index] as number) : pBetter,
    });
  }
  return tests;
}

/** Samples a side at which an effect like the one seen would be told from the nearest limit. */
function neededFor(candidate: Candidate): number | undefined {
  const { ratio, logDeviation } = candidate.evidence;
  if (ratio === undefined || logDeviation === undefined) return undefined;
  const { low, high, testLow, testHigh } = candidate.band;
  const effect = Math.log(ratio);
  let distance: number;
  if (ratio > high) distance = effect - Math.log(testHigh);
  else if (ratio < low) distance = Math.log(testLow) - effect;
  else distance = Math.min(Math.log(high) - effect, effect - Math.log(low));
  const needed = samplesNeeded(logDeviation, distance);
  return needed <= MOST_SAMPLES ? needed : undefined;
}

const format = (p: number): string => (p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`);

function inconclusive(candidate: Candidate, why: string): Judgement {
  const needed = neededFor(candidate);
  const have = Math.min(candidate.baselineN, candidate.currentN);
  const unit = candidate.unit === 'run' ? 'runs' : 'processes';
  let advice = '';
  if (needed !== undefined && needed > have) {
    advice = `; about ${needed} ${unit} a side would settle it`;
  } else if (needed === undefined && candidate.evidence.logDeviation !== undefined) {
    advice = '; too close to the threshold for any practical number of samples';
  }
  return { verdict: 'inconclusive', reason: `${why}${advice}`, samplesNeeded: needed };
}

/** Samples a side that a test corrected for `family` metrics needs at least. */
function leastSamples(family: number): number {
  let n = 3;
  let p = 1 / 20;
  while (p * family >= ALPHA) {
    n += 1;
    p = (p * n * n) / (2 * n * (2 * n - 1));
  }
  return n;
}

function judgeTested(candidate: Candidate, test: TestEvidence, family: number): Judgement {
  const { ratio, interval90 } = candidate.evidence;
  const { low, high } = candidate.band;
  if (ratio === undefined) {
    return { verdict: 'not judged', reason: 'the baseline is zero, so there is no ratio' };
  }
  const lowerIsBetter = candidate.direction !== 'higher';
  const worse = lowerIsBetter ? ratio > high : ratio < low;
  const better = lowerIsBetter ? ratio < low : ratio > high;
  if (worse && test.pWorseAdjusted < ALPHA) {
    return { verdict: 'regression', reason: format(test.pWorseAdjusted) };
  }
  if (better && test.pBetterAdjusted < ALPHA) {
    return { verdict: 'improvement', reason: format(test.pBetterAdjusted) };
  }
  const plain = candidate.plainBand;
  if (interval90 && interval90.low >= plain.low && interval90.high <= plain.high) {
    return { verdict: 'no change', reason: 'the 90 % interval lies within the threshold' };
  }
  const corrected = test.pWorseAdjusted > test.pWorse || test.pBetterAdjusted > test.pBetter;
  const smallest = (candidate.evidence.test?.smallestP ?? 0) * (corrected ? family : 1);
  if (smallest >= ALPHA) {
    const needed = Math.max(leastSamples(corrected ? family : 1), neededFor(candidate) ?? 0);
    return {
      verdict: 'inconclusive',
      reason: `too few samples: ${needed} processes a side are needed`,
      samplesNeeded: needed,
    };
  }
  if (worse || better) {
    const p = worse ? test.pWorseAdjusted : test.pBetterAdjusted;
    return inconclusive(candidate, `beyond the threshold, but ${format(p)}`);
  }
  return inconclusive(candidate, 'the interval reaches beyond the threshold');
}

/**
 * Verdicts of all metrics of one comparison, in the given order. Regression: the ratio of medians
 * lies beyond the threshold and a one-sided test against half the threshold passes. Improvement:
 * the mirror image. No change: the 90 % interval of the ratio lies within the threshold. Otherwise
 * inconclusive.
 */
export function judge(candidates: readonly Candidate[]): Judgement[] {
  const tests = familyTests(candidates);
  const family = candidates.filter((candidate) => candidate.gated && isTested(candidate)).length;
  return candidates.map((candidate) => {
    const test = tests.get(candidate);
    if (candidate.refusal !== undefined)
      return { verdict: 'not judged', reason: candidate.refusal };
    if (candidate.direction === 'none') {
      return { verdict: 'not judged', reason: 'neither direction is better' };
    }
    if (test === undefined) {
      return candidate.unit === 'summary'
        ? { verdict: 'inconclusive', reason: 'the documents hold single figures, no samples' }
        : {
            verdict: 'inconclusive',
            reason: `too few samples: ${leastSamples(1)} processes a side are needed`,
            samplesNeeded: leastSamples(1),
          };
    }
    return { ...judgeTested(candidate, test, family), test };
  });
}
