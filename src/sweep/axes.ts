import type { RawOptions } from '../config/options.js';
import { NpuBenchError } from '../errors.js';

/** One thing that a sweep varies: an option of `run`, and the values that it takes in turn. */
export interface Axis {
  readonly option: string;
  /** Name in a case's id and column heading of the table. */
  readonly key: string;
  readonly title: string;
  readonly values: readonly string[];
}

export interface SweepCase {
  /** "batch_size=4 threads=2"; "single" where nothing varies. */
  readonly id: string;
  readonly label: string;
  /** Options of `run` that make this case; they win over the common ones. */
  readonly changes: RawOptions;
  /** Its value on each axis, in the axes' order. */
  readonly values: readonly string[];
}

interface AxisKind {
  readonly flag: string;
  readonly option: string;
  readonly title: string;
  describe(value: string): string;
}

/** In the order of the loops that they make: the first varies slowest. */
export const AXES: readonly AxisKind[] = [
  { flag: 'devices', option: 'device', title: 'Device', describe: (value) => value.toUpperCase() },
  { flag: 'backends', option: 'backend', title: 'Backend', describe: (value) => value },
  {
    flag: 'quantizations',
    option: 'quantization',
    title: 'Quantization',
    describe: (value) => value,
  },
  { flag: 'runtimes', option: 'runtime', title: 'Runtime', describe: (value) => value },
  {
    flag: 'threads-list',
    option: 'threads',
    title: 'Threads',
    describe: (value) => `${value} ${value === '1' ? 'thread' : 'threads'}`,
  },
  {
    flag: 'input-lengths',
    option: 'input-length',
    title: 'Input',
    describe: (value) => `input ${value}`,
  },
  {
    flag: 'output-lengths',
    option: 'output-length',
    title: 'Output',
    describe: (value) => `output ${value}`,
  },
  {
    flag: 'batch-sizes',
    option: 'batch-size',
    title: 'Batch Size',
    describe: (value) => `batch ${value}`,
  },
];

function listOf(flag: string, text: string): string[] {
  const values = text.split(',').map((value) => value.trim());
  if (values.includes('')) {
    throw new NpuBenchError(
      'OPTION',
      `--${flag} must be values with commas between them, such as --batch-sizes 1,2,4, not "${text}".`,
    );
  }
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) {
    throw new NpuBenchError('OPTION', `--${flag} names ${twice} twice; leave one out.`);
  }
  return values;
}

/**
 * The axes that the lists of a command line give. Throws NpuBenchError for an empty or repeated
 * value, and where an option has both a list and a single value.
 */
export function axesOf(lists: Readonly<Record<string, string>>, common: RawOptions): Axis[] {
  return AXES.flatMap(({ flag, option, title }) => {
    const text = lists[flag];
    if (text === undefined) return [];
    if (common[option] !== undefined) {
      throw new NpuBenchError(
        'OPTION',
        `--${flag} and --${option} both give the ${title.toLowerCase()}; leave one out.`,
      );
    }
    return [{ option, key: option.replaceAll('-', '_'), title, values: listOf(flag, text) }];
  });
}

function describeValue(axis: Axis, value: string): string {
  return AXES.find(({ option }) => option === axis.option)?.describe(value) ?? value;
}

/** Every combination of the axes' values; one case without any axis. */
export function casesOfAxes(axes: readonly Axis[]): SweepCase[] {
  let combinations: string[][] = [[]];
  for (const axis of axes) {
    combinations = combinations.flatMap((head) => axis.values.map((value) => [...head, value]));
  }
  return combinations.map((values) => {
    const pairs = axes.map((axis, i) => [axis, values[i] as string] as const);
    return {
      id: pairs.map(([{ key }, value]) => `${key}=${value}`).join(' ') || 'single',
      label: pairs.map(([axis, value]) => describeValue(axis, value)).join(', ') || 'single',
      changes: Object.fromEntries(pairs.map(([{ option }, value]) => [option, value])),
      values,
    };
  });
}
