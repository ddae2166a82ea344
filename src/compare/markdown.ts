import { shown } from './comparability.js';
import {
  change,
  figure,
  interval,
  printable,
  pValue,
  ratio,
  sideCounts,
  sideDevice,
  verdictCell,
} from './format.js';
import type {
  CaseComparison,
  Comparison,
  MetricComparison,
  SideDescription,
  Verdict,
} from './types.js';

const MARKS: Record<Verdict, string> = {
  regression: '❌',
  improvement: '🚀',
  'no change': '✅',
  inconclusive: '❔',
  'not judged': '➖',
};

/**
 * Text of a document inside a line of Markdown: nothing of it may become markup, a link, a mention or
 * a new row. What means something at the start of a line only is left readable.
 */
export function escapeMarkdown(text: string): string {
  return printable(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|~]/g, '\\$&')
    .replace(/[@#]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/:\/\//g, '&#58;//')
    .replace(/www\./gi, '$&&#8203;');
}

function table(header: readonly string[], alignment: readonly string[], rows: readonly string[][]) {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(alignment), ...rows.map(line)];
}

function sideLine(name: string, side: SideDescription): string {
  const files = side.files.map(escapeMarkdown).join(', ');
  return `- **${name}**: ${files}, ${escapeMarkdown(sideDevice(side))}, ${sideCounts(side)}, ${escapeMarkdown(side.lastTimestamp)}`;
}

function metricRow(entry: MetricComparison): string[] {
  const { metric, baseline, current, test } = entry;
  const p = test ? (entry.metric.direction === 'none' ? '–' : pShown(entry)) : '–';
  const cells = [
    `${metric.label} (${metric.unit})`,
    figure(baseline.median),
    figure(current.median),
    change(entry),
    interval(entry),
    p,
    `${baseline.n} / ${current.n}`,
  ];
  const verdict = verdictCell(entry).replace('*', '\\*');
  return [...cells, entry.gated ? `${MARKS[entry.verdict]} ${verdict}` : verdict];
}

/** The p-value of the direction in which the metric moved. */
function pShown(entry: MetricComparison): string {
  const { test, ratio: value, metric } = entry;
  if (!test || value === undefined) return '–';
  const worse = metric.direction === 'higher' ? value < 1 : value > 1;
  return pValue(worse ? test.pWorseAdjusted : test.pBetterAdjusted);
}

const HEADER = ['Metric', 'Baseline', 'Current', 'Change', '95 % interval', 'p', 'n', 'Verdict'];
const ALIGNMENT = [':---', '---:', '---:', '---:', '---:', '---:', '---:', ':---'];

function caseSection(entry: CaseComparison, detailed: boolean): string[] {
  const gated = entry.metrics.filter((metric) => metric.gated);
  const others = entry.metrics.filter((metric) => !metric.gated);
  const lines: string[] = [];
  if (entry.name) lines.push('', `#### ${escapeMarkdown(entry.name)}`);
  lines.push('', ...table(HEADER, ALIGNMENT, gated.map(metricRow)));
  if (entry.ratios.length > 0) {
    lines.push(
      '',
      `Ratios between ${entry.relation}:`,
      '',
      ...table(
        ['Metric', 'Ratio', 'Formula'],
        [':---', '---:', ':---'],
        entry.ratios.map((item) => [item.label, ratio(item.ratio), item.formula]),
      ),
    );
  }
  const differences = [...entry.mismatches, ...entry.differences];
  lines.push(
    '',
    detailed ? '<details open>' : '<details>',
    '<summary>What was measured, and all other metrics</summary>',
    '',
    sideLine('Baseline', entry.baseline),
    sideLine('Current', entry.current),
    `- **Workload**: ${escapeMarkdown(entry.workload)}`,
    ...differences.map(
      ({ key, baseline, current }) =>
        `- ${escapeMarkdown(key)}: ${escapeMarkdown(shown(baseline))} → ${escapeMarkdown(shown(current))}`,
    ),
    ...entry.notes.map((note) => `- ${escapeMarkdown(note.message)}`),
  );
  if (others.length > 0) lines.push('', ...table(HEADER, ALIGNMENT, others.map(metricRow)));
  lines.push('', '</details>');
  return lines;
}

/** A summary for a pull request, in GitHub's Markdown. */
export function renderMarkdown(comparison: Comparison, detailed = false): string {
  const lines = [
    `### ${MARKS[comparison.verdict]} Benchmark: ${comparison.verdict}`,
    '',
    `${escapeMarkdown(comparison.summary)}. Threshold ${comparison.threshold} %.`,
    ...comparison.cases.flatMap((entry) => caseSection(entry, detailed)),
    ...comparison.notes.flatMap((note) => ['', escapeMarkdown(note.message)]),
  ];
  return `${lines.join('\n')}\n`;
}
