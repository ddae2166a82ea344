import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { NpuBenchError } from '../errors.js';
import { cacheDirectory } from '../models/cache.js';

/** What is written beside installed libraries. */
export interface RuntimeRecord {
  runtime: 'qnn';
  /** Of the package. */
  version: string;
  system: string;
  package: string;
  /** Of Qualcomm's SDK that the libraries belong to, where they tell. */
  sdk?: string;
}

export interface InstalledRuntime extends RuntimeRecord {
  folder: string;
  bytes: number;
}

export const RECORD_FILE = 'npu-bench-runtime.json';

/** native/backends/qnn/library.cc looks here, too. */
export function runtimesFolder(): string {
  return join(cacheDirectory(), 'runtimes', 'qnn');
}

/** Other systems' libraries are kept apart, so that they are never opened here. */
export function runtimeFolder(version: string, system: string, host: string): string {
  const name = system === host ? version : `${version}-${system}`;
  const root = system === host ? runtimesFolder() : join(cacheDirectory(), 'runtimes', 'qnn-other');
  return join(root, name);
}

function folderBytes(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

function readRecord(folder: string): RuntimeRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, RECORD_FILE), 'utf8')) as RuntimeRecord;
  } catch {
    // An unfinished installation or somebody's own folder: not one of ours.
    return undefined;
  }
}

export function installedRuntimes(): InstalledRuntime[] {
  return ['qnn', 'qnn-other'].flatMap((kind) => {
    const root = join(cacheDirectory(), 'runtimes', kind);
    if (!existsSync(root)) return [];
    return readdirSync(root).flatMap((name) => {
      const folder = join(root, name);
      const record = readRecord(folder);
      return record === undefined ? [] : [{ ...record, folder, bytes: folderBytes(folder) }];
    });
  });
}

/** "2.5" stands for 2.5.1, not for 2.51. */
function standsFor(asked: string, version: string | undefined): boolean {
  return version === asked || (version?.startsWith(`${asked}.`) ?? false);
}

/**
 * What `--runtime qnn@2.51` names: an installation for this system whose SDK or package has that
 * version, the newest one of several. Throws NpuBenchError, exit code 2.
 */
export function findRuntime(text: string, host: string): InstalledRuntime {
  const asked = /^qnn@(.+)$/.exec(text)?.[1];
  if (asked === undefined) {
    throw new NpuBenchError(
      'RUNTIME',
      `--runtime names a runtime and its version, such as qnn@2.51, not "${text}".`,
    );
  }
  const all = installedRuntimes();
  const matches = all.filter(
    ({ sdk, version }) => standsFor(asked, sdk) || standsFor(asked, version),
  );
  const own = matches.filter(({ system }) => system === host);
  const newest = own
    .sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }))
    .at(-1);
  if (newest !== undefined) return newest;
  const shown = all.map(
    (one) => `${one.version}${one.sdk ? ` (SDK ${one.sdk})` : ''}, ${one.system}`,
  );
  const why =
    matches.length > 0 ? `is installed for ${matches[0]?.system} only` : 'is not installed';
  throw new NpuBenchError(
    'RUNTIME',
    `QNN runtime ${asked} ${why}; ${shown.length > 0 ? `installed: ${shown.join('; ')}` : 'none is installed'}. \`npu-bench runtime install qnn --version VERSION\` fetches one.`,
  );
}

/** Removes every installation of a version; throws NpuBenchError when there is none. */
export function removeRuntime(version: string): InstalledRuntime[] {
  const all = installedRuntimes();
  const found = all.filter((one) => one.version === version);
  if (found.length === 0) {
    const known = all.map((one) => one.version).join(', ');
    throw new NpuBenchError(
      'RUNTIME',
      `No QNN runtime ${version} is installed; ${known ? `installed: ${known}` : 'none is'}.`,
    );
  }
  for (const one of found) rmSync(one.folder, { recursive: true });
  return found;
}
