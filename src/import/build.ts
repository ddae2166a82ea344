import {
  type BenchmarkConfig,
  checkDocument,
  type Iteration,
  type ResultDocument,
  SCHEMA_ID,
  SCHEMA_VERSION,
  type SystemInfo,
} from '../schema/index.js';
import { summarizeIterations } from '../stats/index.js';
import type { LedgerEntry } from './ledger.js';

export interface ImportedCase {
  readonly label?: string;
  readonly timestamp: string;
  readonly device: string;
  readonly deviceInfo: ResultDocument['metadata']['device_info'];
  readonly model: ResultDocument['metadata']['model'];
  readonly config: BenchmarkConfig;
  readonly system: SystemInfo;
  readonly iterations: readonly Iteration[];
}

export interface ImportedFile {
  /** Name of the tool that measured. */
  readonly tool: string;
  readonly toolVersion?: string;
  readonly cases: readonly ImportedCase[];
  readonly ledger: readonly LedgerEntry[];
}

/** The dotted path under `results` of a field that an importer names by its place in an iteration. */
const RESULT_PATHS: Readonly<Record<string, string>> = {
  cold_start_ms: 'latency.cold_start_ms',
  first_token_ms: 'latency.first_token_ms',
  subsequent_token_ms: 'latency.subsequent_token_ms',
  tokens_per_second: 'throughput.tokens_per_second',
  peak_memory_mb: 'memory.peak_memory_usage_mb',
  average_memory_mb: 'memory.average_memory_usage_mb',
  average_power_w: 'power.average_power_w',
  peak_power_w: 'power.peak_power_w',
};

function caseParts(entry: ImportedCase) {
  const iterations = entry.iterations.map((iteration, index) => ({
    ...iteration,
    iteration: index + 1,
  }));
  return { results: summarizeIterations(iterations), iterations };
}

/**
 * Makes a checked document of what a translator has read. The ledger stands in
 * `metadata.imported`; what means something else is repeated as a warning, and what is missing as
 * `unavailable`, so that compare and every export show it.
 */
export function buildImported(imported: ImportedFile, file: string): ResultDocument {
  const { tool, ledger, cases } = imported;
  const first = cases[0] as ImportedCase;
  const warnings = ledger
    .filter(({ kind }) => kind === 'different' || kind === 'computed')
    .map(({ kind, theirs, ours, note }) => ({
      code: `imported-${kind}`,
      message: `${ours ?? theirs}: ${note}`,
    }));
  const unavailable = ledger
    .filter((entry) => entry.kind === 'missing' && entry.ours !== undefined)
    .map(({ ours, note }) => ({
      metric: RESULT_PATHS[ours as string] ?? (ours as string),
      reason: `${tool}: ${note}`,
    }));
  const document = {
    schema: { id: SCHEMA_ID, version: SCHEMA_VERSION },
    status: 'complete',
    metadata: {
      timestamp: first.timestamp,
      device: first.device,
      device_info: first.deviceInfo,
      model: first.model,
      benchmark_config: first.config,
      system_info: first.system,
      tool: { name: tool, version: imported.toolVersion ?? 'unknown' },
      imported: { from: tool, ledger },
      ...(first.label !== undefined && cases.length === 1 && { label: first.label }),
    },
    ...caseParts(first),
    unavailable,
    warnings,
    ...(cases.length > 1 && {
      iterations: [],
      cases: cases.map((entry, index) => ({
        id: entry.label ?? `case ${index + 1}`,
        label: entry.label,
        device: entry.device,
        device_info: entry.deviceInfo,
        model: entry.model,
        benchmark_config: entry.config,
        status: 'complete',
        ...caseParts(entry),
        unavailable,
        warnings,
      })),
    }),
  };
  return checkDocument(document, file);
}
