import { basename } from 'node:path';
import { casesOf, type ResultDocument } from '../schema/index.js';

/** A document and the name of the file that it was read from; the name is only shown. */
export interface ReportInput {
  readonly file: string;
  readonly document: ResultDocument;
}

/** One measured case of a report: a document of one case, with a name that tells it from the others. */
export interface ReportCase extends ReportInput {
  readonly label: string;
}

const DEVICE_NAMES: Record<string, string> = { npu: 'NPU', cpu: 'CPU', gpu: 'GPU' };

export function deviceName(device: string): string {
  return DEVICE_NAMES[device] ?? device;
}

/** The parts of a case that can tell it from another one, most telling first. */
function traits({ metadata }: ResultDocument): string[] {
  const { model, benchmark_config: config } = metadata;
  return [
    model.name,
    model.quantization ?? '',
    deviceName(metadata.device),
    metadata.device_info.backend ?? metadata.device_info.name,
    `batch ${config.batch_size}`,
    `input ${config.input_length}`,
    `output ${config.output_length}`,
    config.threads == null ? '' : `${config.threads} threads`,
  ];
}

/**
 * The traits that are needed to tell the cases apart: a trait that varies is left out where those
 * before it say as much already, as a backend does beside its device.
 */
function tellingTraits(all: readonly string[][]): number[] {
  const chosen: number[] = [];
  let distinct = 1;
  for (let index = 0; index < (all[0]?.length ?? 0); index++) {
    const names = new Set(all.map((one) => [...chosen, index].map((k) => one[k]).join('\n')));
    if (names.size > distinct) {
      chosen.push(index);
      distinct = names.size;
    }
  }
  return chosen;
}

/**
 * All cases of the inputs in their order. A label that the user gave wins; the others are made of
 * the traits that tell the cases apart, and of the file name where those are equal.
 */
export function collectCases(inputs: readonly ReportInput[]): ReportCase[] {
  const found = inputs.flatMap(({ file, document }) =>
    casesOf(document).map((entry) => ({ file, document: entry, traits: traits(entry) })),
  );
  const telling = tellingTraits(found.map((entry) => entry.traits));
  const labels = found.map((entry) => {
    const parts = telling.map((index) => entry.traits[index]).filter((part) => part !== '');
    const { label, run } = entry.document.metadata;
    const name = label ?? parts.join(' · ');
    // Repetitions of a sweep share their label.
    return typeof run === 'number' ? `${name} · run ${run}` : name;
  });
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return found.map(({ file, document }, index) => {
    const label = labels[index] as string;
    const name = basename(file).replace(/\.json$/u, '');
    if (found.length === 1) return { file, document, label: label || name };
    if (counts.get(label) === 1 && label !== '') return { file, document, label };
    return { file, document, label: label === '' ? name : `${label} (${name})` };
  });
}

/** What must agree for two cases to be the same work; devices may differ. */
export function workloadKey({ metadata }: ResultDocument): string {
  const { model, benchmark_config: config } = metadata;
  return JSON.stringify([
    model.name,
    model.quantization ?? null,
    config.batch_size,
    config.input_length,
    config.output_length,
    config.graphs ?? null,
  ]);
}

/** "512 tokens in, 128 out, batch 1". */
export function describeWorkload(document: ResultDocument): string {
  const config = document.metadata.benchmark_config;
  if (config.graphs) return `${config.executions} executions of ${config.graphs.join(', ')}`;
  const output = isEmbedding(document) ? '' : `, ${config.output_length} out`;
  return `${config.input_length} tokens in${output}, batch ${config.batch_size}`;
}

/** The quantization, unless the name of the model says it already. */
export function quantizationBeside({ metadata: { model } }: ResultDocument): string | undefined {
  const { name, quantization } = model;
  if (!quantization || name.toLowerCase().includes(quantization.toLowerCase())) return undefined;
  return quantization;
}

/** "llama-7b, int8". */
export function describeModel(document: ResultDocument): string {
  const quantization = quantizationBeside(document);
  const { name } = document.metadata.model;
  return quantization ? `${name}, ${quantization}` : name;
}

/** An embedding run has a rate of queries and no tokens after the first. */
export function isEmbedding(document: ResultDocument): boolean {
  return document.results.throughput.queries_per_second != null;
}

export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}
