import type { Command } from 'commander';
import { NpuBenchError } from '../../errors.js';
import type { NativeInfo, NativeLimits, NativeRecording } from '../../native/binding.js';
import { type NativeHelper, withHelper } from '../../native/helper.js';
import { modelName, resolveModel } from '../../run/plan.js';
import { columns, figure } from '../format.js';

interface SelfFlags {
  json?: boolean;
  threads?: string;
  milliseconds: string;
  sampleInterval: string;
  model: string;
  modelDir?: string;
  pairs: string;
}

interface SelfReport {
  info: NativeInfo;
  limits: NativeLimits;
  /** What the telemetry does to the decoding of a model. */
  effect: {
    model: string;
    pairs: number;
    token_ms: number;
    sampler_cpu_percent: number;
    /** Slow-down of a token by the telemetry, in per cent: median of the pairs, 95 % interval. */
    slowdown_percent: number;
    slowdown_ci95_percent: [low: number, high: number];
  };
  sampler: {
    period_ms: number;
    ticks: number;
    late_ticks: number;
    cpu_percent: number;
    sources: number;
  };
}

/** Of the model that is decoded to see what the telemetry costs: a quarter of a second or so. */
const EFFECT_INPUT = 16;
const EFFECT_OUTPUT = 64;

const HELP = `
Examples:
  npu-bench bench-self
  npu-bench bench-self --threads 1 --milliseconds 3000
  npu-bench bench-self --sample-interval 1 --pairs 100
  npu-bench bench-self --json > limits.json`;

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 600_000) return value;
  throw new NpuBenchError('OPTION', `${name} must be a whole number of at least 1, not "${text}".`);
}

function samplerReport(recording: NativeRecording, periodMs: number): SelfReport['sampler'] {
  const windowNs = Math.max(1, recording.endNs - recording.beginNs);
  return {
    period_ms: periodMs,
    ticks: recording.ticks,
    late_ticks: recording.lateTicks,
    cpu_percent: (100 * recording.samplerCpuNs) / windowNs,
    sources: recording.series.length,
  };
}

/** Distribution-free interval of the median: the order statistics of the sign test. */
function medianInterval(values: readonly number[]): [number, number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const rank = Math.max(0, Math.floor((n - 1.96 * Math.sqrt(n)) / 2));
  const at = (index: number) => sorted[index] as number;
  const middle = n % 2 === 1 ? at((n - 1) / 2) : (at(n / 2 - 1) + at(n / 2)) / 2;
  return [middle, at(rank), at(n - 1 - rank)];
}

async function effectOf(helper: NativeHelper, flags: SelfFlags, periodMs: number, threads: number) {
  const pairs = whole('--pairs', flags.pairs);
  const { model } = await resolveModel(helper, {
    model: flags.model,
    seed: 0,
    ...(flags.modelDir === undefined ? {} : { 'model-dir': flags.modelDir }),
  });
  const { withoutNs, withNs, samplerCpuPercent } = await helper.decodeEffect({
    model: { ...model, contextTokens: EFFECT_INPUT + EFFECT_OUTPUT },
    session: {
      backend: 'xnnpack',
      deviceIndex: 0,
      batch: 1,
      maxTokens: EFFECT_INPUT + EFFECT_OUTPUT,
      maxStepTokens: EFFECT_INPUT,
      precision: 'auto',
      threads,
    },
    sampler: { periodNs: periodMs * 1e6 },
    inputTokens: EFFECT_INPUT,
    outputTokens: EFFECT_OUTPUT,
    pairs,
  });
  const changes = Array.from(withNs, (ns, i) => 100 * (ns / (withoutNs[i] as number) - 1));
  const [middle, low, high] = medianInterval(changes);
  return {
    model: modelName(model),
    pairs,
    token_ms: medianInterval(Array.from(withoutNs))[0] / 1e6,
    sampler_cpu_percent: samplerCpuPercent,
    slowdown_percent: middle,
    slowdown_ci95_percent: [low, high] as [number, number],
  };
}

function effectText({ effect }: SelfReport): string {
  const signed = (value: number) => `${value >= 0 ? '+' : ''}${value.toFixed(2)} %`;
  const [low, high] = effect.slowdown_ci95_percent;
  return `${signed(effect.slowdown_percent)} per token (95 %: ${signed(low)} to ${signed(high)}; ${effect.pairs} pairs of ${effect.model}, ${effect.token_ms.toFixed(3)} ms a token), ${figure(effect.sampler_cpu_percent)} % of one core`;
}

function reportText({ info, limits, sampler, ...rest }: SelfReport): string {
  return columns([
    [
      'Clock',
      `${figure(info.clockCostNs)} ns a reading, resolution ${figure(info.clockResolutionNs)} ns`,
    ],
    [
      'Read bandwidth',
      `${figure(limits.readBandwidthBytesPerSecond / 1e9)} GB/s with ${limits.threads} threads`,
    ],
    ['f32 arithmetic', `${figure(limits.f32FlopsPerSecond / 1e9)} GFLOP/s`],
    [
      'int8 arithmetic',
      limits.int8OpsPerSecond === null
        ? 'not measured: no int8 dot product instructions'
        : `${figure(limits.int8OpsPerSecond / 1e9)} GOP/s`,
    ],
    [
      'Telemetry',
      `${figure(sampler.cpu_percent)} % of one core at ${sampler.period_ms} ms (${sampler.sources} series, ${sampler.late_ticks} of ${sampler.ticks} readings late)`,
    ],
    ['… on decoding', effectText({ info, limits, sampler, ...rest })],
    ['Processor', info.cpuFeatures.join(' ')],
  ]);
}

async function benchSelf(flags: SelfFlags): Promise<void> {
  const milliseconds = whole('--milliseconds', flags.milliseconds);
  const periodMs = whole('--sample-interval', flags.sampleInterval);
  const report = await withHelper(async (helper): Promise<SelfReport> => {
    const info = await helper.call('info');
    const threads =
      flags.threads === undefined ? info.performanceCores : whole('--threads', flags.threads);
    const recording = await helper.recordIdle({ periodNs: periodMs * 1e6 }, milliseconds);
    const limits = await helper.call('measureLimits', { threads, milliseconds });
    const effect = await effectOf(helper, flags, periodMs, threads);
    return { info, limits, effect, sampler: samplerReport(recording, periodMs) };
  });
  process.stdout.write(
    flags.json ? `${JSON.stringify(report, null, 2)}\n` : `${reportText(report)}\n`,
  );
}

export function register(program: Command): void {
  program
    .command('bench-self')
    .description("Measure this machine's limits and what measuring itself costs.")
    .option('--threads <n>', 'threads (default: one per performance core)')
    .option('--milliseconds <n>', 'time for each measurement', '1000')
    .option('--sample-interval <ms>', 'period of the telemetry', '10')
    .option('--model <name>', 'decoded with and without the telemetry', 'smollm2-135m')
    .option('--model-dir <folder>', 'look for it here first')
    .option('--pairs <n>', 'decodings with and without the telemetry, in turns', '40')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(benchSelf);
}
