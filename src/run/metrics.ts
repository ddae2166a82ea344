import type { NativeIteration, NativeModelDescription } from '../native/binding.js';
import type { ColdStart, GraphRun, Iteration, Phase } from '../schema/iteration.js';
import type { SampleMessage, SessionFacts, StartTimeline } from './messages.js';

/** What is known about an iteration beyond the samples of its process. */
export interface IterationContext {
  spawnNs: number;
  batch: number;
  inputTokens: number;
  outputTokens: number;
  family: NativeModelDescription['family'];
  pageCache: 'dropped' | 'kept' | 'unknown';
  packedCache: 'none' | 'hit';
  /** Measured read bandwidth of this machine with the run's threads; absent if unknown. */
  readBandwidthBytesPerSecond?: number;
}

const MS = 1e6;
const MB = 1e6;

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}

function sum(values: Float64Array, from = 0, to = values.length): number | undefined {
  let total = 0;
  for (let i = from; i < to; i += 1) total += at(values, i);
  return Number.isNaN(total) || to <= from ? undefined : total;
}

function kernelCacheOf({ kernelCacheHit: hit }: StartTimeline['open']): 'hit' | 'compiled' | null {
  if (hit === undefined) return null;
  return hit ? 'hit' : 'compiled';
}

/** Parts of the cold start; they add up to its whole. */
function coldStartOf(
  start: StartTimeline,
  cold: NativeIteration,
  context: IterationContext,
): ColdStart {
  const { open } = start;
  return {
    process_start_ms: (start.mainNs - context.spawnNs) / MS,
    addon_load_ms: (start.addonLoadedNs - start.mainNs) / MS,
    harness_ms: (start.harnessReadyNs - start.addonLoadedNs) / MS,
    device_open_ms: (open.deviceOpenNs - open.beginNs) / MS,
    // The file's description is read before the backend begins, its weights afterwards.
    weights_read_ms:
      (open.beginNs - start.harnessReadyNs + open.weightsReadyNs - open.deviceOpenNs) / MS,
    pack_compile_ms: (open.compileNs - open.weightsReadyNs) / MS,
    first_prefill_ms: (at(cold.tokenNs, 0) - open.compileNs) / MS,
    page_cache: context.pageCache,
    packed_cache: context.packedCache,
    kernel_cache: kernelCacheOf(open),
    weight_read_mb: open.weightReadBytes / MB,
  };
}

const FIRST_PHASE = { encoder: 'embed', decoder: 'prefill', graph: 'execute' } as const;

function phasesOf(sample: SampleMessage, context: IterationContext): Phase[] {
  const { warm, start, cold } = sample;
  const ms = (ns: number) => (ns - context.spawnNs) / MS;
  const phases: Phase[] = [];
  if (start !== null) {
    phases.push({ name: 'load', start_ms: 0, end_ms: ms(start.openedNs) });
    if (cold !== null) {
      phases.push({
        name: 'cold prefill',
        start_ms: ms(start.openedNs),
        end_ms: ms(at(cold.tokenNs, 0)),
      });
    }
  }
  const first = at(warm.tokenNs, 0);
  const last = at(warm.tokenNs, warm.tokenNs.length - 1);
  phases.push({
    name: FIRST_PHASE[context.family],
    start_ms: ms(warm.beginNs),
    end_ms: ms(context.family === 'graph' ? last : first),
  });
  if (last > first && context.family !== 'graph')
    phases.push({ name: 'decode', start_ms: ms(first), end_ms: ms(last) });
  return phases;
}

/** Mean per decode step and the prefill's own share, where the backend could tell. */
function overheadOf(warm: NativeIteration): Iteration['overhead'] {
  const parts = {
    transfer: warm.stepTransferNs,
    dispatch: warm.stepDispatchNs,
    execute: warm.stepExecuteNs,
    synchronize: warm.stepSynchronizeNs,
    host_cpu: warm.stepHostCpuNs,
  };
  const overhead: Record<string, number> = {};
  for (const [name, values] of Object.entries(parts)) {
    const prefill = sum(values, 0, Math.min(1, values.length));
    const decode = sum(values, 1);
    if (prefill !== undefined) overhead[`prefill_${name}_ms`] = prefill / MS;
    if (decode !== undefined) overhead[`${name}_ms`] = decode / MS / (values.length - 1);
  }
  const submissions = sum(warm.stepSubmissions, 1);
  if (submissions !== undefined)
    overhead.submissions_per_step = submissions / (warm.stepSubmissions.length - 1);
  return Object.keys(overhead).length === 0 ? undefined : overhead;
}

function tokenIdsOf(warm: NativeIteration, batch: number): number[] | number[][] {
  const ids = Array.from(warm.tokenIds);
  if (batch === 1) return ids;
  const length = ids.length / batch;
  return Array.from({ length: batch }, (_, i) => ids.slice(i * length, (i + 1) * length));
}

function memoryOf(session: SessionFacts) {
  const { memory } = session;
  return {
    weights: memory.weightsBytes / MB,
    kv_cache: memory.kvCacheBytes / MB,
    activations: memory.activationsBytes / MB,
    other: memory.otherBytes / MB,
  };
}

function peaksOf({ session, peakIterationBytes, peakProcessBytes }: SampleMessage) {
  return {
    ...memoryOf(session),
    ...(peakIterationBytes === null ? {} : { peak_resident_in_iteration: peakIterationBytes / MB }),
    ...(peakProcessBytes === null ? {} : { peak_resident: peakProcessBytes / MB }),
  };
}

function usageOf({ warm: { usageBegin, usageEnd }, migrations }: SampleMessage) {
  return {
    migrations,
    cpu_ms: (usageEnd.cpuNs - usageBegin.cpuNs) / MS,
    voluntary_switches: usageEnd.voluntarySwitches - usageBegin.voluntarySwitches,
    involuntary_switches: usageEnd.involuntarySwitches - usageBegin.involuntarySwitches,
    minor_faults: usageEnd.minorFaults - usageBegin.minorFaults,
    major_faults: usageEnd.majorFaults - usageBegin.majorFaults,
  };
}

/** What a runtime that drives its own loop says of itself, beside our times. */
function runtimeFigures({ ownFigures }: NativeIteration) {
  return Object.keys(ownFigures).length === 0 ? {} : { runtime_figures: ownFigures };
}

/** Device memory that the process's resident size doesn't show. */
export function uncountedDeviceBytes(session: SessionFacts): number {
  const { memory } = session;
  if (memory.countedInProcess) return 0;
  return memory.weightsBytes + memory.kvCacheBytes + memory.activationsBytes + memory.otherBytes;
}

/**
 * One iteration of the document from the samples of its process; what comes from the telemetry
 * (average memory, power, energy, series) is added by the caller. The formulas are those of
 * docs/metrics.md: B sequences, I input and O output tokens, t_s spawn, t_0 prefill submitted, t_k
 * token k known on the host.
 */
export function iterationOf(sample: SampleMessage, context: IterationContext): Iteration {
  if (context.family === 'graph') return graphIterationOf(sample, context);
  const { warm, cold, start, session } = sample;
  const { batch } = context;
  const encoder = context.family === 'encoder';
  const t0 = warm.beginNs;
  const count = warm.tokenNs.length;
  const t1 = at(warm.tokenNs, 0);
  const tO = at(warm.tokenNs, count - 1);
  const windowNs = tO - t0;
  const decodes = !encoder && count > 1;
  const gapNs = decodes ? (tO - t1) / (count - 1) : undefined;
  const peakBytes = sample.peakProcessBytes;
  const device = uncountedDeviceBytes(session);
  const cpuNs = warm.usageEnd.cpuNs - warm.usageBegin.cpuNs;
  const executeNs = sum(warm.stepExecuteNs);
  const overhead = overheadOf(warm);
  const outputs = decodes ? batch * (count - 1) : batch;
  const decodeCpuNs = decodes ? warm.usageEnd.cpuNs - warm.usageFirst.cpuNs : cpuNs;
  const bandwidth = context.readBandwidthBytesPerSecond;
  const { decodeBytes } = session;

  return {
    iteration: sample.iteration,
    cold_start_ms: cold === null ? null : (at(cold.tokenNs, 0) - context.spawnNs) / MS,
    first_token_ms: (t1 - t0) / MS,
    subsequent_token_ms: gapNs === undefined ? null : gapNs / MS,
    tokens_per_second: encoder ? null : (batch * count * 1e9) / windowNs,
    peak_memory_mb: peakBytes === null ? null : (peakBytes + device) / MB,
    average_memory_mb: null,
    average_power_w: null,
    peak_power_w: null,
    tokens_per_second_after_first: gapNs === undefined ? null : (batch * 1e9) / gapNs,
    prefill_tokens_per_second: encoder ? null : (batch * context.inputTokens * 1e9) / (t1 - t0),
    queries_per_second: encoder ? (batch * 1e9) / windowNs : null,
    total_ms: windowNs / MS,
    output_tokens: encoder ? 0 : count,
    finish_reason: encoder ? 'embedding' : count < context.outputTokens ? 'stop' : 'length',
    memory_mb: peaksOf(sample),
    ...(overhead === undefined ? {} : { overhead }),
    utilization: {
      // A device that computes without host threads has no share of them.
      ...(session.threads === 0
        ? {}
        : { cpu_percent: (100 * cpuNs) / (session.threads * windowNs) }),
      ...(executeNs === undefined ? {} : { device_percent: (100 * executeNs) / windowNs }),
    },
    efficiency: {
      host_cpu_ms_per_token: decodeCpuNs / MS / outputs,
      ...(gapNs === undefined || bandwidth === undefined || decodeBytes === null
        ? {}
        : {
            memory_bandwidth_utilization:
              ((decodeBytes.weightBytes + decodeBytes.kvBytes) * 1e9) / gapNs / bandwidth,
          }),
    },
    cold_start: cold === null || start === null ? null : coldStartOf(start, cold, context),
    ...(encoder ? {} : { token_ms: gapsOf(warm.tokenNs), token_ids: tokenIdsOf(warm, batch) }),
    ...runtimeFigures(warm),
    logits_digest: warm.logitsDigest,
    phases: phasesOf(sample, context),
    usage: usageOf(sample),
  };
}

/** Means per execution of one graph, from its part of the step arrays. */
function graphOf(warm: NativeIteration, name: string, from: number, to: number): GraphRun {
  const mean = (values: Float64Array) => {
    const total = sum(values, from, to);
    return total === undefined ? undefined : total / MS / (to - from);
  };
  const parts = {
    accelerator_ms: mean(warm.stepExecuteNs),
    rpc_ms: mean(warm.stepSynchronizeNs),
    host_ms: mean(warm.stepDispatchNs),
  };
  return {
    name,
    execution_ms: mean(warm.stepWallNs) ?? null,
    accelerator_ms: parts.accelerator_ms ?? null,
    rpc_ms: parts.rpc_ms ?? null,
    host_ms: parts.host_ms ?? null,
    executions_ms: Array.from(warm.stepWallNs.subarray(from, to), (ns) => ns / MS),
  };
}

/**
 * One iteration of compiled graphs: E executions of each of G graphs. An execution is the runtime's
 * whole call. With several graphs `execution_ms` is the sum of one mean execution of each.
 */
function graphIterationOf(sample: SampleMessage, context: IterationContext): Iteration {
  const { warm, cold, start, session, peakProcessBytes: peakBytes } = sample;
  const names = session.graphNames;
  const each = context.outputTokens;
  const graphs = names.map((name, i) => graphOf(warm, name, i * each, (i + 1) * each));
  const total = (part: 'execution_ms' | 'accelerator_ms' | 'rpc_ms' | 'host_ms') =>
    graphs.every((graph) => typeof graph[part] === 'number')
      ? graphs.reduce((all, graph) => all + (graph[part] as number), 0)
      : undefined;
  const windowNs = at(warm.tokenNs, warm.tokenNs.length - 1) - warm.beginNs;
  const executionMs = total('execution_ms') as number;
  const executeNs = sum(warm.stepExecuteNs);
  const overhead = {
    execute_ms: total('accelerator_ms'),
    synchronize_ms: total('rpc_ms'),
    dispatch_ms: total('host_ms'),
  };
  const known = Object.entries(overhead).filter(([, value]) => value !== undefined);
  const cpuNs = warm.usageEnd.cpuNs - warm.usageBegin.cpuNs;
  return {
    iteration: sample.iteration,
    cold_start_ms: cold === null ? null : (at(cold.tokenNs, 0) - context.spawnNs) / MS,
    first_token_ms: null,
    subsequent_token_ms: null,
    tokens_per_second: null,
    execution_ms: executionMs,
    executions_per_second: 1000 / executionMs,
    peak_memory_mb: peakBytes === null ? null : (peakBytes + uncountedDeviceBytes(session)) / MB,
    average_memory_mb: null,
    average_power_w: null,
    peak_power_w: null,
    total_ms: windowNs / MS,
    output_tokens: 0,
    finish_reason: 'executed',
    graphs,
    memory_mb: peaksOf(sample),
    ...(known.length === 0 ? {} : { overhead: Object.fromEntries(known) }),
    utilization: executeNs === undefined ? {} : { device_percent: (100 * executeNs) / windowNs },
    efficiency: { host_cpu_ms_per_execution: cpuNs / MS / (names.length * each) },
    cold_start: cold === null || start === null ? null : coldStartOf(start, cold, context),
    logits_digest: warm.logitsDigest,
    phases: phasesOf(sample, context),
    usage: usageOf(sample),
  };
}

/** t_k − t_(k−1) in milliseconds, k = 2 … O. */
function gapsOf(tokenNs: Float64Array): number[] {
  const gaps: number[] = [];
  for (let k = 1; k < tokenNs.length; k += 1) gaps.push((at(tokenNs, k) - at(tokenNs, k - 1)) / MS);
  return gaps;
}

/** Share of the measured window in which no step of the graph ran, in per cent. */
export function outsideGraphPercent(warm: NativeIteration): number | undefined {
  const inside = sum(warm.stepWallNs);
  const window = at(warm.tokenNs, warm.tokenNs.length - 1) - warm.beginNs;
  return inside === undefined ? undefined : Math.max(0, (100 * (window - inside)) / window);
}
