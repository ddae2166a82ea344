import type { ResultDocument } from '../schema/index.js';
import { describeWorkload, deviceName, isEmbedding, quantizationBeside } from './cases.js';
import { soundnessText } from './extras.js';
import { meanOf } from './figures.js';
import { formatCount, formatTimestamp, plural, quantityText } from './format.js';

export type Fact = readonly [name: string, value: string];

function fact(name: string, value: string | number | null | undefined): Fact[] {
  return value === null || value === undefined || value === '' ? [] : [[name, String(value)]];
}

/** "Qualcomm Hexagon NPU", or "CPU: ARM Cortex-X1" where the name does not tell the kind. */
export function describeDevice({ metadata }: ResultDocument): string {
  const kind = deviceName(metadata.device);
  const { name, backend } = metadata.device_info;
  const words = name.toLowerCase().split(/\W+/u);
  const named = words.includes(kind.toLowerCase()) ? name : `${kind}: ${name}`;
  return backend ? `${named} (${backend})` : named;
}

/** What was measured on what: shown in every report. */
export function subjectFacts(document: ResultDocument): Fact[] {
  const { metadata } = document;
  const { model, device_info: info, benchmark_config: config } = metadata;
  const parameters = model.parameters ? `, ${formatCount(model.parameters)} parameters` : '';
  const weights = model.weights ? `; weights: ${model.weights}` : '';
  const process = config.processes ? ` in ${plural(config.processes, 'process', 'processes')}` : '';
  return [
    ['Model', `${model.name}${parameters}`],
    ...fact(
      'Quantization',
      model.quantization &&
        `${model.quantization}${model.bits_per_weight ? ` (${model.bits_per_weight.toFixed(2)} bits per weight)` : ''}${weights}`,
    ),
    ['Device', describeDevice(document)],
    ...fact('SoC', info.soc),
    [
      'Workload',
      config.graphs
        ? describeWorkload(document)
        : `${plural(config.input_length, 'token')} in${isEmbedding(document) ? ', one embedding out' : `, ${config.output_length} out`}, batch ${config.batch_size}`,
    ],
    [
      'Repetitions',
      `${plural(config.iterations, 'iteration')}${process}, ${config.warmup_iterations} for warm-up before each`,
    ],
    ...fact('Threads', config.threads),
    ...fact('Precision', config.precision),
    ...fact('Soundness', soundnessText(document)),
    ['Measured', formatTimestamp(metadata.timestamp)],
  ];
}

function flatten(prefix: string, value: unknown, depth: number): Fact[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) {
    const text = value.map((entry) => (typeof entry === 'object' ? '…' : String(entry))).join(', ');
    return text === '' ? [] : [[prefix, text.length > 400 ? `${text.slice(0, 399)}…` : text]];
  }
  if (typeof value !== 'object') return [[prefix, String(value)]];
  if (depth > 4) return [];
  return Object.entries(value).flatMap(([key, entry]) =>
    flatten(prefix === '' ? key : `${prefix}.${key}`, entry, depth + 1),
  );
}

const LIST_LIMIT = 200;

/** System, environment and the rest of the metadata, for `--include-metadata`. */
export function metadataFacts({ metadata }: ResultDocument): Fact[] {
  const { prompt_tokens: _, ...config } = metadata.benchmark_config;
  return [
    ...flatten('', { model: metadata.model }, 0),
    ...flatten('', { device_info: metadata.device_info }, 0),
    ...flatten('', { benchmark_config: config }, 0),
    ...flatten('', { system_info: metadata.system_info }, 0),
    ...flatten('', { tool: metadata.tool, environment: metadata.environment }, 0),
  ].slice(0, LIST_LIMIT);
}

/** One or two sentences that say what the figures come to. */
export function summarySentence(document: ResultDocument): string {
  const value = (id: string, unit: string) => {
    const mean = meanOf(document, id);
    return mean === undefined ? undefined : quantityText(mean, unit);
  };
  const first = value('latency.first_token_ms', 'ms');
  const cold = value('latency.cold_start_ms', 'ms');
  const memory = value('memory.peak_memory_usage_mb', 'MB');
  const power = value('power.average_power_w', 'W');
  const energy = value('efficiency.joules_per_token', 'J/token');
  const speed: string[] = [];
  if (document.results.graphs) {
    const each = value('latency.execution_ms', 'ms');
    if (each) speed.push(`takes ${each} for an execution`);
  } else if (isEmbedding(document)) {
    const rate = value('throughput.queries_per_second', 'queries/s');
    speed.push(`embeds ${rate}${first ? ` (${first} a call)` : ''}`);
  } else {
    const rate = value('throughput.tokens_per_second_after_first', 'tokens/s');
    const overall = value('throughput.tokens_per_second', 'tokens/s');
    if (first) speed.push(`answers with a first token after ${first}`);
    if (rate) speed.push(`then generates ${rate}`);
    else if (overall) speed.push(`generates ${overall}`);
  }
  if (cold) speed.push(`needs ${cold} from a cold start`);
  const cost = [memory && `${memory} of memory`, power && `${power} on average`].filter(Boolean);
  const { model, device } = document.metadata;
  const quantization = quantizationBeside(document);
  const subject = `${model.name}${quantization ? ` (${quantization})` : ''}`;
  const parts = speed.length > 0 ? joinList(speed) : 'has no timing';
  const second =
    cost.length > 0 ? ` It takes ${joinList(cost as string[])}${energy ? `: ${energy}` : ''}.` : '';
  return `On the ${deviceName(device)}, ${subject} ${parts}.${second}`;
}

function joinList(parts: readonly string[]): string {
  if (parts.length < 2) return parts[0] ?? '';
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
