import pc from 'picocolors';
import type { Colors } from 'picocolors/types.js';
import { SIGMA_RULE_MIN_N } from '../stats/outliers.js';
import { shown as shownValue } from './comparability.js';
import {
  change,
  figure,
  interval,
  printable,
  pValue,
  ratio,
  sideCounts,
  sideDevice,
  signedPercent,
  verdictCell,
} from './format.js';
import type {
  CaseComparison,
  Comparison,
  MetricComparison,
  SideEvidence,
  Verdict,
} from './types.js';

const WIDTH = 80;
/** Metric, baseline, current, change, interval; the verdict takes the rest of the line. */
const COLUMNS = [22, 9, 9, 9, 16] as const;

/** Reported beside the primary metrics without --detailed: the specification's other headlines. */
const HEADLINES = new Set([
  'throughput.tokens_per_second',
  'throughput.queries_per_second',
  'throughput.executions_per_second',
  'power.average_power_w',
]);

export interface TextOptions {
  readonly detailed?: boolean | undefined;
  /** Escape sequences of terminals; off where it is left out. */
  readonly colors?: boolean | undefined;
}

interface Style {
  readonly detailed: boolean;
  readonly colors: Colors;
}

/** Breaks at spaces so that no line is longer than the page; words that are longer stay whole. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  lines.push(indent + line);
  return lines;
}

function field(name: string, value: string): string[] {
  const [first, ...rest] = wrap(printable(value), ' '.repeat(10));
  return [`${name.padEnd(10)}${(first as string).trimStart()}`, ...rest];
}

function paint(verdict: Verdict, gated: boolean, text: string, colors: Colors): string {
  if (!gated) return colors.dim(text);
  if (verdict === 'regression') return colors.bold(colors.red(text));
  if (verdict === 'improvement') return colors.green(text);
  if (verdict === 'inconclusive') return colors.yellow(text);
  return text;
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => {
      const width = COLUMNS[index] ?? 0;
      return index === 0 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join('');
}

function metricRow(entry: MetricComparison, colors: Colors): string {
  const { metric, baseline, current, verdict, gated } = entry;
  const unit = metric.unit.replace('tokens', 'tok').replace('queries', 'q');
  const cells = [
    `${metric.label} ${unit}`.length < COLUMNS[0] ? `${metric.label}, ${unit}` : metric.label,
    figure(baseline.median),
    figure(current.median),
    change(entry),
    interval(entry),
  ];
  return `${row(cells)} ${paint(verdict, gated, verdictCell(entry), colors)}`;
}

function sideLine(name: string, side: SideEvidence, unit: string): string {
  const parts = [
    `median ${figure(side.median)}`,
    `mean ${figure(side.mean)}${side.n > 1 ? ` ± ${figure(side.deviation)}` : ''}`,
    `${figure(side.min)} … ${figure(side.max)}`,
    `n = ${side.n} (${unit})`,
  ];
  if (side.betweenRuns !== undefined) {
    parts.push(`${(side.betweenRuns * 100).toFixed(1)} % between runs`);
  }
  if (side.withinRuns !== undefined) {
    parts.push(`${(side.withinRuns * 100).toFixed(1)} % within`);
  }
  if (side.outliers > 0) parts.push(`${side.outliers} outlier${side.outliers > 1 ? 's' : ''}`);
  return `${name.padEnd(10)}${parts.join(', ')}`;
}

const TEST_NAMES = {
  'mann-whitney': 'Mann-Whitney U',
  'welch-log': 'Welch on logarithms',
} as const;

function evidenceLines(entry: MetricComparison, threshold: number): string[] {
  const { metric, test, interval: bounds, bootstrapInterval: boot } = entry;
  const lines: string[] = [];
  const add = (text: string) => lines.push(...wrap(text, '  '));
  lines.push(
    `${metric.label} (${metric.unit}): ${entry.verdict}${entry.gated ? '' : ', reported only'}`,
  );
  add(sideLine('baseline', entry.baseline, entry.unit));
  add(sideLine('current', entry.current, entry.unit));
  if (entry.ratio !== undefined) {
    const parts = [`ratio of medians ${entry.ratio.toFixed(4)}`];
    if (bounds) {
      parts.push(
        `95 % interval ${bounds.low.toFixed(4)} … ${bounds.high.toFixed(4)} (${entry.intervalMethod})`,
      );
    }
    if (boot) parts.push(`bootstrap ${boot.low.toFixed(4)} … ${boot.high.toFixed(4)} (BCa)`);
    if (entry.hodgesLehmannRatio !== undefined) {
      parts.push(`Hodges-Lehmann ${entry.hodgesLehmannRatio.toFixed(4)}`);
    }
    add(parts.join(', '));
  }
  if (test) {
    const margin = entry.indicative ? 'half the widened threshold' : `±${threshold / 2} %`;
    const holm =
      test.pWorseAdjusted === test.pWorse ? '' : ` (Holm ${pValue(test.pWorseAdjusted)})`;
    add(
      `${TEST_NAMES[test.name]}, ${test.method}, one-sided against ${margin}: p(worse) ${pValue(test.pWorse)}${holm}, p(better) ${pValue(test.pBetter)}${entry.cliffsDelta === undefined ? '' : `; Cliff's delta ${entry.cliffsDelta.toFixed(2)}`}`,
    );
  }
  if (entry.detectablePercent !== undefined) {
    add(`detectable change with these samples: ${signedPercent(entry.detectablePercent)} %`);
  }
  add(`because: ${entry.reason}`);
  return lines;
}

function outlierLegend(metrics: readonly MetricComparison[]): string {
  const sizes = metrics.flatMap((metric) => [metric.baseline.n, metric.current.n]);
  const sigma = metrics.reduce(
    (n, { baseline, current }) => n + baseline.sigmaOutliers + current.sigmaOutliers,
    0,
  );
  const rule =
    Math.max(...sizes) < SIGMA_RULE_MIN_N
      ? 'the 3-sigma rule cannot fire for n ≤ 10'
      : `the 3-sigma rule marks ${sigma}`;
  return `outliers by median absolute deviation; ${rule}`;
}

/** Baseline and current of each key on one line, wrapped. */
function differenceLines(title: string, entry: CaseComparison['differences']): string[] {
  return entry.flatMap(({ key, baseline, current }, index) => {
    return field(
      index === 0 ? title : '',
      `${key}: ${shownValue(baseline)} → ${shownValue(current)}`,
    );
  });
}

function caseLines(entry: CaseComparison, comparison: Comparison, style: Style): string[] {
  const { colors, detailed } = style;
  const lines: string[] = [];
  if (entry.name) lines.push(colors.bold(printable(`Case ${entry.name}`)));
  for (const [name, side] of [
    ['Baseline', entry.baseline],
    ['Current', entry.current],
  ] as const) {
    const files =
      side.files.length > 3
        ? `${side.files[0]} and ${side.files.length - 1} more`
        : side.files.join(', ');
    const date = side.lastTimestamp.slice(0, 16).replace('T', ' ');
    lines.push(...field(name, `${files}: ${sideDevice(side)}, ${sideCounts(side)}, ${date}`));
  }
  lines.push(...field('Workload', entry.workload));
  if (entry.relation !== 'same device') {
    lines.push(
      ...field(
        'Compared',
        `${entry.relation}: differences between ${entry.relation === 'different devices' ? 'devices, not regressions of one' : 'machines are part of every change below'}`,
      ),
    );
  }
  lines.push(...differenceLines('Mismatch', entry.mismatches));
  if (detailed) lines.push(...differenceLines('Differs', entry.differences));
  const shown = entry.metrics.filter(
    (metric) => detailed || metric.gated || HEADLINES.has(metric.metric.id),
  );
  lines.push(
    '',
    colors.bold(`${row(['Metric', 'Baseline', 'Current', 'Change', '95 % interval'])} Verdict`),
  );
  for (const metric of shown) lines.push(metricRow(metric, colors));
  const marks: string[] = [];
  if (shown.some((metric) => !metric.gated)) marks.push('( ) reported, not gated');
  if (shown.some((metric) => metric.indicative)) marks.push('* indicative');
  lines.push(colors.dim(['medians', ...marks].join('; ')));
  if (detailed) lines.push(colors.dim(outlierLegend(shown)));
  if (entry.ratios.length > 0) {
    lines.push('', colors.bold(`Ratios, current to baseline`));
    for (const item of entry.ratios) {
      const figures = `${item.label.padEnd(COLUMNS[0])}${ratio(item.ratio).padStart(COLUMNS[1])}`;
      lines.push(`${figures}   ${colors.dim(item.formula)}`);
    }
  }
  if (detailed) {
    for (const metric of shown) lines.push('', ...evidenceLines(metric, comparison.threshold));
  }
  if (entry.notes.length > 0) {
    lines.push('');
    for (const note of entry.notes) {
      const [first, ...rest] = wrap(printable(note.message), '    ');
      lines.push(`  - ${(first as string).trimStart()}`, ...rest);
    }
  }
  return lines;
}

/** The comparison as text of at most 80 columns, ending with the verdict in one line. */
export function renderText(comparison: Comparison, options: TextOptions = {}): string {
  const colors = pc.createColors(options.colors ?? false);
  const style = { detailed: options.detailed ?? false, colors };
  const lines = comparison.cases.flatMap((entry, index) => [
    ...(index > 0 ? [''] : []),
    ...caseLines(entry, comparison, style),
  ]);
  for (const note of comparison.notes) lines.push('', ...wrap(printable(note.message), ''));
  const verdict = printable(
    `Verdict (threshold ${comparison.threshold} %): ${comparison.summary}.`,
  );
  lines.push('', paint(comparison.verdict, true, verdict, colors));
  return `${lines.join('\n')}\n`;
}
