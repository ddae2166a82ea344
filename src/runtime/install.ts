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
import { stripVTControlCharacters } from 'node:util';
import { NpuBenchError } from '../errors.js';
import { withHelper } from '../native/helper.js';
import { RECORD_FILE, type RuntimeRecord, runtimeFolder } from './store.js';
import { ANDROID_PACKAGE, hostSystem, RUNTIME_PACKAGE, type RuntimeSystem } from './systems.js';

export interface FetchedRuntime {
  /** Unpacked package; removed by the caller. */
  folder: string;
  /** The package's own words, and the file with the vendor's full licence. */
  licence: string;
}

function start(command: string, args: string[], doing: string, needed: string): void {
  const done = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (done.status === 0) return;
  const said = stripVTControlCharacters(`${done.stdout ?? ''}\n${done.stderr ?? ''}`)
    .split('\n')
    .map((line) => line.trim());
  // pip's last line is its error; Maven's first one that says anything is, and help follows.
  const errors = said
    .map((line) => /^(?:\[ERROR\]|ERROR:)\s*(.+)/.exec(line)?.[1])
    .filter((text) => text !== undefined);
  const reason =
    done.error !== undefined
      ? `${command} could not be started (${done.error.message})`
      : (errors[0] ?? said.filter((line) => line !== '').at(-1) ?? `exit code ${done.status}`);
  throw new NpuBenchError('RUNTIME', `${doing} failed: ${reason}; ${needed}`, 5);
}

function python(args: string[], doing: string): void {
  const command = process.platform === 'win32' ? 'python' : 'python3';
  start(command, args, doing, 'Python with pip and a way to its package index are needed.');
}

/** Both kinds of package are zip files. */
function unpack(archive: string, folder: string): void {
  python(['-m', 'zipfile', '-e', archive, folder], `Unpacking ${archive}`);
}

function fetchWheel(version: string, platform: string, folder: string, name: string): void {
  python(
    [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'],
      ...['--only-binary=:all:', '--python-version', '3.12', '--platform', platform],
      ...['--dest', folder, `${RUNTIME_PACKAGE}==${version}`],
    ],
    `Fetching ${RUNTIME_PACKAGE} ${version} for ${name}`,
  );
}

function fetchAndroidArchive(version: string, folder: string): void {
  start(
    process.platform === 'win32' ? 'mvn.cmd' : 'mvn',
    [
      ...['-q', '-B', 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy'],
      `-Dartifact=${ANDROID_PACKAGE}:${version}:aar`,
      `-DoutputDirectory=${folder}`,
    ],
    `Fetching ${ANDROID_PACKAGE} ${version}`,
    "Maven (mvn) and a way to its repository are needed, and --version names a version of Qualcomm's SDK such as 2.26.0.",
  );
}

/** Fetches the package with its own client and unpacks it into a temporary folder. */
export function fetchRuntime(version: string, system: RuntimeSystem): FetchedRuntime {
  const folder = mkdtempSync(join(tmpdir(), 'npu-bench-runtime-'));
  try {
    if ('pip' in system.client) fetchWheel(version, system.client.pip, folder, system.name);
    else fetchAndroidArchive(version, folder);
    const archive = readdirSync(folder).find((name) => /\.(whl|aar)$/.test(name));
    if (archive === undefined) {
      throw new NpuBenchError('RUNTIME', 'The package client fetched nothing.', 5);
    }
    const unpacked = join(folder, 'unpacked');
    unpack(join(folder, archive), unpacked);
    return { folder, licence: licenceOf(system, unpacked) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function licenceOf(system: RuntimeSystem, unpacked: string): string {
  const text = licenceText(join(unpacked, 'onnxruntime_qnn')) || licenceText(unpacked);
  return (
    text ||
    `The package for ${system.name} holds no licence text; Qualcomm's terms for its AI Runtime apply (see the package's page).`
  );
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

const BACKEND = /QnnHtp\.(dll|so)$/;

/** "2.51.0": the SDK that a backend library belongs to, from the build id inside it. */
export function sdkVersion(library: string): string | undefined {
  return /v(2\.\d+\.\d+)\.\d{6,}/.exec(readFileSync(library, 'latin1'))?.[1];
}

/** Copies only the libraries (and the licence) into the cache; returns their folder. */
export function installFetched(
  fetched: FetchedRuntime,
  version: string,
  system: RuntimeSystem,
): string {
  const source = system.folders
    .map((inside) => join(fetched.folder, 'unpacked', ...inside.split('/')))
    .find((path) => existsSync(path) && readdirSync(path).some((name) => BACKEND.test(name)));
  const packageName = 'pip' in system.client ? RUNTIME_PACKAGE : ANDROID_PACKAGE;
  if (source === undefined) {
    throw new NpuBenchError(
      'RUNTIME',
      `The package ${packageName} ${version} holds no QNN libraries in ${system.folders.join(' or ')}; name another version with --version.`,
    );
  }
  const libraries = readdirSync(source).filter((name) => system.libraries.test(name));
  const folder = runtimeFolder(version, system.name, hostSystem());
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  for (const name of libraries) copyFileSync(join(source, name), join(part, name));
  for (const top of ['onnxruntime_qnn', ''].map((one) => join(fetched.folder, 'unpacked', one))) {
    if (!existsSync(top)) continue;
    for (const entry of readdirSync(top, { withFileTypes: true })) {
      if (entry.isFile() && /licen[sc]e/i.test(entry.name)) {
        copyFileSync(join(top, entry.name), join(part, entry.name));
      }
    }
  }
  const sdk = sdkVersion(join(part, libraries.find((name) => BACKEND.test(name)) as string));
  const record: RuntimeRecord = {
    runtime: 'qnn',
    version,
    system: system.name,
    package: `${packageName} ${version}`,
    ...(sdk === undefined ? {} : { sdk }),
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
