import type { NativeOpProfile } from '../native/binding.js';
import { type ResultDocument, SCHEMA_ID, SCHEMA_VERSION, type Status } from '../schema/document.js';
import type { Iteration } from '../schema/iteration.js';
import type { BenchmarkConfig, Metadata } from '../schema/metadata.js';
import { blockOf, findMetric } from '../schema/metrics.js';
import type { Placement, Results } from '../schema/results.js';
import type { Fault, Unavailable, Warning } from '../schema/values.js';
import { summarizeIterations } from '../stats/results.js';
import { scoreOf, snapshotWarnings } from '../telemetry/index.js';
import { toolVersion } from '../version.js';
import { environmentFacts, systemInfo } from './environment.js';
import type { SessionFacts } from './messages.js';
import type { RunPlan } from './plan.js';
import { runWarnings } from './warnings.js';

/** Prompts up to this many ids are listed in full; longer ones can be made again by their rule. */
const MAX_LISTED_IDS = 65536;

/** What has been learnt while measuring; everything else is in the plan. */
export interface RunState {
  iterations: Iteration[];
  faults: Fault[];
  warnings: Warning[];
  unavailable: Unavailable[];
  /** Of the last process that answered. */
  session?: SessionFacts;
  power?: Record<string, unknown>;
  samplerCpuPercent?: number;
  outsideGraphPercent?: number;
  accuracy?: Results['accuracy'];
  profile?: NativeOpProfile[];
  text?: string;
  /** Results of the document that is gone on with; what is not taken anew stays. */
  earlier?: Results;
}

function chosenGraphs({ options, description }: RunPlan): string[] {
  return options.graph === undefined
    ? description.graphs.map(({ name }) => name)
    : options.graph.split(',').map((name) => name.trim());
}

export function benchmarkConfig(plan: RunPlan): BenchmarkConfig {
  const { options, prompt } = plan;
  const graphs = plan.description.family === 'graph';
  return {
    iterations: options.iterations,
    batch_size: options['batch-size'],
    input_length: prompt.length,
    output_length: graphs ? 0 : plan.outputTokens,
    ...(graphs
      ? {
          executions: plan.outputTokens,
          graphs: chosenGraphs(plan),
          io_memory: options['io-memory'],
        }
      : {}),
    warmup_iterations: options.warmup,
    processes: options.processes ?? options.iterations,
    threads: options.threads ?? null,
    precision: options.precision,
    cold_start: options['cold-start'],
    cache: plan.weightFiles.length === 0 ? null : options.cache,
    packed_cache: options['packed-cache'] ? 'on' : 'off',
    seed: options.seed,
    sample_interval_ms: options['sample-interval'],
    timeout_s: options.timeout,
    ...(plan.scheduling?.cpus === undefined ? {} : { pinned_to: plan.scheduling.cpus }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.governor === undefined ? {} : { governor: options.governor }),
    ...(options['max-temp'] === undefined ? {} : { max_temperature_c: options['max-temp'] }),
    prompt: prompt.text ?? null,
    prompt_source: prompt.source,
    prompt_rule: prompt.rule,
    ...(prompt.ids.length <= MAX_LISTED_IDS ? { prompt_tokens: Array.from(prompt.ids) } : {}),
    ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
    ...(plan.choice.backend === 'vulkan' && plan.description.family === 'decoder'
      ? { decode_ahead: options['decode-ahead'] }
      : {}),
    ...(options['perf-profile'] === undefined ? {} : { perf_profile: options['perf-profile'] }),
  };
}

function metadataOf(plan: RunPlan, state: RunState): Metadata {
  const { choice, description, options } = plan;
  const device = state.session?.device ?? choice.device;
  const file = !plan.model.preset;
  return {
    timestamp: plan.startedAt.toISOString(),
    device: choice.kind,
    device_info: {
      name: device.name,
      compute_capability: device.computeCapability || null,
      backend: choice.backend,
      driver: device.driver || null,
      runtime_version: device.runtimeVersion || null,
      soc: device.soc || null,
      software: device.software,
      simulated: device.simulated || plan.fake.addon,
      properties: device.properties,
    },
    model: {
      name: plan.name,
      title: description.name,
      // What a vendor's tools compiled doesn't tell its parameters.
      parameters: description.parameterCount || null,
      quantization: plan.quantization,
      path: file ? plan.model.path : null,
      sha256: plan.sha256,
      format: description.format,
      architecture: description.architecture,
      family: description.family,
      file_size_bytes: file ? description.fileSizeBytes : null,
      weights: description.syntheticWeights ? 'synthetic' : 'file',
      bits_per_weight:
        description.parameterCount === 0
          ? null
          : (8 * description.weightBytes) / description.parameterCount,
      ...(description.graphs.length === 0
        ? {}
        : { graphs: description.graphs, made: Object.fromEntries(description.metadata) }),
    },
    benchmark_config: benchmarkConfig(plan),
    system_info: systemInfo(plan.info, plan.before),
    tool: { name: 'npu-bench', version: toolVersion() },
    environment: {
      ...environmentFacts(plan.info),
      threads_used: state.session?.threads ?? null,
      limits: {
        threads: plan.limits.threads,
        read_bandwidth_gb_s: plan.limits.readBandwidthBytesPerSecond / 1e9,
        f32_gflop_s: plan.limits.f32FlopsPerSecond / 1e9,
      },
      ...(plan.fake.addon ? { fake_addon: true } : {}),
      ...(plan.fake.telemetry ? { fake_telemetry: true } : {}),
    },
    ...(options.label === undefined ? {} : { label: options.label }),
  };
}

/** Share of the multiply-adds per device; the ops behind it are listed in `ops`. */
export function placementOf(session: SessionFacts): Placement[] {
  const byDevice = new Map<string, { ops: number; macs: number }>();
  let total = 0;
  for (const entry of session.placement) {
    const sum = byDevice.get(entry.where) ?? { ops: 0, macs: 0 };
    sum.ops += entry.count;
    sum.macs += entry.macsPerToken;
    total += entry.macsPerToken;
    byDevice.set(entry.where, sum);
  }
  return [...byDevice].map(([where, sum]) => ({
    device: where,
    backend: session.device.backend,
    op_count: sum.ops,
    multiply_adds: sum.macs,
    share_percent: total === 0 ? null : (100 * sum.macs) / total,
    ops: session.placement
      .filter((entry) => entry.where === where)
      .map((entry) => ({
        op: entry.op,
        kernel: entry.kernel,
        stored_type: entry.storedType,
        compute_format: entry.computeFormat,
        count: entry.count,
        multiply_adds: entry.macsPerToken,
        weight_bytes: entry.weightBytes,
      })),
  }));
}

/** Ratios of sums, because the mean of rates exceeds the rate of the mean. */
function ratesOfSums(plan: RunPlan, iterations: readonly Iteration[]) {
  let tokens = 0;
  let milliseconds = 0;
  for (const iteration of iterations) {
    tokens += plan.options['batch-size'] * (iteration.output_tokens ?? 0);
    milliseconds += iteration.total_ms ?? 0;
  }
  return tokens === 0 ? {} : { tokens_per_second_of_sums: (tokens * 1000) / milliseconds };
}

function resultsOf(plan: RunPlan, state: RunState): Results {
  const { session } = state;
  const results: Results = { ...state.earlier, ...summarizeIterations(state.iterations) };
  Object.assign(results.throughput, ratesOfSums(plan, state.iterations));
  if (state.power !== undefined) results.power = { ...results.power, ...state.power };
  results.harness = {
    clock_ns: plan.info.clockCostNs,
    sampler_cpu_percent:
      state.samplerCpuPercent ?? state.earlier?.harness?.sampler_cpu_percent ?? null,
    outside_graph_percent:
      state.outsideGraphPercent ?? state.earlier?.harness?.outside_graph_percent ?? null,
  };
  if (session !== undefined) {
    results.placement = placementOf(session);
    const { decodeBytes } = session;
    if (decodeBytes !== null) {
      results.roofline = {
        weight_bytes_per_step: decodeBytes.weightBytes,
        kv_bytes_per_step: decodeBytes.kvBytes,
        prefill_flops: session.prefillFlops,
        decode_flops_per_step: session.decodeFlops,
      };
    }
  }
  if (plan.proof !== null) {
    const { passed, normalizedError, bound, layers, tokens } = plan.proof;
    results.proof = { passed, normalized_error: normalizedError, bound, layers, tokens };
  }
  if (state.accuracy !== undefined) results.accuracy = state.accuracy;
  if (state.profile !== undefined) {
    results.profile = state.profile.map((op) => ({
      node: op.node,
      op: op.op,
      calls: op.calls,
      total_ms: op.totalNs / 1e6,
      bytes: op.bytes,
      flops: op.flops,
    }));
  }
  return results;
}

/** Why the specification's own metrics are null, where the telemetry has not said so already. */
function ownUnavailable(plan: RunPlan): Unavailable[] {
  const list: Unavailable[] = [];
  if (!plan.options['cold-start']) {
    list.push({
      metric: 'latency.cold_start_ms',
      reason: 'cold starts were switched off',
      remedy: 'run with --cold-start on',
    });
  }
  if (plan.description.family === 'graph') {
    const reason = 'a context binary makes no tokens; its time is latency.execution_ms';
    for (const metric of [
      'latency.first_token_ms',
      'latency.subsequent_token_ms',
      'throughput.tokens_per_second',
      'throughput.tokens_per_second_after_first',
      'efficiency.joules_per_token',
      'efficiency.tokens_per_joule',
    ])
      list.push({ metric, reason });
  } else if (plan.description.family === 'encoder') {
    const reason = 'an embedding model makes no tokens; its rate is throughput.queries_per_second';
    list.push(
      { metric: 'latency.subsequent_token_ms', reason },
      { metric: 'throughput.tokens_per_second', reason },
      { metric: 'throughput.tokens_per_second_after_first', reason },
    );
  } else if (plan.outputTokens === 1) {
    const reason = 'one output token has no later tokens';
    const remedy = 'ask for more with --output-length';
    list.push(
      { metric: 'latency.subsequent_token_ms', reason, remedy },
      { metric: 'throughput.tokens_per_second_after_first', reason, remedy },
    );
  }
  return list;
}

function distinct<T>(entries: readonly T[], key: (entry: T) => string): T[] {
  return [...new Map(entries.map((entry) => [key(entry), entry])).values()];
}

/** Conditions that count in the score, but that many machines are always in. */
const ORDINARY = new Set(['virtual-machine', 'on-battery', 'turbo-on']);

/** Warnings of the same kind from several iterations become one, which says where it was seen. */
function mergeWarnings(warnings: readonly Warning[]): Warning[] {
  const merged = new Map<string, Warning>();
  for (const warning of warnings) {
    const { iterations } = warning;
    const key = iterations === undefined ? `${warning.code} ${warning.message}` : warning.code;
    const earlier = merged.get(key);
    if (earlier === undefined) merged.set(key, { ...warning });
    else if (Array.isArray(iterations) && Array.isArray(earlier.iterations)) {
      earlier.iterations = [...new Set([...earlier.iterations, ...iterations])];
    }
  }
  return [...merged.values()];
}

/**
 * A load that was seen before the run and in none of its iterations did not disturb it: the sampler
 * watches the others throughout an iteration, the look before it for half a second.
 */
function stillTrue(before: readonly Warning[], { iterations, warnings }: RunState): Warning[] {
  const disturbed = warnings.some(({ code }) => code === 'noisy-neighbour');
  if (iterations.length === 0 || disturbed) return [...before];
  return before.filter(({ code }) => code !== 'busy-machine');
}

/** The document of a run, as far as it has come. A pure function of plan and state. */
export function buildDocument(plan: RunPlan, state: RunState, status: Status): ResultDocument {
  const results = resultsOf(plan, state);
  const before = stillTrue(snapshotWarnings(plan.before), state);
  // What one iteration lacked and another gave is not missing.
  const missing = [...state.unavailable, ...ownUnavailable(plan)].filter(({ metric }) => {
    const known = findMetric(metric);
    return known === undefined || blockOf(results, known) === undefined;
  });
  const warnings = mergeWarnings([
    ...runWarnings(plan, state.iterations, results),
    ...before.filter((warning) => !ORDINARY.has(warning.code)),
    ...state.warnings,
  ]);
  return {
    schema: { id: SCHEMA_ID, version: SCHEMA_VERSION },
    status,
    metadata: metadataOf(plan, state),
    results,
    iterations: state.iterations,
    unavailable: distinct(missing, (entry) => entry.metric),
    warnings,
    soundness: scoreOf([...before, ...warnings]),
    ...(state.faults.length > 0 ? { faults: state.faults } : {}),
    ...(state.text === undefined ? {} : { generated_text: state.text }),
  };
}
