import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { NpuBenchError } from '../errors.js';

/** For tests only: the path of a module that implements NativeBinding without any device. */
export const TEST_BINDING_VARIABLE = 'NPU_BENCH_TEST_BINDING';

export interface AddonLocation {
  path: string;
  /** True for a test's stand-in: a document made with it says so, and its figures mean nothing. */
  fake: boolean;
}

export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

const platformTag = `${process.platform}-${process.arch}`;

function availablePrebuilds(): string[] {
  try {
    return readdirSync(`${packageRoot}prebuilds`).sort();
  } catch {
    return [];
  }
}

/** The ways out when no binary fits or the one that fits cannot be loaded. */
function waysOut(): string {
  return [
    `  1. build it here: npm run build:native in ${packageRoot} (needs CMake, Ninja and a C++20 compiler)`,
    '  2. after an install without scripts: npm rebuild npu-proxy-benchmark',
    '  3. npu-bench doctor shows what was found',
  ].join('\n');
}

/** Sentence, facts and ways out for an addon that is missing or that failed to load. */
export function explainLoadFailure(problem: string, path?: string): string {
  const prebuilds = availablePrebuilds();
  return [
    `The native addon cannot be loaded: ${problem}`,
    `  platform ${platformTag}, Node ${process.version}`,
    `  file ${path ?? `none for ${platformTag} under ${packageRoot}build/Release or prebuilds`}`,
    `  prebuilds in this package: ${prebuilds.length > 0 ? prebuilds.join(', ') : 'none'}`,
    'Ways out:',
    waysOut(),
  ].join('\n');
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
    throw new NpuBenchError(
      'ADDON_MISSING',
      explainLoadFailure('there is no binary for this platform.'),
      2,
      { cause: error },
    );
  }
}
