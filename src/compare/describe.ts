import { change } from './format.js';
import type { Run } from './runs.js';
import type { CaseComparison, SideDescription, Verdict } from './types.js';

/** Metrics that the one-line verdict names; a sweep may have dozens. */
const MOST_NAMED = 5;

export function describeSide(runs: readonly Run[]): SideDescription {
  const { metadata } = runs[0] as Run;
  const times = runs.map((run) => run.metadata.timestamp).sort();
  return {
    files: runs.map((run) => run.file),
    runs: runs.length,
    processes: runs.reduce((total, run) => total + run.processCount, 0),
    device: metadata.device,
    deviceName: metadata.device_info.name,
    backend: metadata.device_info.backend ?? undefined,
    simulated: runs.some((run) => run.metadata.device_info.simulated === true),
    firstTimestamp: times[0] as string,
    lastTimestamp: times[times.length - 1] as string,
    label: metadata.label ?? undefined,
  };
}

export function describeWorkload({ metadata }: Run): string {
  const { model, benchmark_config: config } = metadata;
  const weights = model.weights === 'synthetic' ? ', synthetic weights' : '';
  const quantization = model.quantization ? ` ${model.quantization}` : '';
  return `${model.name}${quantization}${weights}, batch ${config.batch_size}, ${config.input_length} in, ${config.output_length} out`;
}

/** The worst of several verdicts: a regression hides nothing, and nothing hides an open question. */
export function combineVerdicts(verdicts: readonly Verdict[]): Verdict {
  for (const verdict of ['regression', 'inconclusive', 'improvement', 'no change'] as const) {
    if (verdicts.includes(verdict)) return verdict;
  }
  return 'not judged';
}

function count(cases: readonly CaseComparison[], verdict: Verdict): number {
  return cases
    .flatMap((entry) => entry.metrics)
    .filter((metric) => metric.gated && metric.verdict === verdict).length;
}

/** "regression: subsequent token +10.2 % (p = 0.004)", short enough for one line of a log. */
export function summarizeVerdict(verdict: Verdict, cases: readonly CaseComparison[]): string {
  const gated = cases.flatMap((entry) =>
    entry.metrics
      .filter((metric) => metric.gated)
      .map((metric) => ({ metric, prefix: entry.name ? `${entry.name} ` : '' })),
  );
  const deciding = gated.filter(({ metric }) => metric.verdict === verdict);
  const withReason = verdict === 'regression' || verdict === 'improvement';
  const named = deciding.map(({ metric, prefix }) => {
    const reason = withReason
      ? ` (${metric.reason}${metric.indicative ? ', indicative' : ''})`
      : '';
    const moved = metric.changePercent === undefined ? '' : ` ${change(metric)}`;
    return `${prefix}${metric.metric.label.toLowerCase()}${moved}${reason}`;
  });
  const list = named.slice(0, MOST_NAMED).join(', ');
  const more = named.length > MOST_NAMED ? ` and ${named.length - MOST_NAMED} more` : '';
  switch (verdict) {
    case 'regression':
    case 'improvement':
    case 'inconclusive':
      return `${verdict}: ${list}${more}`;
    case 'no change':
      return `no change: all ${count(cases, 'no change')} gated metrics are within the threshold`;
    default: {
      const refused = gated.find(({ metric }) => metric.verdict === 'not judged');
      const reason = refused?.metric.reason ?? 'no gated metric is present on both sides';
      return `not judged: ${reason}`;
    }
  }
}
