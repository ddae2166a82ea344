import { describe, expect, it } from 'vitest';
import type { NativeIteration, NativeUsage } from '../../src/native/binding.js';
import type { SampleMessage } from '../../src/run/messages.js';
import { type IterationContext, iterationOf, outsideGraphPercent } from '../../src/run/metrics.js';

const usage = (cpuMs: number): NativeUsage => ({
  cpuNs: cpuMs * 1e6,
  voluntarySwitches: 0,
  involuntarySwitches: 0,
  minorFaults: 0,
  majorFaults: 0,
});
const ms = (...values: number[]) => Float64Array.from(values, (value) => value * 1e6);

/** Prefill from 1000 to 1100 ms, then tokens every 20 ms; two sequences. */
function warmRun(): NativeIteration {
  return {
    beginNs: 1000e6,
    tokenNs: ms(1100, 1120, 1140, 1160),
    tokenIds: Int32Array.from([1, 2, 3, 4, 5, 6, 7, 8]),
    stepWallNs: ms(99, 20, 19, 20),
    stepTransferNs: ms(1, 2, 4, 6),
    stepDispatchNs: new Float64Array(4).fill(Number.NaN),
    stepExecuteNs: ms(90, 16, 16, 16),
    stepSynchronizeNs: new Float64Array(4).fill(Number.NaN),
    stepHostCpuNs: ms(0.5, 0.02, 0.04, 0.03),
    stepSubmissions: Float64Array.of(1, 1, 1, 4),
    embedding: new Float32Array(),
    usageBegin: usage(500),
    usageFirst: usage(700),
    usageEnd: usage(820),
    logitsDigest: 'ab',
    ownFigures: {},
  };
}

function sample(): SampleMessage {
  return {
    type: 'sample',
    iteration: 3,
    start: {
      mainNs: 140e6,
      addonLoadedNs: 145e6,
      harnessReadyNs: 147e6,
      open: {
        beginNs: 150e6,
        deviceOpenNs: 160e6,
        weightsReadyNs: 200e6,
        compileNs: 230e6,
        packedCacheHit: false,
        weightReadBytes: 2e6,
      },
      openedNs: 231e6,
    },
    cold: { ...warmRun(), beginNs: 240e6, tokenNs: ms(350) },
    warm: warmRun(),
    recording: {
      series: [],
      missing: [],
      beginNs: 0,
      endNs: 1,
      samplerCpuNs: 0,
      ticks: 0,
      lateTicks: 0,
      fakeRoots: false,
    },
    session: {
      device: {} as never,
      model: {} as never,
      threads: 2,
      memory: {
        weightsBytes: 5e6,
        kvCacheBytes: 1e6,
        activationsBytes: 2e6,
        otherBytes: 0,
        countedInProcess: false,
      },
      placement: [],
      decodeBytes: { weightBytes: 4e6, kvBytes: 1e6 },
      prefillFlops: 1,
      decodeFlops: 1,
      graphNames: [],
    },
    text: null,
    peakProcessBytes: 100e6,
    peakIterationBytes: 90e6,
  };
}

const context: IterationContext = {
  spawnNs: 100e6,
  batch: 2,
  inputTokens: 50,
  outputTokens: 4,
  family: 'decoder',
  pageCache: 'dropped',
  packedCache: 'none',
  readBandwidthBytesPerSecond: 1e9,
};

describe('an iteration from its samples', () => {
  const iteration = iterationOf(sample(), context);

  it('follows the definitions of the metrics', () => {
    expect(iteration.cold_start_ms).toBe(250);
    expect(iteration.first_token_ms).toBe(100);
    expect(iteration.subsequent_token_ms).toBe(20);
    expect(iteration.total_ms).toBe(160);
    expect(iteration.tokens_per_second).toBe((2 * 4) / 0.16);
    expect(iteration.tokens_per_second_after_first).toBe(2 / 0.02);
    expect(iteration.prefill_tokens_per_second).toBe((2 * 50) / 0.1);
    expect(iteration.queries_per_second).toBeNull();
    expect(iteration.token_ms).toEqual([20, 20, 20]);
  });

  it('splits the cold start into parts that add up', () => {
    expect(iteration.cold_start).toMatchObject({
      process_start_ms: 40,
      addon_load_ms: 5,
      harness_ms: 2,
      device_open_ms: 10,
      weights_read_ms: 43,
      pack_compile_ms: 30,
      first_prefill_ms: 120,
    });
  });

  it('adds device memory that the process does not show', () => {
    expect(iteration.peak_memory_mb).toBe(108);
    const counted = sample();
    counted.session.memory.countedInProcess = true;
    expect(iterationOf(counted, context).peak_memory_mb).toBe(100);
  });

  it('gives overhead per decode step and for the prefill, and only what the backend told', () => {
    expect(iteration.overhead).toEqual({
      prefill_transfer_ms: 1,
      transfer_ms: 4,
      prefill_execute_ms: 90,
      execute_ms: 16,
      prefill_host_cpu_ms: 0.5,
      host_cpu_ms: 0.03,
      submissions_per_step: 2,
    });
  });

  it('counts processor time, device time and bytes against their limits', () => {
    expect(iteration.utilization).toEqual({ cpu_percent: 100, device_percent: (100 * 138) / 160 });
    expect(iteration.efficiency?.host_cpu_ms_per_token).toBe(120 / (2 * 3));
    expect(iteration.efficiency?.memory_bandwidth_utilization).toBe(5e6 / 0.02 / 1e9);
  });

  it('lists token ids per sequence', () => {
    expect(iteration.token_ids).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
  });

  it('has no later tokens when one was asked for', () => {
    const one = sample();
    one.warm = { ...one.warm, tokenNs: ms(1100), tokenIds: Int32Array.from([1, 5]) };
    const result = iterationOf(one, { ...context, outputTokens: 1 });
    expect(result.subsequent_token_ms).toBeNull();
    expect(result.tokens_per_second_after_first).toBeNull();
    expect(result.tokens_per_second).toBe(2 / 0.1);
  });

  it('gives a context binary each graph by itself, and the sum of one execution of each', () => {
    const one = sample();
    one.session.graphNames = ['first', 'second'];
    one.session.decodeBytes = null;
    const result = iterationOf(one, { ...context, family: 'graph', outputTokens: 2 });
    expect(result.execution_ms).toBeCloseTo((99 + 20) / 2 + (19 + 20) / 2, 9);
    expect(result.executions_per_second).toBeCloseTo(1000 / 79, 9);
    expect(result.graphs?.map(({ name }) => name)).toEqual(['first', 'second']);
    expect(result.graphs?.[0]?.executions_ms).toEqual([99, 20]);
    expect(result.graphs?.[0]?.accelerator_ms).toBeCloseTo(53, 9);
    expect(result.graphs?.[1]?.rpc_ms).toBeNull();
    expect(result.overhead).toEqual({ execute_ms: 53 + 16 });
    expect(result.first_token_ms).toBeNull();
    expect(result.tokens_per_second).toBeNull();
    expect(result.phases?.at(-1)).toMatchObject({ name: 'execute', end_ms: 1060 });
  });

  it('counts queries for an encoder', () => {
    const one = sample();
    one.warm = { ...one.warm, tokenNs: ms(1100), tokenIds: new Int32Array() };
    const result = iterationOf(one, { ...context, family: 'encoder' });
    expect(result.queries_per_second).toBe(2 / 0.1);
    expect(result.tokens_per_second).toBeNull();
    expect(result.prefill_tokens_per_second).toBeNull();
    expect(result.token_ids).toBeUndefined();
  });
});

it('the time outside the graph is what no step accounts for', () => {
  expect(outsideGraphPercent(warmRun())).toBeCloseTo((100 * 2) / 160, 9);
});
