import { NpuBenchError } from '../errors.js';
import { collectCases, type ReportInput } from './cases.js';
import { type CsvLevel, isFilterable, renderCsv } from './csv.js';
import { selectMetrics } from './filter.js';
import { renderHtml } from './html/report.js';
import { renderJson } from './json.js';
import { renderMarkdown } from './markdown.js';
import { referencesFor } from './normalize.js';

export type { ReportInput } from './cases.js';
export {
  type TrendChange,
  type TrendOptions,
  type TrendPoint,
  trendChart,
} from './charts/trend.js';
export type { CsvLevel } from './csv.js';
export { html, Markup } from './html/markup.js';
export { htmlPage, type PageParts } from './html/page.js';

export type ExportFormat = 'json' | 'csv' | 'markdown' | 'html';

export interface ExportOptions {
  readonly format?: ExportFormat;
  /** System and environment; model, device and workload are always there. */
  readonly includeMetadata?: boolean;
  /** Add ratios to a reference device. */
  readonly normalize?: boolean;
  /** A document, or a device or label among the inputs; default: see `referencesFor`. */
  readonly reference?: string | ReportInput;
  /** Metrics to export, as dotted paths or globs; all for an empty list. */
  readonly filter?: readonly string[];
  /** Only for CSV. */
  readonly level?: CsvLevel;
}

/**
 * Renders documents in one of the formats. A pure function: it reads and writes nothing. Throws
 * NpuBenchError (exit code 2) for an unknown metric and for a reference that does not fit.
 */
export function exportReport(inputs: readonly ReportInput[], options: ExportOptions = {}): string {
  const { format = 'json', includeMetadata = false, filter = [], level = 'summary' } = options;
  if (inputs.length === 0) {
    throw new NpuBenchError('NO_INPUT', 'There is nothing to export; name at least one document.');
  }
  const metrics = selectMetrics(filter);
  const cases = collectCases(inputs);
  const reference =
    typeof options.reference === 'object' ? collectCases([options.reference]) : options.reference;
  const references = options.normalize ? referencesFor(cases, reference) : undefined;
  const common = { includeMetadata, metrics, ...(references && { references }) };
  switch (format) {
    case 'csv':
      if (!isFilterable(level, metrics) || (level === 'tokens' && references)) {
        throw new NpuBenchError(
          'EXPORT_LEVEL',
          '--level tokens lists the times of single tokens, which --filter and --normalize do not apply to; leave them out.',
        );
      }
      return renderCsv(cases, { ...common, level });
    case 'markdown':
      return renderMarkdown(cases, common);
    case 'html':
      return renderHtml(cases, common);
    default:
      return renderJson(inputs, cases, common);
  }
}
