import { z } from 'zod';
import { IterationSchema } from './iteration.js';
import {
  BenchmarkConfigSchema,
  DeviceInfoSchema,
  MetadataSchema,
  ModelSchema,
} from './metadata.js';
import { ResultsSchema } from './results.js';
import { count, FaultSchema, UnavailableSchema, WarningSchema } from './values.js';

export const SCHEMA_ID = 'npu-bench/result';
export const SCHEMA_VERSION = 1;

export const StatusSchema = z
  .enum(['complete', 'partial', 'failed'])
  .describe('partial: interrupted or with failed iterations; what was measured is valid')
  .meta({ id: 'status' });

/** One case of a sweep: its own workload and results; the rest is the document's metadata. */
export const CaseSchema = z
  .looseObject({
    id: z.string().describe('unique in the document, e.g. "batch_size=4"'),
    label: z.string().optional(),
    run: count.optional().describe('repetition of the whole sweep, from 1; same label in each'),
    timestamp: z.iso.datetime({ offset: true }).optional(),
    device: z.string().optional(),
    device_info: DeviceInfoSchema.optional(),
    model: ModelSchema.optional(),
    benchmark_config: BenchmarkConfigSchema,
    environment: z.record(z.string(), z.unknown()).optional(),
    status: StatusSchema.default('complete'),
    results: ResultsSchema,
    iterations: z.array(IterationSchema),
    unavailable: z.array(UnavailableSchema).default([]),
    warnings: z.array(WarningSchema).default([]),
    faults: z.array(FaultSchema).optional(),
  })
  .meta({ id: 'case' });

/**
 * The result document: the specification's JSON, and what was added to it. Keys that are not
 * listed are kept. A document of one case has `results` and `iterations` at the top. A sweep lists
 * every case in full under `cases`; its top level repeats the first case's results without the
 * iterations, so that a reader of the plain form still finds a valid document.
 */
export const ResultDocumentSchema = z.looseObject({
  schema: z
    .looseObject({ id: z.literal(SCHEMA_ID), version: z.number().int().min(1) })
    .default({ id: SCHEMA_ID, version: SCHEMA_VERSION }),
  status: StatusSchema.default('complete'),
  metadata: MetadataSchema,
  results: ResultsSchema,
  iterations: z.array(IterationSchema),
  cases: z.array(CaseSchema).min(1).optional(),
  unavailable: z.array(UnavailableSchema).default([]),
  warnings: z.array(WarningSchema).default([]),
  faults: z.array(FaultSchema).optional().describe('what ended the run, beyond one iteration'),
});

export type Status = z.infer<typeof StatusSchema>;
export type CaseRecord = z.infer<typeof CaseSchema>;
export type ResultDocument = z.infer<typeof ResultDocumentSchema>;

/**
 * The cases of a document, each as a document of its own: the document itself, or one per entry of
 * `cases` with the metadata that it replaces and its name as the label.
 */
export function casesOf(document: ResultDocument): ResultDocument[] {
  const { cases, ...rest } = document;
  if (cases === undefined) return [document];
  return cases.map((entry) => ({
    ...rest,
    status: entry.status,
    metadata: {
      ...rest.metadata,
      timestamp: entry.timestamp ?? rest.metadata.timestamp,
      environment: entry.environment ?? rest.metadata.environment,
      device: entry.device ?? rest.metadata.device,
      device_info: entry.device_info ?? rest.metadata.device_info,
      model: entry.model ?? rest.metadata.model,
      benchmark_config: entry.benchmark_config,
      label: entry.label ?? entry.id,
      ...(entry.run === undefined ? {} : { run: entry.run }),
    },
    results: entry.results,
    iterations: entry.iterations,
    unavailable: entry.unavailable,
    warnings: entry.warnings,
    faults: entry.faults,
    ...(entry.soundness === undefined ? {} : { soundness: entry.soundness }),
  }));
}
