import type { Metric } from '../schema/index.js';
import { axisScalings } from './axes.js';
import { describeModel, type ReportCase } from './cases.js';
import { batchScaling, compareDevices } from './combined.js';
import { type Fact, metadataFacts, subjectFacts, summarySentence } from './describe.js';
import { SCALARS } from './figures.js';
import { plural, sentence } from './format.js';
import type { Reference } from './normalize.js';
import { bannersOf } from './notes.js';
import {
  axisTable,
  collectUnavailable,
  collectWarnings,
  deviceFigures,
  deviceTable,
  iterationTable,
  metricTable,
  normalizedTable,
  overviewTable,
  scalingTable,
  type Table,
} from './tables.js';

/** Above this number a table of iterations is no reading matter; the CSV has them. */
const MAX_ITERATIONS = 50;
/** Cases whose metrics are listed one by one; the others are in the overview. */
const MAX_DETAILED = 12;

/**
 * Text that means nothing to a Markdown renderer, on one line. Angle brackets and ampersands become
 * entities because a renderer may pass HTML through; mentions, bare links and formulas, which some
 * renderers make of plain text, are broken up in the same way.
 */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\r\n\u2028\u2029\t]+/gu, ' ')
    .replace(/&/gu, '&amp;')
    .replace(/</gu, '&lt;')
    .replace(/>/gu, '&gt;')
    .replace(/[\\`*_{}[\]#!|~]/gu, '\\$&')
    .replace(/@/gu, '&#64;')
    .replace(/\$/gu, '&#36;')
    .replace(/:\/\//gu, '&#58;//')
    .replace(/\bwww\./giu, (text) => text.replace('.', '&#46;'))
    .replace(/^(\s*)([-+=])/u, '$1\\$2')
    .replace(/^(\s*\d+)([.)])(?=\s|$)/u, '$1\\$2');
}

export function markdownTable(table: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const escaped = table.rows.map((row) =>
    row.map((cell) => (cell === null ? '–' : escapeMarkdown(cell))),
  );
  return [
    line(table.columns.map(({ label }) => escapeMarkdown(label))),
    line(table.columns.map(({ numeric }) => (numeric ? '---:' : ':---'))),
    ...escaped.map(line),
  ].join('\n');
}

function section(level: number, table: Table): string[] {
  if (table.rows.length === 0) return [];
  const title = `${'#'.repeat(level)} ${escapeMarkdown(table.caption)}`;
  const note = table.note ? [`_${escapeMarkdown(table.note)}_`] : [];
  return [title, markdownTable(table), ...note];
}

function factList(facts: readonly Fact[]): string {
  return facts
    .map(([name, value]) => `- **${escapeMarkdown(name)}:** ${escapeMarkdown(value)}`)
    .join('\n');
}

function bannerLines(cases: readonly ReportCase[]): string[] {
  const seen = new Map<string, string>();
  for (const { document } of cases) {
    for (const { title, text } of bannersOf(document)) {
      seen.set(title, `> **${escapeMarkdown(title)}.** ${escapeMarkdown(text)}`);
    }
  }
  return [...seen.values()];
}

function warningList(cases: readonly ReportCase[]): string[] {
  const entries = collectWarnings(cases);
  if (entries.length === 0) return [];
  const lines = entries.map(({ warning, labels }) => {
    const where = cases.length > 1 ? ` (${escapeMarkdown(labels.slice(0, 5).join('; '))})` : '';
    const action = warning.action ? ` ${escapeMarkdown(sentence(warning.action))}` : '';
    return `- **${escapeMarkdown(warning.code)}**${where}: ${escapeMarkdown(sentence(warning.message))}${action}`;
  });
  return ['## Warnings', lines.join('\n')];
}

function unavailableTable(cases: readonly ReportCase[]): string[] {
  return section(2, {
    caption: 'Not available',
    columns: [{ label: 'Metric' }, { label: 'Why' }, { label: 'What to do' }],
    rows: collectUnavailable(cases).map(({ item }) => [
      item.metric,
      item.reason,
      item.remedy ?? null,
    ]),
  });
}

export interface MarkdownOptions {
  readonly includeMetadata: boolean;
  readonly metrics: readonly Metric[];
  readonly references?: readonly Reference[];
}

function detail(
  entry: ReportCase,
  index: number,
  level: number,
  options: MarkdownOptions,
): string[] {
  const { document } = entry;
  const reference = options.references?.[index];
  const iterations = options.metrics.filter((metric) => !SCALARS.includes(metric));
  return [
    factList(subjectFacts(document)),
    ...(reference ? section(level, normalizedTable(document, options.metrics, reference)) : []),
    ...section(level, metricTable(document, options.metrics)),
    ...section(level, iterationTable(document, iterations, MAX_ITERATIONS)),
  ];
}

/** A report in GitHub-flavoured Markdown. */
export function renderMarkdown(cases: readonly ReportCase[], options: MarkdownOptions): string {
  const first = cases[0] as ReportCase;
  const blocks: string[] = [];
  if (cases.length === 1) {
    blocks.push(`# Benchmark: ${escapeMarkdown(describeModel(first.document))}`);
    blocks.push(...bannerLines(cases), escapeMarkdown(summarySentence(first.document)));
    blocks.push('## What was measured', ...detail(first, 0, 2, options));
  } else {
    const models = [...new Set(cases.map(({ document }) => describeModel(document)))];
    const subject = models.length <= 3 ? models.join('; ') : plural(models.length, 'model');
    blocks.push(
      `# Benchmark: ${escapeMarkdown(`${plural(cases.length, 'result')} of ${subject}`)}`,
    );
    blocks.push(...bannerLines(cases));
    for (const comparison of compareDevices(cases)) {
      blocks.push(...section(2, deviceFigures(comparison, options.metrics)));
      blocks.push(...section(2, deviceTable(comparison)));
    }
    for (const scaling of batchScaling(cases)) blocks.push(...section(2, scalingTable(scaling)));
    for (const scaling of axisScalings(cases)) blocks.push(...section(2, axisTable(scaling)));
    blocks.push(...section(2, overviewTable(cases, options.metrics, options.references)));
    if (cases.length <= MAX_DETAILED) {
      for (const [index, entry] of cases.entries()) {
        blocks.push(`## ${escapeMarkdown(entry.label)}`, ...detail(entry, index, 3, options));
      }
    }
  }
  blocks.push(...warningList(cases), ...unavailableTable(cases));
  if (options.includeMetadata) {
    for (const entry of cases.slice(0, MAX_DETAILED)) {
      const name = cases.length > 1 ? `: ${entry.label}` : '';
      const rows = metadataFacts(entry.document).map(([key, value]) => [key, value]);
      blocks.push(
        ...section(2, {
          caption: `System and environment${name}`,
          columns: [{ label: 'Key' }, { label: 'Value' }],
          rows,
        }),
      );
    }
  }
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}
