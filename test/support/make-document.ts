import type { Iteration, Phase, ResultDocument, TelemetrySeries } from '../../src/schema/index.js';
import { type Random, seededRandom, summarizeIterations } from '../../src/stats/index.js';

/** What a made-up document is about. The figures resemble those of a phone; none was measured. */
export interface FixtureShape {
  readonly device?: 'npu' | 'cpu' | 'gpu';
  readonly model?: string;
  readonly quantization?: string;
  readonly iterations?: number;
  readonly batchSize?: number;
  readonly inputLength?: number;
  readonly outputLength?: number;
  readonly seed?: number;
  readonly label?: string;
  readonly embedding?: boolean;
  /** Telemetry, phases, cold-start parts, overhead: everything a full run records. */
  readonly full?: boolean;
  /** The clock falls after a while, as on a hot device. */
  readonly throttling?: boolean;
  readonly simulated?: boolean;
  readonly synthetic?: boolean;
  readonly timestamp?: string;
}

interface Profile {
  readonly name: string;
  readonly backend: string;
  readonly prefillMsPerToken: number;
  readonly gapMs: number;
  readonly loadMs: number;
  readonly memoryMb: number;
  readonly powerW: number;
  readonly clockMhz: number;
  readonly noise: number;
}

const PROFILES: Record<'npu' | 'cpu' | 'gpu', Profile> = {
  npu: {
    name: 'Qualcomm Hexagon NPU',
    backend: 'qnn',
    prefillMsPerToken: 0.42,
    gapMs: 36,
    loadMs: 900,
    memoryMb: 1845,
    powerW: 3.4,
    clockMhz: 1400,
    noise: 0.012,
  },
  cpu: {
    name: 'ARM Cortex-X4',
    backend: 'xnnpack',
    prefillMsPerToken: 3.1,
    gapMs: 64,
    loadMs: 1400,
    memoryMb: 2010,
    powerW: 7.9,
    clockMhz: 3300,
    noise: 0.03,
  },
  gpu: {
    name: 'Adreno 750',
    backend: 'vulkan',
    prefillMsPerToken: 1.2,
    gapMs: 52,
    loadMs: 2300,
    memoryMb: 2390,
    powerW: 5.6,
    clockMhz: 900,
    noise: 0.02,
  },
};

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(Math.max(random(), 1e-12))) * Math.cos(2 * Math.PI * random());
}

function round(value: number, digits = 4): number {
  return Number(value.toFixed(digits));
}

/** Gaps that grow with the context, with small noise, a rare hiccup and, if asked, throttling. */
function gapsOf(shape: Required<FixtureShape>, profile: Profile, random: Random): number[] {
  const growth = 0.00025;
  const launch = 1 + profile.noise * 0.6 * normal(random);
  return Array.from({ length: Math.max(0, shape.outputLength - 1) }, (_, k) => {
    const hot = shape.throttling && k > shape.outputLength * 0.6 ? 1.28 : 1;
    const hiccup = random() < 0.006 ? 1 + random() * 0.8 : 1;
    const batch = 1 + 0.12 * (shape.batchSize - 1);
    const noise = 1 + profile.noise * normal(random);
    return round(profile.gapMs * batch * launch * hot * hiccup * noise * (1 + growth * k));
  });
}

function series(
  name: string,
  unit: string,
  end: number,
  period: number,
  value: (t: number) => number,
): TelemetrySeries {
  const count = Math.min(2000, Math.max(2, Math.floor(end / period)));
  const times = Array.from({ length: count }, (_, k) => round((k * end) / (count - 1), 2));
  return { name, unit, t_ms: times, values: times.map((t) => round(value(t), 3)) };
}

function telemetryOf(
  shape: Required<FixtureShape>,
  profile: Profile,
  phases: readonly Phase[],
  random: Random,
): TelemetrySeries[] {
  const end = (phases.at(-1) as Phase).end_ms;
  const [load, , prefill, decode] = phases as [Phase, Phase, Phase, Phase];
  const noise = (share: number) => 1 + share * normal(random);
  const power = (t: number) => {
    if (t < load.end_ms) return (1.1 + 1.6 * (t / load.end_ms)) * noise(0.06);
    if (t < prefill.start_ms) return 2.1 * noise(0.06);
    if (t < prefill.end_ms) return profile.powerW * 1.55 * noise(0.05);
    return profile.powerW * noise(0.035);
  };
  const hot = (t: number) =>
    shape.throttling && t > decode.start_ms + (end - decode.start_ms) * 0.6;
  const rail = (share: number) => (t: number) => power(t) * share;
  const ramp = (t: number) => Math.min(1, t / load.end_ms);
  return [
    { ...series('power_total', 'W', end, 10, power), source: 'battery current × voltage' },
    series('power_vdd_cx', 'W', end, 20, rail(0.58)),
    series('power_ddr', 'W', end, 20, rail(0.27)),
    series(
      'memory_resident',
      'MB',
      end,
      20,
      (t) => profile.memoryMb * (0.05 + 0.93 * ramp(t) ** 2),
    ),
    series(
      'memory_proportional',
      'MB',
      end,
      50,
      (t) => profile.memoryMb * (0.04 + 0.9 * ramp(t) ** 2),
    ),
    series('temperature_soc', '°C', end, 100, (t) => 38 + 9 * (1 - Math.exp((-3 * t) / end))),
    series('temperature_skin', '°C', end, 100, (t) => 31.2 + 1.6 * (t / end)),
    series(`frequency_${shape.device}`, 'MHz', end, 20, (t) =>
      t < load.end_ms * 0.2 ? 600 : hot(t) ? profile.clockMhz * 0.78 : profile.clockMhz,
    ),
    series('frequency_ddr', 'MHz', end, 20, (t) => (t < load.end_ms * 0.1 ? 1555 : 4224)),
    series('utilization_device', '%', end, 20, (t) =>
      t < prefill.start_ms ? 4 * noise(0.2) : Math.min(100, 94 * noise(0.02)),
    ),
  ];
}

function fullParts(
  shape: Required<FixtureShape>,
  profile: Profile,
  iteration: Iteration,
  random: Random,
): Partial<Iteration> {
  const cold = iteration.cold_start_ms as number;
  const first = iteration.first_token_ms as number;
  const prefill = first * 1.04;
  const load = cold - prefill;
  const decode = (iteration.total_ms as number) - first;
  const pause = 180;
  const phases: Phase[] = [
    { name: 'load', start_ms: 0, end_ms: load },
    { name: 'cold prefill', start_ms: load, end_ms: cold },
    { name: 'prefill', start_ms: cold + pause, end_ms: cold + pause + first },
    {
      name: 'decode',
      start_ms: cold + pause + first,
      end_ms: cold + pause + first + Math.max(decode, 1),
    },
  ];
  const gap = iteration.subsequent_token_ms ?? first;
  return {
    cold_start: {
      process_start_ms: round(load * 0.04),
      addon_load_ms: round(load * 0.03),
      device_open_ms: round(load * 0.22),
      weights_read_ms: round(load * 0.41),
      pack_compile_ms: round(load * 0.3),
      first_prefill_ms: round(prefill),
      page_cache: 'dropped',
      packed_cache: 'none',
    },
    overhead: {
      transfer_ms: round(gap * 0.015),
      dispatch_ms: round(gap * 0.021),
      execute_ms: round(gap * 0.938),
      synchronize_ms: round(gap * 0.026),
      prefill_transfer_ms: round(first * 0.03),
      prefill_dispatch_ms: round(first * 0.01),
      prefill_execute_ms: round(first * 0.94),
      prefill_synchronize_ms: round(first * 0.02),
    },
    utilization: {
      device_percent: round(93 + normal(random)),
      cpu_percent: round(6 + 0.5 * normal(random)),
    },
    memory_mb: {
      weights: round(profile.memoryMb * 0.72),
      kv_cache: round(profile.memoryMb * 0.07),
      activations: round(profile.memoryMb * 0.05),
      other: round(profile.memoryMb * 0.16),
    },
    phases,
    telemetry: telemetryOf(shape, profile, phases, random),
  };
}

function iterationOf(
  shape: Required<FixtureShape>,
  profile: Profile,
  index: number,
  random: Random,
): Iteration {
  const gaps = shape.embedding ? [] : gapsOf(shape, profile, random);
  const batch = shape.batchSize;
  const memory = profile.memoryMb * (1 + 0.09 * (batch - 1));
  const first = round(
    shape.inputLength * profile.prefillMsPerToken * batch * (1 + 0.008 * normal(random)),
  );
  const rest = gaps.reduce((sum, gap) => sum + gap, 0);
  const total = round(first + rest);
  const power = round(profile.powerW * batch ** 0.4 * (1 + 0.015 * normal(random)));
  const outputs = batch * (shape.embedding ? 1 : shape.outputLength);
  const energy = (power * total) / 1000;
  const base: Iteration = {
    iteration: index + 1,
    process: index,
    cold_start_ms: round((profile.loadMs + first * 1.04) * (1 + 0.02 * normal(random))),
    first_token_ms: first,
    subsequent_token_ms: gaps.length > 0 ? round(rest / gaps.length) : null,
    tokens_per_second: shape.embedding ? null : round((1000 * outputs) / total),
    tokens_per_second_after_first:
      gaps.length > 0 ? round((1000 * batch * gaps.length) / rest) : null,
    prefill_tokens_per_second: round((1000 * batch * shape.inputLength) / first),
    ...(shape.embedding && { queries_per_second: round((1000 * batch) / total) }),
    total_ms: total,
    output_tokens: shape.embedding ? 0 : shape.outputLength,
    peak_memory_mb: round(memory * (1 + 0.004 * normal(random))),
    average_memory_mb: round(memory * 0.94 * (1 + 0.004 * normal(random))),
    average_power_w: power,
    peak_power_w: round(power * 1.62),
    energy_j: round(energy),
    efficiency: {
      joules_per_token: round(energy / outputs, 6),
      tokens_per_joule: round(outputs / energy, 6),
      memory_bandwidth_utilization: round(0.71 + 0.01 * normal(random)),
      host_cpu_ms_per_token: round(1.9 + 0.1 * normal(random)),
    },
    ...(gaps.length > 0 && { token_ms: gaps }),
  };
  return shape.full ? { ...base, ...fullParts(shape, profile, base, random) } : base;
}

const DEFAULTS: Required<FixtureShape> = {
  device: 'npu',
  model: 'llama-3.2-1b',
  quantization: 'int8',
  iterations: 5,
  batchSize: 1,
  inputLength: 512,
  outputLength: 128,
  seed: 1,
  label: '',
  embedding: false,
  full: false,
  throttling: false,
  simulated: false,
  synthetic: false,
  timestamp: '2026-03-14T09:26:53Z',
};

/** A complete document of made-up figures, marked as such; the same shape gives the same document. */
export function makeReportDocument(wanted: FixtureShape = {}): ResultDocument {
  const shape = { ...DEFAULTS, ...wanted };
  const profile = PROFILES[shape.device];
  const random = seededRandom(shape.seed);
  const iterations = Array.from({ length: shape.iterations }, (_, index) =>
    iterationOf(shape, profile, index, random),
  );
  const results = summarizeIterations(iterations);
  results.power = { ...results.power, idle_power_w: 1.05, method: 'battery current × voltage' };
  if (shape.full) {
    results.roofline = {
      weight_bytes_per_step: 1.24e9,
      kv_bytes_per_step: 9.8e6,
      prefill_flops: 2 * 1.24e9 * shape.inputLength,
      decode_flops_per_step: 2 * 1.24e9 * shape.batchSize,
    };
    results.placement = [
      { device: shape.device, backend: profile.backend, op_count: 310, share_percent: 99.6 },
      { device: 'cpu', backend: 'host', op_count: 2, share_percent: 0.4 },
    ];
    results.profile = [
      { node: 'layer 0', op: 'linear', calls: 112, total_ms: 31.2 },
      { node: 'layer 1', op: 'linear', calls: 112, total_ms: 30.8 },
      { node: 'layer 0', op: 'attention', calls: 16, total_ms: 4.9 },
    ];
    results.harness = { clock_ns: 21.4, sampler_cpu_percent: 0.31, outside_graph_percent: 0.04 };
  }
  return {
    schema: { id: 'npu-bench/result', version: 1 },
    status: 'complete',
    metadata: {
      fixture: true,
      timestamp: shape.timestamp,
      device: shape.device,
      device_info: {
        name: profile.name,
        backend: profile.backend,
        compute_capability: '8.1',
        driver: '2.51.0',
        soc: 'SM8650',
        ...(shape.simulated && { simulated: true }),
      },
      model: {
        name: shape.model,
        parameters: 1_240_000_000,
        quantization: shape.quantization,
        format: 'gguf',
        architecture: 'llama',
        weights: shape.synthetic ? 'synthetic' : 'file',
        bits_per_weight: 8.5,
      },
      benchmark_config: {
        iterations: shape.iterations,
        batch_size: shape.batchSize,
        input_length: shape.inputLength,
        output_length: shape.embedding ? 1 : shape.outputLength,
        warmup_iterations: 1,
        processes: shape.iterations,
        threads: shape.device === 'cpu' ? 6 : null,
        seed: 42,
        sample_interval_ms: 10,
      },
      system_info: {
        os: 'Android',
        kernel: '6.1.75',
        cpu: 'Snapdragon 8 Gen 3',
        memory_gb: 12,
        cores: 8,
        governor: 'walt',
        architecture: 'arm64',
      },
      tool: { name: 'npu-bench', version: '0.1.0' },
      environment: {
        node: 'v22.14.0',
        on_battery: true,
        limits: { threads: 1, read_bandwidth_gb_s: 62.4, f32_gflop_s: 9800 },
      },
      ...(shape.label !== '' && { label: shape.label }),
    },
    ...(shape.full && {
      soundness: {
        score: shape.throttling ? 65 : 100,
        verdict: shape.throttling ? 'usable' : 'sound',
      },
    }),
    results,
    iterations,
    unavailable: shape.full
      ? [
          {
            metric: 'accuracy.perplexity',
            reason: 'no accuracy check was asked for',
            remedy: 'run with --verify',
          },
        ]
      : [],
    warnings: shape.throttling
      ? [
          {
            code: 'throttling',
            message:
              'The clock fell by 22 % while decoding and tokens became 27 % slower from token 77 on.',
            action: 'Let the device cool down with --cooldown 35, or report the first part only.',
          },
        ]
      : [],
  };
}
