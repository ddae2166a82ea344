import type { Metadata } from '../schema/metadata.js';
import type { Run } from './runs.js';
import type { Difference, Relation } from './types.js';

/** Another value of any of these is another workload: figures of it answer another question. */
const WORKLOAD_KEYS = [
  'model.name',
  'model.parameters',
  'model.quantization',
  'model.architecture',
  'model.sha256',
  'model.weights',
  'benchmark_config.batch_size',
  'benchmark_config.input_length',
  'benchmark_config.output_length',
  'benchmark_config.precision',
  'benchmark_config.prompt_source',
  'benchmark_config.prompt',
  'benchmark_config.prompt_tokens',
  'benchmark_config.graphs',
];

/** Settings that change figures on one device; between devices they need not correspond. */
const SETTING_KEYS = [
  'benchmark_config.threads',
  'benchmark_config.warmup_iterations',
  'benchmark_config.cache',
  'benchmark_config.packed_cache',
  'benchmark_config.cold_start',
  'benchmark_config.perf_profile',
  'benchmark_config.executions',
  'benchmark_config.io_memory',
  'benchmark_config.decode_ahead',
];

const DEVICE_KEYS = ['device', 'device_info.name', 'device_info.backend', 'device_info.soc'];
const MACHINE_KEYS = ['system_info.cpu', 'system_info.os', 'system_info.architecture'];

/** Told, never refused: often the very thing that is compared. */
const INFORMATIVE_KEYS = [
  'device_info.driver',
  'device_info.runtime_version',
  'benchmark_config.runtime',
  'device_info.compute_capability',
  'system_info.kernel',
  'system_info.memory_gb',
  'system_info.hostname',
  'benchmark_config.iterations',
  'benchmark_config.seed',
  'benchmark_config.sample_interval_ms',
  'tool.version',
  'environment.addon.version',
  'environment.addon.xnnpack',
  'environment.node',
];

/** Told in the notes: a change of these is easily taken for a change of the program. */
const CONDITION_KEYS = [
  'system_info.governor',
  'environment.cpu_quota_cores',
  'benchmark_config.pinned_to',
  'benchmark_config.priority',
  'environment.addon.build_type',
  'environment.addon.compiler',
];

function valueAt(metadata: Metadata, key: string): unknown {
  let value: unknown = metadata;
  for (const part of key.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part))
      return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value ?? undefined;
}

/** Made-up prompts of one length are the same work whatever their ids are. */
function bothSynthetic(a: Metadata, b: Metadata): boolean {
  const key = 'benchmark_config.prompt_source';
  return valueAt(a, key) === 'synthetic' && valueAt(b, key) === 'synthetic';
}

/** Keys with different values; a key that one side does not state is not a difference. */
function differing(keys: readonly string[], a: Metadata, b: Metadata): Difference[] {
  return keys.flatMap((key) => {
    const baseline = valueAt(a, key);
    const current = valueAt(b, key);
    if (baseline === undefined || current === undefined) return [];
    if (key === 'benchmark_config.prompt_tokens' && bothSynthetic(a, b)) return [];
    return JSON.stringify(baseline) === JSON.stringify(current) ? [] : [{ key, baseline, current }];
  });
}

export interface Comparability {
  readonly relation: Relation;
  readonly mismatches: readonly Difference[];
  readonly differences: readonly Difference[];
  readonly conditions: readonly Difference[];
}

/** Whether two runs may be compared, and what differs between them. */
export function comparability(baseline: Metadata, current: Metadata): Comparability {
  const machine = differing(MACHINE_KEYS, baseline, current);
  const device = differing(DEVICE_KEYS, baseline, current);
  const relation: Relation =
    device.length > 0
      ? 'different devices'
      : machine.length > 0
        ? 'different machines'
        : 'same device';
  const settings = differing(SETTING_KEYS, baseline, current);
  const same = relation === 'same device';
  return {
    relation,
    mismatches: [...differing(WORKLOAD_KEYS, baseline, current), ...(same ? settings : [])],
    differences: [
      ...device,
      ...machine,
      ...(same ? [] : settings),
      ...differing(INFORMATIVE_KEYS, baseline, current),
    ],
    conditions: differing(CONDITION_KEYS, baseline, current),
  };
}

/** Runs of one side must be repetitions of each other: the first pair that is not, or undefined. */
export function inconsistentRun(
  runs: readonly Run[],
): { first: Run; other: Run; differences: readonly Difference[] } | undefined {
  const [first, ...others] = runs;
  if (first === undefined) return undefined;
  for (const other of others) {
    const { relation, mismatches, differences } = comparability(first.metadata, other.metadata);
    if (relation !== 'same device') {
      const named = differences.filter(({ key }) =>
        [...DEVICE_KEYS, ...MACHINE_KEYS].includes(key),
      );
      return { first, other, differences: named };
    }
    if (mismatches.length > 0) return { first, other, differences: mismatches };
  }
  return undefined;
}

/** "model.quantization (int8, int4), threads (4, 8)": keys without their obvious prefix. */
export function describeDifferences(differences: readonly Difference[]): string {
  return differences
    .map(({ key, baseline, current }) => {
      const name = key.replace(/^benchmark_config\./, '');
      return `${name} (${shown(baseline)} against ${shown(current)})`;
    })
    .join(', ');
}

/** A value as text of at most 40 characters. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}
