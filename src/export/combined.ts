import { ratioTable } from '../compare/ratios.js';
import { runsOf } from '../compare/runs.js';
import type { RatioRow } from '../compare/types.js';
import { mean } from '../stats/basics.js';
import {
  describeModel,
  describeWorkload,
  deviceName,
  groupBy,
  type ReportCase,
  workloadKey,
} from './cases.js';
import { meanOf } from './figures.js';

/** One column of a comparison: all runs of one device at the same workload. */
export interface ComparedDevice {
  readonly name: string;
  readonly device: string;
  readonly cases: readonly ReportCase[];
  /** Ratios to the reference device; empty for the reference itself. */
  readonly ratios: readonly RatioRow[];
}

export interface DeviceComparison {
  readonly workload: string;
  readonly reference: ComparedDevice;
  /** The reference first, then the others in the order of the inputs. */
  readonly devices: readonly ComparedDevice[];
}

export interface ScalingStep {
  readonly batchSize: number;
  readonly runs: number;
  readonly figures: ReadonlyMap<string, number>;
  /** Throughput ÷ (throughput of the smallest batch × batch ratio): 1 is perfect scaling. */
  readonly efficiency?: number;
}

export interface BatchScaling {
  readonly title: string;
  readonly rateId: string;
  readonly steps: readonly ScalingStep[];
}

/** Mean over the runs of one group, of the mean of each run. */
export function groupMean(cases: readonly ReportCase[], id: string): number | undefined {
  const values = cases
    .map((entry) => meanOf(entry.document, id))
    .filter((value): value is number => value !== undefined);
  return values.length > 0 ? mean(values) : undefined;
}

function deviceKey({ document: { metadata } }: ReportCase): string {
  return `${metadata.device}\n${metadata.device_info.backend ?? ''}\n${metadata.device_info.name}`;
}

/** Names that tell the devices of one comparison apart: "CPU", or "GPU, opencl" if two are GPUs. */
function deviceNames(groups: readonly ReportCase[][]): string[] {
  const kinds = groups.map((cases) => (cases[0] as ReportCase).document.metadata);
  return kinds.map((metadata) => {
    const same = kinds.filter((other) => other.device === metadata.device);
    if (same.length === 1) return deviceName(metadata.device);
    const backends = new Set(same.map((other) => other.device_info.backend));
    const detail = backends.size === same.length ? metadata.device_info.backend : null;
    return `${deviceName(metadata.device)}, ${detail ?? metadata.device_info.name}`;
  });
}

/** Every workload that was measured on at least two devices, with the CPU as the reference. */
export function compareDevices(cases: readonly ReportCase[]): DeviceComparison[] {
  const comparisons: DeviceComparison[] = [];
  for (const group of groupBy(cases, (entry) => workloadKey(entry.document)).values()) {
    const byDevice = [...groupBy(group, deviceKey).values()];
    if (byDevice.length < 2) continue;
    byDevice.sort((a, b) => Number(isCpu(b)) - Number(isCpu(a)));
    const names = deviceNames(byDevice);
    const runs = byDevice.map((entries) =>
      entries.flatMap((entry) => runsOf(entry.document, entry.file)),
    );
    const devices = byDevice.map((entries, index) => ({
      name: names[index] as string,
      device: (entries[0] as ReportCase).document.metadata.device,
      cases: entries,
      ratios: index === 0 ? [] : ratioTable(runs[0] ?? [], runs[index] ?? []),
    }));
    const first = (group[0] as ReportCase).document;
    comparisons.push({
      workload: `${describeModel(first)}; ${describeWorkload(first)}`,
      reference: devices[0] as ComparedDevice,
      devices,
    });
  }
  return comparisons;
}

function isCpu(cases: readonly ReportCase[]): boolean {
  return cases[0]?.document.metadata.device === 'cpu';
}

export const SCALING_IDS = [
  'throughput.tokens_per_second',
  'throughput.queries_per_second',
  'latency.first_token_ms',
  'latency.subsequent_token_ms',
  'power.average_power_w',
  'memory.peak_memory_usage_mb',
  'efficiency.tokens_per_joule',
] as const;

/** Everything but the batch that has to agree between the steps of a scaling series. */
function seriesKey({ document: { metadata } }: ReportCase): string {
  const { model, device, device_info: info, benchmark_config: config } = metadata;
  return JSON.stringify([
    model.name,
    model.quantization ?? null,
    device,
    info.backend ?? null,
    info.name,
    config.input_length,
    config.output_length,
    config.threads ?? null,
    config.precision ?? null,
  ]);
}

function scalingStep(batchSize: number, cases: readonly ReportCase[]): ScalingStep {
  const figures = new Map<string, number>();
  for (const id of SCALING_IDS) {
    const value = groupMean(cases, id);
    if (value !== undefined) figures.set(id, value);
  }
  const rate = figures.get('throughput.tokens_per_second');
  const power = figures.get('power.average_power_w');
  if (!figures.has('efficiency.tokens_per_joule') && rate !== undefined && power) {
    figures.set('efficiency.tokens_per_joule', rate / power);
  }
  return { batchSize, runs: cases.length, figures };
}

/** Every series of at least two batch sizes on one device. */
export function batchScaling(cases: readonly ReportCase[]): BatchScaling[] {
  const found: BatchScaling[] = [];
  for (const group of groupBy(cases, seriesKey).values()) {
    const byBatch = groupBy(group, ({ document }) =>
      String(document.metadata.benchmark_config.batch_size),
    );
    if (byBatch.size < 2) continue;
    const steps = [...byBatch]
      .map(([batch, entries]) => scalingStep(Number(batch), entries))
      .sort((a, b) => a.batchSize - b.batchSize);
    const first = steps[0] as ScalingStep;
    const rateId = first.figures.has('throughput.queries_per_second')
      ? 'throughput.queries_per_second'
      : 'throughput.tokens_per_second';
    const base = first.figures.get(rateId);
    const { document } = group[0] as ReportCase;
    const { device, benchmark_config: config } = document.metadata;
    const threads = config.threads == null ? '' : `, ${config.threads} threads`;
    found.push({
      title: `${describeModel(document)} on ${deviceName(device)}${threads}; ${config.input_length} tokens in, ${config.output_length} out`,
      rateId,
      steps: steps.map((step) => {
        const rate = step.figures.get(rateId);
        if (!base || rate === undefined) return step;
        return { ...step, efficiency: rate / base / (step.batchSize / first.batchSize) };
      }),
    });
  }
  return found;
}
