import { NpuBenchError } from '../errors.js';
import type { ResultDocument } from '../schema/document.js';
import { METRICS, type Metric } from '../schema/metrics.js';
import { minimumDetectableRatio } from '../stats/power.js';
import { fisherExact } from '../stats/states.js';
import { comparability, describeDifferences, inconsistentRun } from './comparability.js';
import { combineVerdicts, describeSide, describeWorkload, summarizeVerdict } from './describe.js';
import { bootstrapRatio, sideEvidence } from './evidence.js';
import { selectGated } from './gate.js';
import { differenceNotes, gatherNotes } from './notes.js';
import { ratioTable } from './ratios.js';
import { type Run, runsOf } from './runs.js';
import { type MetricSamples, pairSamples } from './samples.js';
import type {
  CaseComparison,
  CompareOptions,
  Comparison,
  MetricComparison,
  Note,
  SideEvidence,
  Verdict,
} from './types.js';
import { type Candidate, candidateOf, isIndicative, type Judgement, judge } from './verdict.js';

export const DEFAULT_THRESHOLD = 5;

function notComparable(message: string): NpuBenchError {
  return new NpuBenchError('NOT_COMPARABLE', message, 3);
}

/** Whether shares of launch states differ between the sides, split at the first side's limit. */
function statesP(samples: MetricSamples, a: SideEvidence, b: SideEvidence): number | undefined {
  const limit = (a.states ?? b.states)?.limit;
  if (limit === undefined) return undefined;
  const above = (values: readonly number[]) => values.filter((value) => value > limit).length;
  const [x, y] = [above(samples.baseline), above(samples.current)];
  return fisherExact(x, samples.baseline.length - x, y, samples.current.length - y);
}

const SIMULATED = 'a simulated device: its times and power are no figures of a device';

function refusalFor(metric: Metric, simulated: boolean): string | undefined {
  const physical = !metric.id.startsWith('memory.');
  return simulated && physical ? SIMULATED : undefined;
}

interface Prepared extends Candidate {
  readonly metric: Metric;
  readonly samples: MetricSamples;
}

function prepareAll(
  baseline: readonly Run[],
  current: readonly Run[],
  threshold: number,
  isGated: (metric: Metric) => boolean,
): Prepared[] {
  const simulated = [...baseline, ...current].some(
    (run) => run.metadata.device_info.simulated === true,
  );
  return METRICS.flatMap((metric) => {
    // Pooled gaps between tokens are no samples of launches: there is nothing to test with.
    if (metric.sample === undefined) return [];
    const samples = pairSamples(metric, baseline, current);
    if (!samples) return [];
    const candidate = candidateOf(samples, {
      direction: metric.direction,
      gated: isGated(metric),
      threshold,
      refusal: refusalFor(metric, simulated),
    });
    return [{ ...candidate, metric, samples }];
  });
}

/** Smallest true change, in per cent, that these samples would show in 95 % of comparisons. */
function detectable({ evidence, baselineN, currentN, band }: Prepared): number | undefined {
  const { logDeviation } = evidence;
  if (logDeviation === undefined) return undefined;
  return (minimumDetectableRatio(logDeviation, baselineN, currentN, band.testHigh) - 1) * 100;
}

function toComparison(
  candidate: Prepared,
  judgement: Judgement,
  detailed: boolean,
): MetricComparison {
  const { metric, samples, evidence, gated, unit } = candidate;
  const a = sideEvidence(samples, 'baseline');
  const b = sideEvidence(samples, 'current');
  const { ratio, test, interval95 } = evidence;
  return {
    metric,
    gated,
    unit,
    baseline: a,
    current: b,
    ratio,
    changePercent: ratio === undefined ? undefined : (ratio - 1) * 100,
    interval: interval95,
    intervalMethod:
      interval95 && (test?.name === 'welch-log' ? 'Welch on logarithms' : 'inverted rank test'),
    bootstrapInterval: detailed ? bootstrapRatio(samples) : undefined,
    hodgesLehmannRatio: evidence.hodgesLehmannRatio,
    cliffsDelta: evidence.cliffsDelta,
    test: judgement.test,
    detectablePercent: detectable(candidate),
    samplesNeeded: judgement.samplesNeeded,
    statesP: statesP(samples, a, b),
    verdict: judgement.verdict,
    reason: judgement.reason,
    indicative: isIndicative(unit),
  };
}

interface CasePair {
  readonly name: string;
  readonly baseline: readonly Run[];
  readonly current: readonly Run[];
}

/** Refuses, unless it is allowed, what are no repetitions of one workload. */
function checkComparable({ baseline, current }: CasePair, allowMismatch: boolean): void {
  if (allowMismatch) return;
  for (const side of [baseline, current]) {
    const odd = inconsistentRun(side);
    if (odd) {
      throw notComparable(
        `${odd.other.file} is no repetition of ${odd.first.file}: ${describeDifferences(odd.differences)} differ; runs of one side must share their configuration (--allow-mismatch to look anyway).`,
      );
    }
  }
  const [a, b] = [baseline[0] as Run, current[0] as Run];
  const { mismatches } = comparability(a.metadata, b.metadata);
  if (mismatches.length > 0) {
    throw notComparable(
      `${a.file} and ${b.file} are not comparable: ${describeDifferences(mismatches)} differ; compare runs of the same configuration, or add --allow-mismatch to look anyway.`,
    );
  }
}

/** A simulated device leaves only memory to be judged: a regression there counts, nothing else. */
function caseVerdict(metrics: readonly MetricComparison[], simulated: boolean): Verdict {
  const verdict = combineVerdicts(
    metrics.filter((metric) => metric.gated).map((metric) => metric.verdict),
  );
  return simulated && verdict !== 'regression' ? 'not judged' : verdict;
}

function describeCase(
  { name, baseline, current }: CasePair,
  metrics: readonly MetricComparison[],
  threshold: number,
): CaseComparison {
  const [a, b] = [baseline[0] as Run, current[0] as Run];
  const { relation, mismatches, differences, conditions } = comparability(a.metadata, b.metadata);
  const sides = { baseline: describeSide(baseline), current: describeSide(current) };
  return {
    name,
    relation,
    ...sides,
    workload: describeWorkload(b),
    mismatches,
    differences: [...differences, ...conditions],
    metrics,
    ratios: relation === 'same device' ? [] : ratioTable(baseline, current),
    notes: [...differenceNotes(conditions), ...gatherNotes(baseline, current, metrics, threshold)],
    verdict: caseVerdict(metrics, sides.baseline.simulated || sides.current.simulated),
  };
}

function groupByCase(runs: readonly Run[]): Map<string, Run[]> {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const group = groups.get(run.caseName);
    if (group) group.push(run);
    else groups.set(run.caseName, [run]);
  }
  return groups;
}

/** `compareDocuments` for sides that are already reduced to runs, so that bulk data can be let go. */
export function compareRuns(
  baseline: readonly Run[],
  current: readonly Run[],
  options: CompareOptions = {},
): Comparison {
  const threshold = options.threshold ?? DEFAULT_THRESHOLD;
  const isGated = selectGated(options.metrics);
  const a = groupByCase(baseline);
  const b = groupByCase(current);
  const names = [...a.keys()].filter((name) => b.has(name));
  const notes: Note[] = [];
  for (const [side, groups] of [
    ['baseline', a],
    ['current', b],
  ] as const) {
    const alone = [...groups.keys()].filter((name) => !names.includes(name));
    if (alone.length > 0 && names.length > 0) {
      notes.push({ code: 'unmatched', message: `Only in ${side}: ${alone.join(', ')}.` });
    }
  }
  if (names.length === 0) {
    const list = (groups: Map<string, Run[]>) =>
      [...groups.keys()].map((name) => name || 'a single case').join(', ') || 'nothing';
    throw notComparable(
      `The two sides have no case in common: baseline has ${list(a)}, current has ${list(b)}.`,
    );
  }
  const pairs = names.map(
    (name): CasePair => ({
      name,
      baseline: a.get(name) as Run[],
      current: b.get(name) as Run[],
    }),
  );
  for (const pair of pairs) checkComparable(pair, options.allowMismatch ?? false);
  const prepared = pairs.map((pair) => prepareAll(pair.baseline, pair.current, threshold, isGated));
  // One family over all cases: a sweep of many cases must not cry wolf more often than one.
  const judgements = judge(prepared.flat());
  let next = 0;
  const cases = pairs.map((pair, index) => {
    const metrics = (prepared[index] as Prepared[]).map((candidate) =>
      toComparison(candidate, judgements[next++] as Judgement, options.detailed ?? false),
    );
    if (metrics.length === 0) {
      const files = [...pair.baseline, ...pair.current].map((run) => run.file).join(' and ');
      throw notComparable(`${files} have no metric in common.`);
    }
    return describeCase(pair, metrics, threshold);
  });
  const verdict = combineVerdicts(cases.map((entry) => entry.verdict));
  return { threshold, cases, verdict, summary: summarizeVerdict(verdict, cases), notes };
}

export interface NamedDocument {
  readonly file: string;
  readonly document: ResultDocument;
}

/**
 * Compares two sides of one or more documents each. Pure. Throws NpuBenchError with exit code 3
 * where the sides are no measurements of the same workload and `allowMismatch` is not set.
 */
export function compareDocuments(
  baseline: readonly NamedDocument[],
  current: readonly NamedDocument[],
  options: CompareOptions = {},
): Comparison {
  const runs = (side: readonly NamedDocument[]) =>
    side.flatMap(({ document, file }) => runsOf(document, file));
  return compareRuns(runs(baseline), runs(current), options);
}
