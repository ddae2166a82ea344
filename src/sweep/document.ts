import {
  type CaseRecord,
  type ResultDocument,
  SCHEMA_ID,
  SCHEMA_VERSION,
  type Status,
} from '../schema/document.js';

/** A case that was left out under --skip-unavailable. */
export interface SkippedCase {
  readonly id: string;
  readonly reason: string;
}

/** One process of a sweep, in the order in which they were started. */
export interface SweepStep {
  readonly case: string;
  readonly run: number;
  readonly iterations: readonly number[];
  readonly started_at: string;
}

/** How a sweep was made: kept in the document, and compared when it is resumed. */
export interface SweepRecord {
  readonly axes: Readonly<Record<string, readonly string[]>>;
  /** Options of `run` that all cases share, as they were given. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly order: string;
  readonly order_seed: number;
  readonly runs: number;
  readonly steps: readonly SweepStep[];
  readonly skipped: readonly SkippedCase[];
}

/** A document of one case as an entry of a sweep. */
export function caseRecord(
  document: ResultDocument,
  names: { id: string; label: string; run?: number },
): CaseRecord {
  const { metadata } = document;
  return {
    ...names,
    timestamp: metadata.timestamp,
    device: metadata.device,
    device_info: metadata.device_info,
    model: metadata.model,
    benchmark_config: metadata.benchmark_config,
    ...(metadata.environment === undefined ? {} : { environment: metadata.environment }),
    status: document.status,
    results: document.results,
    iterations: document.iterations,
    unavailable: document.unavailable,
    warnings: document.warnings,
    ...(document.faults === undefined ? {} : { faults: document.faults }),
    ...(document.soundness === undefined ? {} : { soundness: document.soundness }),
  };
}

function statusOf(cases: readonly CaseRecord[], planned: number): Status {
  if (cases.length === planned && cases.every((entry) => entry.status === 'complete')) {
    return 'complete';
  }
  return cases.some((entry) => entry.iterations.length > 0) ? 'partial' : 'failed';
}

/**
 * The document of a sweep from those of its cases, at least one. Its top level is the first case's,
 * without iterations, for readers that know nothing of cases.
 */
export function sweepDocument(
  cases: readonly CaseRecord[],
  base: ResultDocument,
  sweep: SweepRecord,
  planned: number,
): ResultDocument {
  const first = cases[0] as CaseRecord;
  return {
    schema: { id: SCHEMA_ID, version: SCHEMA_VERSION },
    status: statusOf(cases, planned),
    metadata: {
      ...base.metadata,
      timestamp: first.timestamp ?? base.metadata.timestamp,
      device: first.device ?? base.metadata.device,
      device_info: first.device_info ?? base.metadata.device_info,
      model: first.model ?? base.metadata.model,
      benchmark_config: first.benchmark_config,
    },
    results: first.results,
    iterations: [],
    cases: [...cases],
    unavailable: first.unavailable,
    warnings: first.warnings,
    sweep,
  };
}
