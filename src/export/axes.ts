import type { ResultDocument } from '../schema/index.js';
import { describeModel, deviceName, groupBy, type ReportCase } from './cases.js';
import { groupMean } from './combined.js';

/** What a sweep varies besides the batch size, which has a section with its own efficiency. */
interface AxisKind {
  readonly id: 'input-length' | 'output-length' | 'threads' | 'quantization';
  readonly title: string;
  readonly label: string;
  value(document: ResultDocument): number | string | undefined;
}

const AXES: readonly AxisKind[] = [
  {
    id: 'input-length',
    title: 'input length',
    label: 'input tokens',
    value: ({ metadata }) => metadata.benchmark_config.input_length,
  },
  {
    id: 'output-length',
    title: 'output length',
    label: 'output tokens',
    value: ({ metadata }) => metadata.benchmark_config.output_length,
  },
  {
    id: 'threads',
    title: 'threads',
    label: 'threads',
    value: ({ metadata }) => metadata.benchmark_config.threads ?? undefined,
  },
  {
    id: 'quantization',
    title: 'quantization',
    label: 'quantization',
    value: ({ metadata }) => metadata.model.quantization ?? undefined,
  },
];

export interface AxisStep {
  readonly name: string;
  /** Place on a numeric axis; undefined for quantizations. */
  readonly size?: number;
  readonly cases: readonly ReportCase[];
}

/** Cases on one device that differ in one setting only. */
export interface AxisScaling {
  readonly id: AxisKind['id'];
  readonly title: string;
  readonly label: string;
  /** What all of them share, in words. */
  readonly common: string;
  readonly steps: readonly AxisStep[];
}

/** Everything that has to agree between the steps of an axis. */
function seriesKey({ document: { metadata } }: ReportCase, axis: AxisKind['id']): string {
  const { model, device, device_info: info, benchmark_config: config } = metadata;
  const varied = (id: AxisKind['id'], value: unknown) => (id === axis ? null : (value ?? null));
  return JSON.stringify([
    model.name,
    varied('quantization', model.quantization),
    device,
    info.backend ?? null,
    info.name,
    config.batch_size,
    varied('input-length', config.input_length),
    varied('output-length', config.output_length),
    varied('threads', config.threads),
    config.precision ?? null,
  ]);
}

function commonWords({ document }: ReportCase, axis: AxisKind['id']): string {
  const { model, device, benchmark_config: config } = document.metadata;
  const { threads, batch_size: batch } = config;
  const name = axis === 'quantization' ? model.name : describeModel(document);
  return [
    `${name} on ${deviceName(device)}`,
    ...(axis === 'threads' || threads == null ? [] : [`${threads} threads`]),
    ...(axis === 'input-length' ? [] : [`${config.input_length} tokens in`]),
    ...(axis === 'output-length' ? [] : [`${config.output_length} out`]),
    ...(batch > 1 ? [`batch ${batch}`] : []),
  ].join(', ');
}

/** Bits of a weight, so that quantizations stand in the order of their size. */
function bitsOf([entry]: readonly ReportCase[]): number {
  return entry?.document.metadata.model.bits_per_weight ?? 0;
}

/** Every series of at least two values of one setting on one device. */
export function axisScalings(cases: readonly ReportCase[]): AxisScaling[] {
  return AXES.flatMap((axis) =>
    [...groupBy(cases, (entry) => seriesKey(entry, axis.id)).values()].flatMap((group) => {
      const known = group.filter(({ document }) => axis.value(document) !== undefined);
      const byValue = groupBy(known, ({ document }) => String(axis.value(document)));
      if (byValue.size < 2) return [];
      const numeric = axis.id !== 'quantization';
      const steps = [...byValue]
        .map(([name, entries]): AxisStep => {
          return { name, cases: entries, ...(numeric ? { size: Number(name) } : {}) };
        })
        .sort((a, b) =>
          numeric ? (a.size ?? 0) - (b.size ?? 0) : bitsOf(a.cases) - bitsOf(b.cases),
        );
      return {
        id: axis.id,
        title: axis.title,
        label: axis.label,
        common: commonWords(group[0] as ReportCase, axis.id),
        steps,
      };
    }),
  );
}

/** Mean of a metric at each step that has it; a power source may be missing at some. */
export function figuresAlong({ steps }: AxisScaling, id: string) {
  return steps.flatMap((step) => {
    const value = groupMean(step.cases, id);
    return value === undefined ? [] : [{ step, value }];
  });
}
