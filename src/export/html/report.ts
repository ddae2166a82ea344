import type { Metric } from '../../schema/index.js';
import { toolVersion } from '../../version.js';
import { describeModel, deviceName, quantizationBeside, type ReportCase } from '../cases.js';
import { describeDevice, metadataFacts, subjectFacts, summarySentence } from '../describe.js';
import { formatTimestamp, plural, sentence } from '../format.js';
import type { Reference } from '../normalize.js';
import { bannersOf } from '../notes.js';
import { collectUnavailable, collectWarnings, overviewTable } from '../tables.js';
import { axisSections } from './axes.js';
import { definitionsBlock, factsBlock, section, tableBlock } from './blocks.js';
import { caseCharts, caseTables } from './case.js';
import { combinedSections } from './combined.js';
import { html, type Markup, NOTHING } from './markup.js';
import { htmlPage } from './page.js';
import { tilesBlock } from './tiles.js';

/** Cases with charts of their own; the others stand in the table of all results. */
const MAX_DETAILED = 8;
/** Files that are named in a warning before the rest is counted. */
const MAX_NAMED = 4;

export interface HtmlOptions {
  readonly includeMetadata: boolean;
  readonly metrics: readonly Metric[];
  readonly references?: readonly Reference[];
}

function banners(cases: readonly ReportCase[]): Markup[] {
  const seen = new Map<string, { text: string; kind: string; count: number }>();
  for (const { document } of cases) {
    for (const { title, text, kind } of bannersOf(document)) {
      seen.set(title, { text, kind, count: (seen.get(title)?.count ?? 0) + 1 });
    }
  }
  return [...seen].map(([title, { text, kind, count }]) => {
    const some = count < cases.length ? ` (${count} of ${cases.length} results)` : '';
    return html`<p class="banner ${kind}"><strong>${title}${some}.</strong> ${text}</p>
`;
  });
}

function whose(labels: readonly string[], cases: readonly ReportCase[]): Markup {
  if (cases.length === 1) return NOTHING;
  if (labels.length === cases.length) return html` <span class="soft">(all results)</span>`;
  const rest = labels.length - MAX_NAMED;
  const names = labels.slice(0, MAX_NAMED).join('; ');
  return html` <span class="soft">(${names}${rest > 0 ? ` and ${rest} more` : ''})</span>`;
}

/** "Out of memory" of "out-of-memory". */
function titleOf(code: string): string {
  const words = code.replace(/[-_]/gu, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function faultItems(cases: readonly ReportCase[]): Markup[] {
  return cases.flatMap(({ document, label }) => {
    const own = document.faults ?? [];
    const inIterations = document.iterations.flatMap(({ iteration, faults }) =>
      (faults ?? []).map((fault) => ({
        ...fault,
        message: `Iteration ${iteration}: ${fault.message}`,
      })),
    );
    const name = cases.length > 1 ? `${label}: ` : '';
    return [...own, ...inIterations].map(
      ({ code, message }) =>
        html`<li><strong>${name}${titleOf(code)}</strong>${sentence(message)}</li>\n`,
    );
  });
}

function warningsSection(cases: readonly ReportCase[]): Markup {
  const warnings = collectWarnings(cases);
  const faults = faultItems(cases);
  if (warnings.length === 0 && faults.length === 0) {
    return section(
      'warnings',
      'Warnings',
      html`<p>None: nothing out of bounds was noticed during the measurement.</p>`,
    );
  }
  const items = warnings.map(
    ({ warning, labels }) =>
      html`<li><strong>${titleOf(warning.code)}${whose(labels, cases)}</strong>${sentence(warning.message)}${warning.action && html` <span class="do">${sentence(warning.action)}</span>`}</li>
`,
  );
  return section(
    'warnings',
    'Warnings',
    html`<p>Conditions of the measurement that a reader of the figures should know, and what to do about each.</p>
<ul class="notes">${faults}${items}</ul>
`,
  );
}

function unavailableSection(cases: readonly ReportCase[]): Markup {
  const entries = collectUnavailable(cases);
  if (entries.length === 0) return NOTHING;
  return section(
    'unavailable',
    'Not available',
    html`<p>Metrics that could not be taken are left out; none of them is zero.</p>
<ul class="notes">${entries.map(
      ({ item, labels }) =>
        html`<li><strong><code>${item.metric}</code>${whose(labels, cases)}</strong>${sentence(item.reason)}${item.remedy && html` <span class="do">${sentence(item.remedy)}</span>`}</li>
`,
    )}</ul>
`,
  );
}

function metadataSection(cases: readonly ReportCase[]): Markup {
  const blocks = cases.slice(0, MAX_DETAILED).map((entry) =>
    tableBlock({
      caption: cases.length > 1 ? entry.label : 'System, environment and settings',
      columns: [{ label: 'Key' }, { label: 'Value' }],
      rows: metadataFacts(entry.document).map(([key, value]) => [key, value]),
    }),
  );
  return section('metadata', 'System and environment', html`<div class="tables">${blocks}</div>`);
}

function caseBody(entry: ReportCase, index: number, options: HtmlOptions): Markup {
  return html`${caseCharts(entry, `case${index}`)}${caseTables(entry, options.metrics, options.references?.[index])}`;
}

function singleReport(entry: ReportCase, options: HtmlOptions): Markup {
  const { document } = entry;
  return html`<section aria-label="Headline figures">${tilesBlock(document, options.metrics)}</section>
${section('subject', 'What was measured', factsBlock(subjectFacts(document)))}
${section('details', 'Measurements', caseBody(entry, 0, options))}`;
}

function severalReport(cases: readonly ReportCase[], options: HtmlOptions): Markup {
  const detailed = cases.length <= MAX_DETAILED ? cases : [];
  const contents =
    detailed.length > 1
      ? html`<nav aria-label="Results"><ul class="contents">${detailed.map(({ label }, index) => html`<li><a href="#case${index}">${label}</a></li>`)}</ul></nav>
`
      : NOTHING;
  const overview = overviewTable(cases, options.metrics, options.references);
  return html`${combinedSections(cases, options.metrics)}${axisSections(cases)}
${section('overview', 'All results', html`${contents}<div class="tables">${tableBlock(overview)}</div>`)}
${detailed.map((entry, index) =>
  section(
    `case${index}`,
    entry.label,
    factsBlock(subjectFacts(entry.document)),
    tilesBlock(entry.document, options.metrics),
    caseBody(entry, index, options),
  ),
)}`;
}

function headingOf(cases: readonly ReportCase[]): { heading: Markup; title: string } {
  const first = (cases[0] as ReportCase).document;
  const models = [...new Set(cases.map(({ document }) => describeModel(document)))];
  const devices = [...new Set(cases.map(({ document }) => deviceName(document.metadata.device)))];
  if (cases.length === 1) {
    const { name } = first.metadata.model;
    const quantization = quantizationBeside(first);
    const device = describeDevice(first);
    return {
      heading: html`${name}${quantization && html` <span class="soft">${quantization}</span>`} <span class="soft">on</span> ${first.metadata.device_info.name}`,
      title: `${describeModel(first)} on ${device}`,
    };
  }
  const subject = models.length <= 2 ? models.join(' and ') : plural(models.length, 'model');
  const where = devices.length <= 3 ? devices.join(', ') : plural(devices.length, 'device');
  return {
    heading: html`${subject} <span class="soft">on</span> ${where}`,
    title: `${subject} on ${where}: ${plural(cases.length, 'result')}`,
  };
}

function dateRange(cases: readonly ReportCase[]): string {
  const times = cases.map(({ document }) => document.metadata.timestamp).sort();
  const [first, last] = [times[0] as string, times.at(-1) as string].map(formatTimestamp);
  return first === last ? (first as string) : `${first} to ${last}`;
}

/** One self-contained page about one result, or about several side by side. */
export function renderHtml(cases: readonly ReportCase[], options: HtmlOptions): string {
  const { heading, title } = headingOf(cases);
  const single = cases.length === 1 ? (cases[0] as ReportCase) : undefined;
  const count = single ? '' : ` · ${plural(cases.length, 'result')}`;
  const lead = single
    ? html`<p class="lead">${summarySentence(single.document)}</p>
`
    : NOTHING;
  return htmlPage({
    title,
    overline: `npu-bench · ${dateRange(cases)}${count}`,
    heading,
    intro: [lead, ...banners(cases)],
    body: [
      single ? singleReport(single, options) : severalReport(cases, options),
      warningsSection(cases),
      unavailableSection(cases),
      ...(options.includeMetadata ? [metadataSection(cases)] : []),
      section('terms', 'How to read the figures', definitionsBlock()),
    ],
    footer: `Made by npu-bench ${toolVersion()} from ${cases.length === 1 ? (single as ReportCase).file : plural(new Set(cases.map(({ file }) => file)).size, 'document')}. The page is complete in itself and loads nothing.`,
  });
}
