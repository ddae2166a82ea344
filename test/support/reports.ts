import { readFileSync } from 'node:fs';
import type { ReportInput } from '../../src/export/index.js';
import { parseDocument } from '../../src/schema/index.js';
import { type FixtureShape, makeReportDocument } from './make-document.js';

/** A document of the specification's published figures. */
export function specification(name: string): ReportInput {
  const file = `specification-${name}.json`;
  const url = new URL(`../fixtures/${file}`, import.meta.url);
  return { file, document: parseDocument(readFileSync(url, 'utf8'), file) };
}

export function input(file: string, shape: FixtureShape = {}): ReportInput {
  return { file, document: makeReportDocument(shape) };
}

/** Texts that would run, break out or mislead if they were not escaped. */
export const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '</style></title></svg><script>alert(2)</script>',
  '=HYPERLINK("http://example.com","x")',
  '+1+cmd|/c calc!A0',
  '@SUM(A1:A9)',
  '-2+3',
  '| a | b |\n|---|---|\n| c | d |',
  '# heading **bold** [link](javascript:alert(1)) `code` ~~x~~ $x$ www.example.com',
  'a,b;"c"\td\r\ne',
  '\u0000\u0007\u202e\ud800 end',
  '&lt;b&gt; &amp; &#x3c;',
] as const;

/** A document in which every text that a user or a file controls is hostile. */
export function hostileInput(text: string): ReportInput {
  const document = makeReportDocument({ full: true, iterations: 2, outputLength: 8 });
  const { metadata } = document;
  metadata.label = text;
  metadata.model.name = text;
  metadata.model.quantization = text;
  metadata.device = text;
  metadata.device_info.name = text;
  metadata.device_info.backend = text;
  metadata.device_info.soc = text;
  metadata.system_info.os = text;
  metadata.system_info.cpu = text;
  metadata.environment = { [text]: text, nested: { deep: [text] } };
  document.warnings = [{ code: text, message: text, action: text }];
  document.unavailable = [{ metric: text, reason: text, remedy: text }];
  document.faults = [{ code: text, message: text }];
  for (const iteration of document.iterations) {
    iteration.faults = [{ code: text, message: text }];
    for (const phase of iteration.phases ?? []) phase.name = text;
    for (const series of iteration.telemetry ?? []) series.name = text;
    if (iteration.cold_start) iteration.cold_start.page_cache = text;
  }
  return { file: `${text}.json`, document };
}
