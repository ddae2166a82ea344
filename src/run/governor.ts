import { fork } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunOptions } from '../config/options.js';
import { NpuBenchError } from '../errors.js';
import { telemetryRoots } from './plan.js';

/** A file of the kernel, and what it said before it was changed. */
export interface Setting {
  path: string;
  before: string;
}

/** Governor files of all clusters below a sysfs root, with their present values. */
function governors(sys: string): Setting[] {
  const folder = join(sys, 'devices/system/cpu/cpufreq');
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.startsWith('policy'));
  } catch {
    names = [];
  }
  if (names.length === 0) {
    throw new NpuBenchError(
      'GOVERNOR',
      `This machine has no governors to set (${folder} lists none); leave --governor out.`,
    );
  }
  return names.map((name) => {
    const path = join(folder, name, 'scaling_governor');
    return { path, before: readFileSync(path, 'utf8').trim() };
  });
}

function refuseUnknown(settings: readonly Setting[], governor: string): void {
  for (const { path } of settings) {
    let offered: string[];
    try {
      offered = readFileSync(join(path, '../scaling_available_governors'), 'utf8').split(/\s+/);
    } catch {
      continue; // Not told: the kernel refuses a wrong name itself.
    }
    if (offered.includes(governor)) continue;
    throw new NpuBenchError(
      'GOVERNOR',
      `--governor ${governor} is not offered here; choose one of ${offered.filter(Boolean).join(', ')}.`,
    );
  }
}

/**
 * Starts the process that puts the settings back when this one ends, in whatever way: it waits for
 * its end of a channel to close, in a session of its own, so that no Ctrl-C reaches it.
 */
async function startGuard(settings: readonly Setting[]) {
  const script = fileURLToPath(new URL('./governor-guard.cjs', import.meta.url));
  const guard = fork(script, [], {
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<number | null>((resolve) => {
    guard.once('exit', resolve);
    guard.once('error', () => resolve(-1));
  });
  const ready = new Promise<void>((resolve) => guard.once('message', () => resolve()));
  guard.send(settings);
  const early = await Promise.race([ready, ended]);
  if (early !== undefined) {
    throw new NpuBenchError('GOVERNOR', 'The process that guards --governor did not start.', 5);
  }
  return {
    async restore() {
      if (guard.connected) guard.disconnect();
      const code = await ended;
      if (code === 0) return;
      throw new NpuBenchError(
        'GOVERNOR',
        `The governors could not be put back; set them by hand: ${settings.map(({ path, before }) => `echo ${before} > ${path}`).join('; ')}`,
        5,
      );
    },
  };
}

/**
 * Runs `use` under the governor of `--governor`, where one was asked for; afterwards, and whatever
 * ends this process, the governors are what they were before.
 */
export async function withGovernor<T>(
  options: { governor?: RunOptions['governor']; 'sysfs-root'?: RunOptions['sysfs-root'] },
  use: () => Promise<T>,
): Promise<T> {
  const { governor, 'sysfs-root': root } = options;
  if (governor === undefined) return use();
  const settings = governors(root === undefined ? '/sys' : telemetryRoots(root).sys);
  refuseUnknown(settings, governor);
  const guard = await startGuard(settings);
  try {
    try {
      for (const { path } of settings) writeFileSync(path, governor);
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      throw new NpuBenchError(
        'GOVERNOR',
        `--governor ${governor} could not be set (${path ?? 'scaling_governor'}: ${code}); it needs root.`,
        2,
        { cause: error },
      );
    }
    return await use();
  } finally {
    await guard.restore();
  }
}
