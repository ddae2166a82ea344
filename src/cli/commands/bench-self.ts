import type { Command } from 'commander';
import { NpuBenchError } from '../../errors.js';
import type { NativeInfo, NativeLimits, NativeRecording } from '../../native/binding.js';
import { withHelper } from '../../native/helper.js';
import { columns, figure } from '../format.js';

interface SelfFlags {
  json?: boolean;
  threads?: string;
  milliseconds: string;
  sampleInterval: string;
}

interface SelfReport {
  info: NativeInfo;
  limits: NativeLimits;
  sampler: {
    period_ms: number;
    ticks: number;
    late_ticks: number;
    cpu_percent: number;
    sources: number;
  };
}

const HELP = `
Examples:
  npu-bench bench-self
  npu-bench bench-self --threads 1 --milliseconds 3000
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

function reportText({ info, limits, sampler }: SelfReport): string {
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
    return { info, limits, sampler: samplerReport(recording, periodMs) };
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
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(benchSelf);
}
