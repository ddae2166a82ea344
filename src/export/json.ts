import {
  type Iteration,
  type Metadata,
  type Metric,
  type ResultDocument,
  type Results,
  serializeDocument,
} from '../schema/index.js';
import { toolVersion } from '../version.js';
import type { ReportCase, ReportInput } from './cases.js';
import { batchScaling, compareDevices } from './combined.js';
import { FIGURES, figureOf, figuresOf } from './figures.js';
import { normalizeFigure, type Reference } from './normalize.js';

export const REPORT_SCHEMA_ID = 'npu-bench/report';

/** What a filter keeps of an iteration beside its samples: it says which one it was. */
const ITERATION_IDENTITY = new Set(['iteration', 'process', 'output_tokens', 'finish_reason']);

/** System and environment are left out unless they are asked for; model and workload stay. */
function reduceMetadata(metadata: Metadata): Metadata {
  const { system_info: _, environment: __, ...rest } = metadata;
  return { ...rest, system_info: {} };
}

function filterResults(document: ResultDocument, metrics: readonly Metric[]): Results {
  const results: Results = { latency: {}, throughput: {} };
  for (const metric of metrics) {
    const { block, scalar } = figureOf(document, metric);
    const [group, name] = metric.id.split('.') as [string, string];
    const source = document.results[group] as Record<string, unknown> | null | undefined;
    if (source == null || !Object.hasOwn(source, name)) continue;
    const target = (results[group] ?? {}) as Record<string, unknown>;
    target[name] = block ?? scalar ?? null;
    results[group] = target;
  }
  return results;
}

function filterIteration(iteration: Iteration, metrics: readonly Metric[]): Iteration {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(iteration)) {
    if (ITERATION_IDENTITY.has(key)) kept[key] = value;
  }
  for (const metric of metrics) {
    if (metric.id === 'latency.token_ms' && iteration.token_ms) kept.token_ms = iteration.token_ms;
    const [first, second] = (metric.sample ?? '').split('.');
    if (!first || iteration[first] === undefined) continue;
    if (second === undefined) {
      kept[first] = iteration[first];
      continue;
    }
    const source = iteration[first] as Record<string, unknown> | null;
    if (source?.[second] === undefined) continue;
    kept[first] = { ...(kept[first] as object | undefined), [second]: source[second] };
  }
  return kept as Iteration;
}

export interface JsonOptions {
  readonly includeMetadata: boolean;
  readonly metrics: readonly Metric[];
  readonly references?: readonly Reference[];
}

function reduceOne<
  T extends Pick<ResultDocument, 'results' | 'iterations' | 'unavailable'> & object,
>(entry: T, whole: ResultDocument, metrics: readonly Metric[]): T {
  const ids = new Set(metrics.map(({ id }) => id));
  return {
    ...entry,
    results: filterResults(whole, metrics),
    iterations: entry.iterations.map((iteration) => filterIteration(iteration, metrics)),
    unavailable: entry.unavailable.filter(({ metric }) => ids.has(metric)),
  };
}

function reduceDocument(document: ResultDocument, options: JsonOptions): ResultDocument {
  const metadata = options.includeMetadata ? document.metadata : reduceMetadata(document.metadata);
  const reduced = { ...document, metadata };
  if (options.metrics.length === FIGURES.length) return reduced;
  const filtered = reduceOne(reduced, document, options.metrics);
  if (!document.cases) return filtered;
  return {
    ...filtered,
    cases: document.cases.map((entry) =>
      reduceOne(entry, { ...document, results: entry.results }, options.metrics),
    ),
  };
}

function normalizedPart(entry: ReportCase, reference: Reference, metrics: readonly Metric[]) {
  const rows = figuresOf(entry.document, metrics).flatMap((figure) => {
    const normalized = normalizeFigure(figure, reference);
    if (!normalized) return [];
    const { metric, block, ...rest } = normalized;
    return [[metric.id, { ...rest, ...block }] as const];
  });
  return {
    reference: reference.label,
    ratio: 'median ÷ reference; improvement is turned so that above 1 is better',
    ...(reference.notes.length > 0 && { notes: reference.notes }),
    metrics: Object.fromEntries(rows),
  };
}

/** The combined tables of several cases, as numbers. */
function combinedTables(cases: readonly ReportCase[]) {
  const comparisons = compareDevices(cases).map(({ workload, reference, devices }) => ({
    workload,
    reference: reference.name,
    devices: devices.map(({ name, cases: runs, ratios }) => ({
      name,
      files: runs.map(({ file }) => file),
      ratios: ratios.map(({ label, ratio, formula }) => ({ label, ratio, formula })),
    })),
  }));
  const scaling = batchScaling(cases).map(({ title, steps }) => ({
    title,
    steps: steps.map((step) => ({
      batch_size: step.batchSize,
      runs: step.runs,
      ...Object.fromEntries(step.figures),
      ...(step.efficiency !== undefined && { scaling_efficiency: step.efficiency }),
    })),
  }));
  return {
    ...(comparisons.length > 0 && { device_comparison: comparisons }),
    ...(scaling.length > 0 && { batch_scaling: scaling }),
  };
}

/** One by one: a thousand documents as one value would be held in memory several times over. */
function indented(value: object): string {
  return serializeDocument(value as ResultDocument).trimEnd();
}

/**
 * One input stays a result document. Several make one object that holds every document in full and
 * the combined tables. `normalized` stands beside the figures and never replaces them.
 */
export function renderJson(
  inputs: readonly ReportInput[],
  cases: readonly ReportCase[],
  options: JsonOptions,
): string {
  const parts = options.references?.map((reference, index) =>
    normalizedPart(cases[index] as ReportCase, reference, options.metrics),
  );
  if (inputs.length === 1) {
    const reduced = reduceDocument((inputs[0] as ReportInput).document, options);
    if (!parts) return serializeDocument(reduced);
    const normalized =
      parts.length === 1
        ? parts[0]
        : parts.map((part, index) => ({ case: cases[index]?.label, ...part }));
    return serializeDocument({ ...reduced, normalized });
  }
  let first = 0;
  const documents = inputs.map((input) => {
    const count = input.document.cases?.length ?? 1;
    const own = parts?.slice(first, first + count);
    const labels = cases.slice(first, first + count).map(({ label }) => label);
    first += count;
    return indented({
      file: input.file,
      labels,
      ...(own && { normalized: own.length === 1 ? own[0] : own }),
      document: reduceDocument(input.document, options),
    });
  });
  const head = indented({
    schema: { id: REPORT_SCHEMA_ID, version: 1 },
    tool: { name: 'npu-bench', version: toolVersion() },
    ...combinedTables(cases),
  });
  return `${head.replace(/\n\s*\}$/u, '')},\n  "documents": [\n${documents.join(',\n')}\n  ]\n}\n`;
}
