import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunOptions } from '../config/options.js';
import { NpuBenchError } from '../errors.js';
import type { Scheduling } from '../native/binding.js';

function readNumber(path: string): number | undefined {
  try {
    const value = Number(readFileSync(path, 'utf8'));
    return Number.isFinite(value) && value > 0 ? value : undefined;
  } catch {
    return undefined; // This kernel doesn't tell.
  }
}

/** Processors of the fastest kind: by the kernel's capacity, else by their highest clock, else all. */
export function fastestCpus(sys: string): number[] {
  const folder = join(sys, 'devices/system/cpu');
  let names: string[] = [];
  try {
    names = readdirSync(folder).filter((name) => /^cpu\d+$/.test(name));
  } catch {
    // Told below.
  }
  const speeds = names.map((name) => ({
    cpu: Number(name.slice(3)),
    speed:
      readNumber(join(folder, name, 'cpu_capacity')) ??
      readNumber(join(folder, name, 'cpufreq/cpuinfo_max_freq')) ??
      1,
  }));
  if (speeds.length === 0) {
    throw new NpuBenchError('PIN', '--pin fast needs a list of processors; name them: --pin 4-7.');
  }
  const best = Math.max(...speeds.map(({ speed }) => speed));
  return speeds
    .filter(({ speed }) => speed >= 0.98 * best)
    .map(({ cpu }) => cpu)
    .sort((a, b) => a - b);
}

/** What `--pin` and `--priority` ask of the measured process; undefined without them. */
export function schedulingOf(options: RunOptions): Scheduling | undefined {
  const { pin, priority, threads } = options;
  if (pin === undefined && priority === undefined) return undefined;
  const cpus = pin === 'fast' ? fastestCpus('/sys') : pin;
  if (cpus !== undefined && threads !== undefined && threads > cpus.length) {
    throw new NpuBenchError(
      'PIN',
      `--threads ${threads} would share the ${cpus.length} processors of --pin; use at most ${cpus.length} threads, or name more processors.`,
    );
  }
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(priority === undefined ? {} : { niceness: priority }),
  };
}
