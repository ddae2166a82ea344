import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { NpuBenchError } from '../errors.js';
import { withHelper } from '../native/helper.js';
import { RECORD_FILE, type RuntimeRecord, runtimeFolder } from './store.js';
import { hostSystem, RUNTIME_PACKAGE, type RuntimeSystem } from './systems.js';

export interface FetchedRuntime {
  /** Unpacked package; removed by the caller. */
  folder: string;
  /** The package's own words, and the file with the vendor's full licence. */
  licence: string;
}

function python(args: string[], doing: string): void {
  const command = process.platform === 'win32' ? 'python' : 'python3';
  const done = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (done.status === 0) return;
  const reason =
    done.error !== undefined
      ? `${command} could not be started (${done.error.message})`
      : (done.stderr.trim().split('\n').at(-1) ?? `exit code ${done.status}`);
  throw new NpuBenchError(
    'RUNTIME',
    `${doing} failed: ${reason}; Python with pip and a way to its package index are needed.`,
    5,
  );
}

/** Fetches the package with pip and unpacks it into a temporary folder. Nothing is installed yet. */
export function fetchRuntime(version: string, system: RuntimeSystem): FetchedRuntime {
  const folder = mkdtempSync(join(tmpdir(), 'npu-bench-runtime-'));
  try {
    const target = ['--python-version', '3.12', '--platform', system.pipPlatform];
    python(
      [
        ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'],
        ...['--only-binary=:all:', ...target, '--dest', folder],
        `${RUNTIME_PACKAGE}==${version}`,
      ],
      `Fetching ${RUNTIME_PACKAGE} ${version} for ${system.name}`,
    );
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new NpuBenchError('RUNTIME', 'pip fetched no wheel.', 5);
    const unpacked = join(folder, 'unpacked');
    python(['-m', 'zipfile', '-e', join(folder, wheel), unpacked], `Unpacking ${wheel}`);
    return { folder, licence: licenceText(join(unpacked, 'onnxruntime_qnn')) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function licenceText(folder: string): string {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const texts = names.filter((name) => /licen[sc]e(\.txt|\.md)?$/i.test(name));
  const documents = names.filter((name) => /licen[sc]e\.pdf$/i.test(name));
  return [
    ...texts.map((name) => readFileSync(join(folder, name), 'utf8').trim()),
    ...documents.map((name) => `Qualcomm's licence of the libraries: ${join(folder, name)}`),
  ].join('\n\n');
}

/** Copies only the libraries (and the licence) into the cache; returns their folder. */
export function installFetched(
  fetched: FetchedRuntime,
  version: string,
  system: RuntimeSystem,
): string {
  const source = join(fetched.folder, 'unpacked', ...system.folder.split('/'));
  const names = existsSync(source) ? readdirSync(source) : [];
  const libraries = names.filter((name) => system.libraries.test(name));
  if (!libraries.some((name) => /QnnHtp\.(dll|so)$/.test(name))) {
    throw new NpuBenchError(
      'RUNTIME',
      `The package ${RUNTIME_PACKAGE} ${version} holds no QNN libraries in ${system.folder}; name another version with --version.`,
    );
  }
  const folder = runtimeFolder(version, system.name, hostSystem());
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  for (const name of libraries) copyFileSync(join(source, name), join(part, name));
  const top = join(fetched.folder, 'unpacked', 'onnxruntime_qnn');
  for (const name of readdirSync(top).filter((one) => /licen[sc]e/i.test(one))) {
    copyFileSync(join(top, name), join(part, name));
  }
  const record: RuntimeRecord = {
    runtime: 'qnn',
    version,
    system: system.name,
    package: `${RUNTIME_PACKAGE} ${version}`,
  };
  writeFileSync(join(part, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(part, folder);
  return folder;
}

/** Loads the runtime in a process of its own: what it found, or why the NPU can't be used yet. */
export async function tryRuntime(folder: string): Promise<{ usable: boolean; sentence: string }> {
  const [probe] = await withHelper((helper) =>
    helper.call('probe', { backend: 'qnn', extra: { qnn_lib_dir: folder } }),
  );
  const device = probe?.devices[0];
  if (device !== undefined) {
    return { usable: true, sentence: `${device.name}, ${device.soc}, ${device.runtimeVersion}` };
  }
  const { reason, remedy } = probe?.unavailable ?? {
    reason: 'This build of npu-bench has no NPU backend.',
    remedy: '',
  };
  return { usable: false, sentence: `${reason} ${remedy}`.trim() };
}
