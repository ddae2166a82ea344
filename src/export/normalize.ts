import { NpuBenchError } from '../errors.js';
import type { Metric, ResultDocument, StatisticBlock } from '../schema/index.js';
import { deviceName, type ReportCase, workloadKey } from './cases.js';
import { centerOf, type Figure, figureOf } from './figures.js';
import { PUBLISHED_REFERENCE, publishedFits } from './published.js';

/** What the figures of one case are divided by. */
export interface Reference {
  readonly label: string;
  /** The reference's value of a metric; undefined where it has none, or zero. */
  valueOf(metric: Metric): number | undefined;
  /** What differs between the case and its reference beside the device, in words. */
  readonly notes: readonly string[];
}

export interface Normalized {
  readonly metric: Metric;
  readonly reference: number;
  /** Value ÷ reference, of the medians. */
  readonly ratio: number;
  /** The same turned so that above 1 is better; absent where no direction is better. */
  readonly improvement?: number;
  /** The statistic block divided by the reference, for figures that have one. */
  readonly block?: StatisticBlock;
}

function workloadDifferences(document: ResultDocument, other: ResultDocument): string[] {
  const parts = ({ metadata: { model, benchmark_config: config } }: ResultDocument) => ({
    model: model.name,
    quantization: model.quantization ?? 'unknown',
    batch_size: config.batch_size,
    input_length: config.input_length,
    output_length: config.output_length,
  });
  const [own, theirs] = [parts(document), parts(other)];
  return (Object.keys(own) as (keyof typeof own)[])
    .filter((key) => own[key] !== theirs[key])
    .map((key) => `${key} ${own[key]} here, ${theirs[key]} in the reference`);
}

function documentReference(entry: ReportCase, own: ResultDocument): Reference {
  return {
    label: entry.label,
    valueOf: (metric) => centerOf(figureOf(entry.document, metric)) || undefined,
    notes: workloadDifferences(own, entry.document),
  };
}

function publishedReference({ metadata }: ResultDocument): Reference {
  const config = metadata.benchmark_config;
  const { batchSize, inputLength, outputLength } = PUBLISHED_REFERENCE;
  const notes = ['the published figures were not measured by this tool'];
  for (const [key, own, theirs] of [
    ['batch_size', config.batch_size, batchSize],
    ['input_length', config.input_length, inputLength],
    ['output_length', config.output_length, outputLength],
  ] as const) {
    if (own !== theirs) notes.push(`${key} ${own} here, ${theirs} in the reference`);
  }
  return {
    label: PUBLISHED_REFERENCE.label,
    valueOf: (metric) => PUBLISHED_REFERENCE.figures.get(metric.id),
    notes,
  };
}

function fail(message: string): never {
  throw new NpuBenchError('NO_REFERENCE', message);
}

/** The reference case of the same workload among the cases of one device. */
function matching(own: ReportCase, candidates: readonly ReportCase[]): ReportCase | undefined {
  const key = workloadKey(own.document);
  return candidates.find((entry) => workloadKey(entry.document) === key);
}

function byDevice(cases: readonly ReportCase[], name: string): Reference[] {
  const wanted = name.toLowerCase();
  const named = cases.filter(({ document: { metadata }, label }) =>
    [metadata.device, metadata.device_info.name, metadata.device_info.backend, label].some(
      (text) => text?.toLowerCase() === wanted,
    ),
  );
  if (named.length === 0) {
    const devices = [...new Set(cases.map((entry) => entry.document.metadata.device))].join(', ');
    fail(
      `--reference ${JSON.stringify(name)} is neither a file nor a device or label of the inputs (devices: ${devices}).`,
    );
  }
  return cases.map((own) => {
    const found = matching(own, named) ?? (named.length === 1 ? named[0] : undefined);
    if (!found) {
      const differences = workloadDifferences(own.document, (named[0] as ReportCase).document);
      fail(
        `${own.file}: no ${deviceName(name)} result among the inputs has the same workload (${differences.join('; ')}); add one or name a --reference file.`,
      );
    }
    return documentReference(found, own.document);
  });
}

/**
 * One reference per case. A document given as the reference wins; then a device or label among the
 * inputs; without either, the CPU among the inputs where every case has one of its own workload,
 * and the specification's published figures where model and quantisation fit. Anything else is an
 * NpuBenchError (exit code 2).
 */
export function referencesFor(
  cases: readonly ReportCase[],
  reference?: string | readonly ReportCase[],
): Reference[] {
  if (typeof reference === 'string') return byDevice(cases, reference);
  if (reference) {
    return cases.map((own) => {
      const found = matching(own, reference) ?? (reference.length === 1 ? reference[0] : undefined);
      if (!found) {
        fail(
          `${reference[0]?.file ?? 'The reference'} has ${reference.length} cases, and none has the workload of ${own.file}; name a document of one case.`,
        );
      }
      return documentReference(found, own.document);
    });
  }
  const cpus = cases.filter((entry) => entry.document.metadata.device === 'cpu');
  if (cpus.length > 0 && cpus.length < cases.length) {
    const matched = cases.map((own) => matching(own, cpus));
    if (matched.every((entry) => entry !== undefined)) {
      return matched.map((entry, index) =>
        documentReference(entry, (cases[index] as ReportCase).document),
      );
    }
  }
  return cases.map((own) => {
    if (!publishedFits(own.document)) {
      const { name, quantization } = own.document.metadata.model;
      fail(
        `${own.file}: --normalize finds no reference for ${name}${quantization ? ` (${quantization})` : ''}; add the CPU result of the same workload to the inputs, or name one with --reference FILE (the published figures are of LLaMA 7B int8 only).`,
      );
    }
    return publishedReference(own.document);
  });
}

function divideBlock(block: StatisticBlock, by: number): StatisticBlock {
  const { outliers, n, ...values } = block;
  const divided = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      typeof value === 'number' ? value / by : value,
    ]),
  ) as StatisticBlock;
  return {
    ...divided,
    ...(n !== undefined && { n }),
    ...(outliers !== undefined && { outliers }),
  };
}

/** A figure as a multiple of its reference; undefined where either of them is missing. */
export function normalizeFigure(figure: Figure, reference: Reference): Normalized | undefined {
  const value = centerOf(figure);
  const by = reference.valueOf(figure.metric);
  if (value === undefined || by === undefined) return undefined;
  const ratio = value / by;
  const { direction } = figure.metric;
  const better = direction === 'lower' ? 1 / ratio : direction === 'higher' ? ratio : undefined;
  return {
    metric: figure.metric,
    reference: by,
    ratio,
    ...(better !== undefined && Number.isFinite(better) && { improvement: better }),
    ...(figure.block && { block: divideBlock(figure.block, by) }),
  };
}
