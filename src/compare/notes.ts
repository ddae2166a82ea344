import { autocorrelation, drift, isAutocorrelated } from '../stats/series.js';
import { describeDifferences } from './comparability.js';
import type { Run } from './runs.js';
import type { Difference, MetricComparison, Note } from './types.js';

/** Two-sided level at which a trend within a run is told. */
const DRIFT_P = 0.01;
/** A trend below this share of the median explains no verdict. */
const DRIFT_LEAST = 0.02;

const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;

/** Conditions of measuring that differ: part of every change that follows. */
export function differenceNotes(conditions: readonly Difference[]): Note[] {
  if (conditions.length === 0) return [];
  return [
    {
      code: 'conditions',
      message: `Measured under different conditions, which are part of every change: ${describeDifferences(conditions)}.`,
    },
  ];
}

/** Mains on one side and a battery on the other: the power limits of the two are not the same. */
function powerSourceNotes(baseline: readonly Run[], current: readonly Run[]): Note[] {
  const sources = [baseline, current].map((runs) => new Set(runs.map((run) => run.onBattery)));
  const [a, b] = sources as [Set<boolean | undefined>, Set<boolean | undefined>];
  if (a.has(undefined) || b.has(undefined)) return [];
  if (a.size === 1 && b.size === 1 && [...a][0] === [...b][0]) return [];
  return [
    {
      code: 'power-source',
      message: 'Some runs were measured on battery and others on mains: power limits differ.',
    },
  ];
}

function conditionNotes(side: string, runs: readonly Run[]): Note[] {
  const notes: Note[] = [];
  for (const run of runs) {
    if (run.status !== 'complete') {
      notes.push({
        code: `status-${run.status}`,
        message: `${side} ${run.file} is ${run.status}: only what was measured is compared.`,
      });
    }
    if (run.faultyIterations > 0) {
      notes.push({
        code: 'faults',
        message: `${side} ${run.file}: ${run.faultyIterations} iterations with a fault are left out.`,
      });
    }
  }
  const warnings = new Map<string, string>();
  for (const warning of runs.flatMap((run) => run.warnings)) {
    warnings.set(warning.code, warning.message);
  }
  for (const [code, message] of warnings) notes.push({ code, message: `${side}: ${message}` });
  return notes;
}

/** Up to this many runs a side each drifting one is told; of more only a share that is no chance. */
const TOLD_SINGLY = 3;
const DRIFT_SHARE = 0.05;

function driftNotes(side: string, runs: readonly Run[], { metric }: MetricComparison): Note[] {
  const label = metric.label.toLowerCase();
  const drifting = runs.flatMap((run) => {
    const trend = drift(run.samples.get(metric.id)?.processes.flat() ?? []);
    const real = trend && trend.p < DRIFT_P && Math.abs(trend.relativeChange) > DRIFT_LEAST;
    return real ? [{ file: run.file, change: trend.relativeChange }] : [];
  });
  const remedy =
    'let the device cool between processes (--cooldown), and take the runs of both sides in turn';
  if (runs.length > TOLD_SINGLY) {
    if (drifting.length <= DRIFT_SHARE * runs.length) return [];
    const message = `${side}: ${label} drifts in ${drifting.length} of ${runs.length} runs; ${remedy}.`;
    return [{ code: 'drift', message }];
  }
  return drifting.map(({ file, change }) => ({
    code: 'drift',
    message: `${side} ${file}: ${label} ${change > 0 ? 'rises' : 'falls'} by ${percent(Math.abs(change))} from first to last iteration; ${remedy}.`,
  }));
}

/** Matters where a run's own samples are tested, not where each run is one sample. */
function dependenceNotes(
  side: string,
  runs: readonly Run[],
  { metric, unit }: MetricComparison,
): Note[] {
  if (unit === 'run') return [];
  return runs.flatMap((run) => {
    const values = run.samples.get(metric.id)?.processes.flat() ?? [];
    if (!isAutocorrelated(values)) return [];
    return [
      {
        code: 'autocorrelation',
        message: `${side} ${run.file}: successive values of ${metric.label.toLowerCase()} depend on each other (lag 1: ${autocorrelation(values)?.toFixed(2)}), so p-values are too optimistic.`,
      },
    ];
  });
}

function stateNotes(metric: MetricComparison): Note[] {
  return (['baseline', 'current'] as const).flatMap((side) => {
    const { states, n } = metric[side];
    if (!states) return [];
    const slower = metric.metric.direction === 'higher' ? states.lowerCount : states.upperCount;
    const shares =
      metric.statesP === undefined
        ? ''
        : ` (shares of the two sides differ: p = ${metric.statesP.toFixed(3)})`;
    return [
      {
        code: 'launch-states',
        message: `${side}: launches come in two states: ${slower} of ${n} are ${states.ratio.toFixed(2)}× worse in ${metric.metric.label.toLowerCase()}${shares}.`,
      },
    ];
  });
}

/** What a reader should know before believing a verdict, most general first. */
export function gatherNotes(
  baseline: readonly Run[],
  current: readonly Run[],
  metrics: readonly MetricComparison[],
  threshold: number,
): Note[] {
  const judged = metrics.filter((metric) => metric.gated && metric.verdict !== 'not judged');
  const notes = [
    ...powerSourceNotes(baseline, current),
    ...conditionNotes('baseline', baseline),
    ...conditionNotes('current', current),
  ];
  const units = new Set(judged.map((metric) => metric.unit));
  if (judged.some((metric) => metric.indicative)) {
    notes.push({
      code: 'indicative',
      message: units.has('summary')
        ? 'Indicative only: a document lists no samples per process, so the spread between launches is unknown.'
        : 'Indicative only: one process a side, so the spread between launches is unknown; measure with several processes.',
    });
  } else if (units.has('process') && baseline.length === 1 && current.length === 1) {
    notes.push({
      code: 'single-run',
      message:
        'One run a side: differences between days or temperatures are not covered; three or more runs a side are.',
    });
  }
  const open = new Map<string, string[]>();
  for (const { metric, verdict, reason } of judged) {
    if (verdict === 'inconclusive') open.set(reason, [...(open.get(reason) ?? []), metric.label]);
  }
  for (const [reason, labels] of open) {
    notes.push({ code: 'inconclusive', message: `${labels.join(', ')}: ${reason}.` });
  }
  const coarse = judged.filter(
    ({ detectablePercent, verdict }) =>
      verdict === 'inconclusive' && (detectablePercent ?? 0) > 2 * threshold,
  );
  if (coarse.length > 0) {
    const list = coarse
      .map(
        (metric) =>
          `${metric.metric.label.toLowerCase()} ${metric.detectablePercent?.toFixed(0)} %`,
      )
      .join(', ');
    notes.push({
      code: 'coarse',
      message: `${threshold} % cannot be resolved with these samples; what can be: ${list}.`,
    });
  }
  for (const metric of judged) {
    notes.push(...stateNotes(metric));
    for (const [side, runs] of [
      ['baseline', baseline],
      ['current', current],
    ] as const) {
      const drifts = driftNotes(side, runs, metric);
      // A trend is a dependence: one of the two is enough.
      notes.push(...(drifts.length > 0 ? drifts : dependenceNotes(side, runs, metric)));
    }
  }
  return notes;
}
