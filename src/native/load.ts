import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { NpuBenchError } from '../errors.js';
import { explainFailure, type LoadFailure, systemFacts } from './explain.js';

/** For tests only: the path of a module that implements NativeBinding without any device. */
export const TEST_BINDING_VARIABLE = 'NPU_BENCH_TEST_BINDING';

export interface AddonLocation {
  path: string;
  /** True for a test's stand-in: a document made with it says so, and its figures mean nothing. */
  fake: boolean;
}

export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** An addon that is missing, that failed to load, or that took its process down: exit code 2. */
export function loadError(
  code: 'ADDON_MISSING' | 'ADDON_LOAD' | 'ADDON_CRASH',
  failure: LoadFailure,
  cause?: unknown,
): NpuBenchError {
  return new NpuBenchError(code, explainFailure(failure, systemFacts(packageRoot)), 2, { cause });
}

/**
 * Where the addon lies. Nothing is loaded here: only child processes load it, so that a crash while
 * loading is a sentence too. Throws NpuBenchError (exit code 2) when there is none.
 */
export function locateAddon(): AddonLocation {
  const standIn = process.env[TEST_BINDING_VARIABLE];
  if (standIn) {
    if (!existsSync(standIn)) {
      throw new NpuBenchError(
        'ADDON_MISSING',
        `${TEST_BINDING_VARIABLE} names ${standIn}, which does not exist.`,
      );
    }
    return { path: standIn, fake: true };
  }
  const require = createRequire(import.meta.url);
  const load = require('node-gyp-build') as { resolve(directory: string): string };
  try {
    return { path: load.resolve(packageRoot), fake: false };
  } catch (error) {
    throw loadError('ADDON_MISSING', { problem: 'no binary fits this system' }, error);
  }
}
