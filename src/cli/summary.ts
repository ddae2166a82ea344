import type { ResultDocument } from '../schema/document.js';
import type { ColdStart } from '../schema/iteration.js';
import type { StatisticBlock } from '../schema/values.js';
import { blockText, figure, wrap } from './format.js';

const WIDTH = 80;
const LABEL_WIDTH = 20;

function line(label: string, value: string): string {
  return `  ${`${label}:`.padEnd(LABEL_WIDTH)}${value}`;
}

function interval(block: StatisticBlock, unit: string): string {
  if ((block.n ?? 0) < 5 || block.ci95_low === undefined || block.ci95_high === undefined)
    return '';
  return `  (95 %: ${figure(block.ci95_low)} to ${figure(block.ci95_high)} ${unit})`;
}

function reasonOf(document: ResultDocument, metric: string): string {
  const entry = document.unavailable.find((candidate) => candidate.metric === metric);
  return `not available${entry === undefined ? '' : `: ${entry.reason}`}`;
}

/** One metric of the block, or why it is missing. */
function metricLine(
  document: ResultDocument,
  label: string,
  metric: string,
  block: StatisticBlock | null | undefined,
  unit: string,
): string {
  if (!block) {
    const indent = ' '.repeat(LABEL_WIDTH + 2);
    return line(label, wrap(reasonOf(document, metric), WIDTH - indent.length, indent));
  }
  return line(label, `${blockText(block, unit)}${interval(block, unit)}`);
}

function metricLines(document: ResultDocument): string[] {
  const { latency, throughput, memory, power, efficiency } = document.results;
  const encoder = Boolean(throughput.queries_per_second);
  const row = (...args: [string, string, StatisticBlock | null | undefined, string]) =>
    metricLine(document, ...args);
  const lines = [row('Cold Start', 'latency.cold_start_ms', latency.cold_start_ms, 'ms')];
  if (document.results.graphs) {
    lines.push(
      row('Execution', 'latency.execution_ms', latency.execution_ms, 'ms'),
      row(
        'Throughput',
        'throughput.executions_per_second',
        throughput.executions_per_second,
        'executions/sec',
      ),
    );
  } else if (encoder) {
    lines.push(
      row('Batch Latency', 'latency.first_token_ms', latency.first_token_ms, 'ms'),
      row(
        'Throughput',
        'throughput.queries_per_second',
        throughput.queries_per_second,
        'queries/sec',
      ),
    );
  } else {
    lines.push(
      row('First Token', 'latency.first_token_ms', latency.first_token_ms, 'ms'),
      row('Subsequent Token', 'latency.subsequent_token_ms', latency.subsequent_token_ms, 'ms'),
      row('Throughput', 'throughput.tokens_per_second', throughput.tokens_per_second, 'tokens/sec'),
    );
    if (throughput.tokens_per_second_after_first) {
      lines.push(
        row('  after first', '', throughput.tokens_per_second_after_first, 'tokens/sec'),
        row('  prefill', '', throughput.prefill_tokens_per_second, 'tokens/sec'),
      );
    }
  }
  lines.push(
    row('Peak Memory', 'memory.peak_memory_usage_mb', memory?.peak_memory_usage_mb, 'MB'),
    row('Avg Power', 'power.average_power_w', power?.average_power_w, 'W'),
  );
  if (efficiency?.joules_per_token) {
    lines.push(row('Energy per Token', '', efficiency.joules_per_token, 'J'));
  }
  return lines;
}

type ColdPart =
  | 'process_start_ms'
  | 'addon_load_ms'
  | 'device_open_ms'
  | 'weights_read_ms'
  | 'pack_compile_ms'
  | 'first_prefill_ms';

function coldStartParts(document: ResultDocument): string | undefined {
  const starts: ColdStart[] = [];
  for (const { cold_start } of document.iterations) if (cold_start) starts.push(cold_start);
  const [first] = starts;
  if (first === undefined) return undefined;
  const mean = (key: ColdPart) =>
    starts.reduce((sum, start) => sum + (start[key] ?? 0), 0) / starts.length;
  const parts = [
    `process ${figure(mean('process_start_ms') + mean('addon_load_ms'))}`,
    `device ${figure(mean('device_open_ms'))}`,
    `weights ${figure(mean('weights_read_ms'))}`,
    `pack/compile ${figure(mean('pack_compile_ms'))}`,
    `first ${document.results.graphs ? 'execution' : 'prefill'} ${figure(mean('first_prefill_ms'))} ms`,
  ];
  const { page_cache: page, packed_cache: packed, kernel_cache: kernels } = first;
  const state = page === 'dropped' || page === 'kept' ? `; file cache ${page}` : '';
  const fromDisk = [
    ...(packed === 'hit' ? ['packed weights'] : []),
    ...(kernels === 'hit' ? ['compiled kernels'] : []),
  ];
  const disk = fromDisk.length > 0 ? `; ${fromDisk.join(' and ')} from disk` : '';
  return `    = ${parts.join(' + ')}${state}${disk}`;
}

function accuracyLines(document: ResultDocument): string[] {
  const { accuracy } = document.results;
  if (!accuracy) return [];
  if (accuracy.top1_agreement != null) {
    return [
      line(
        'Accuracy',
        `${figure(100 * accuracy.top1_agreement)} % same best token as the exact reference, KL ${figure(accuracy.kl_divergence ?? 0)}`,
      ),
    ];
  }
  return accuracy.embedding_cosine == null
    ? []
    : [line('Accuracy', `cosine ${accuracy.embedding_cosine.toFixed(6)} to the exact reference`)];
}

/** Each graph of a context binary by itself, with what the runtime's profile says about it. */
function graphLines(document: ResultDocument): string[] {
  return (document.results.graphs ?? []).map((graph) => {
    const { execution_ms: all, accelerator_ms: own, rpc_ms: rpc, host_ms: host } = graph;
    const parts = [
      ...(own ? [`accelerator ${figure(own.mean)}`] : []),
      ...(rpc ? [`RPC ${figure(rpc.mean)}`] : []),
      ...(host ? [`host ${figure(host.mean)}`] : []),
    ];
    const whole = all ? `${figure(all.mean)} ms, median ${figure(all.median)}` : 'no time';
    const split = parts.length > 0 ? `; ${parts.join(' + ')}` : '';
    return `    ${graph.name}: ${whole}${split}`;
  });
}

/** Longest lines of a profile; the document has all of them. */
const PROFILE_LINES = 12;

function profileLines(document: ResultDocument): string[] {
  const { profile } = document.results as { profile?: { node: string; total_ms: number }[] };
  if (!document.results.graphs || !profile?.length) return [];
  const whole = profile.reduce((sum, entry) => sum + entry.total_ms, 0);
  const longest = [...profile].sort((a, b) => b.total_ms - a.total_ms).slice(0, PROFILE_LINES);
  return [
    line('Longest Nodes', `of ${profile.length}, by share of the accelerator's time`),
    ...longest.map(({ node, total_ms: ms }) => {
      const share = whole > 0 ? (100 * ms) / whole : 0;
      return `    ${`${figure(share)} %`.padStart(8)}  ${node}`;
    }),
  ];
}

/** Where the time of a decode step went, for devices that can tell. */
function overheadLines(document: ResultDocument): string[] {
  const { overhead } = document.results;
  if (document.results.graphs) return [...graphLines(document), ...profileLines(document)];
  if (!overhead) return [];
  const parts = (['transfer', 'dispatch', 'execute', 'synchronize'] as const).flatMap((name) => {
    const block = overhead[`${name}_ms`];
    return block ? [`${name} ${figure(block.mean)}`] : [];
  });
  return parts.length < 2 ? [] : [line('Each Token', `${parts.join(' + ')} ms`)];
}

/** What Genie says of its last query, beside our times, and how far the first tokens differ. */
function runtimeLines(document: ResultDocument): string[] {
  const last = document.iterations.at(-1);
  const told = last?.runtime_figures;
  if (!last || !told) return [];
  const parts = Object.entries(told).map(([name, value]) => `${name} ${figure(value)}`);
  const own = told['time-to-first-token (us)'];
  const gap =
    own === undefined || last.first_token_ms == null
      ? []
      : [
          `    first token: ours ${figure(last.first_token_ms)} ms, Genie's ${figure(own / 1000)} ms`,
        ];
  return [
    line("Genie's Own", 'its last query, by its own clock'),
    ...parts.map((one) => `    ${one}`),
    ...gap,
  ];
}

function soundnessLine(document: ResultDocument): string[] {
  const { score, verdict } = (document.soundness ?? {}) as { score?: number; verdict?: string };
  return score === undefined ? [] : [line('Soundness', `${score} of 100 (${verdict})`)];
}

function noteLines(document: ResultDocument): string[] {
  const notes = [
    ...(document.faults ?? []).map((fault) => `Fault (${fault.code}): ${fault.message}`),
    ...document.warnings.map(
      (entry) =>
        `Warning (${entry.code}): ${entry.message}${entry.action === undefined ? '' : ` ${entry.action}`}`,
    ),
  ];
  return notes.length === 0 ? [] : ['', ...notes.map((note) => wrap(note, WIDTH - 2, '  '))];
}

/** The specification's block for one run, and below it what a reader must know about it. */
export function summaryText(document: ResultDocument): string {
  const { metadata, iterations } = document;
  const { model, benchmark_config: config, device_info: device } = metadata;
  const weights = model.weights === 'synthetic' ? ', synthetic weights' : '';
  const cold = coldStartParts(document);
  const lines = metricLines(document);
  if (cold !== undefined) lines.splice(1, 0, cold);
  const done =
    iterations.length === config.iterations ? '' : `, ${iterations.length} of them finished`;
  return [
    `Device Configuration: ${model.name} (${model.quantization}${weights})`,
    config.graphs
      ? `Graphs: ${config.graphs.join(', ')}, Executions: ${config.executions} of each`
      : `Input: ${config.input_length} tokens, Output: ${config.output_length} tokens`,
    `Batch Size: ${config.batch_size}, Iterations: ${config.iterations}${done}, Warmup: ${config.warmup_iterations}`,
    '',
    `${metadata.device.toUpperCase()} (${device.name}; ${device.backend}):`,
    ...lines,
    ...overheadLines(document),
    ...runtimeLines(document),
    ...accuracyLines(document),
    ...soundnessLine(document),
    ...noteLines(document),
  ].join('\n');
}
