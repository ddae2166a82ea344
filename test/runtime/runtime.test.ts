import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installFetched } from '../../src/runtime/install.js';
import { findRuntime, installedRuntimes, removeRuntime } from '../../src/runtime/store.js';
import { hostSystem, runtimeSystem } from '../../src/runtime/systems.js';

let folder = '';
const before = process.env.NPU_BENCH_CACHE;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'npb-runtime-'));
  process.env.NPU_BENCH_CACHE = join(folder, 'cache');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  if (before === undefined) delete process.env.NPU_BENCH_CACHE;
  else process.env.NPU_BENCH_CACHE = before;
});

function unpackedPackage(files: string[]) {
  const libraries = join(folder, 'unpacked', 'onnxruntime_qnn');
  mkdirSync(libraries, { recursive: true });
  for (const name of files) writeFileSync(join(libraries, name), name);
  return { folder, licence: 'terms' };
}

test('only the runtime and its licence are kept, versions side by side', () => {
  const system = runtimeSystem('linux-arm64');
  const fetched = unpackedPackage([
    'libQnnHtp.so',
    'libQnnSystem.so',
    'libQnnHtpV75Skel.so',
    'libonnxruntime_providers_qnn.so',
    '__init__.py',
    'Qualcomm_LICENSE.pdf',
  ]);
  const first = installFetched(fetched, '2.7.0', system);
  installFetched(fetched, '2.8.0', system);
  expect(readdirSync(first).sort()).toEqual([
    'Qualcomm_LICENSE.pdf',
    'libQnnHtp.so',
    'libQnnHtpV75Skel.so',
    'libQnnSystem.so',
    'npu-bench-runtime.json',
  ]);
  expect(installedRuntimes().map((one) => one.version)).toEqual(['2.7.0', '2.8.0']);
  removeRuntime('2.7.0');
  expect(installedRuntimes().map((one) => one.version)).toEqual(['2.8.0']);
  expect(() => removeRuntime('2.7.0')).toThrow(
    /No QNN runtime 2\.7\.0 is installed; installed: 2\.8\.0/,
  );
});

test("another system's libraries never lie where this system's are looked for", () => {
  const other = ['linux-arm64', 'windows-x64'].find((name) => name !== hostSystem()) as string;
  const system = { ...runtimeSystem(other), folders: ['onnxruntime_qnn'], libraries: /\.so$/ };
  const installed = installFetched(unpackedPackage(['libQnnHtp.so']), '2.7.0', system);
  expect(installed).toContain(join('runtimes', 'qnn-other', `2.7.0-${other}`));
});

test('a package without libraries, and a system without a package, are refused with the way out', () => {
  const system = runtimeSystem('linux-arm64');
  expect(() => installFetched(unpackedPackage(['__init__.py']), '1.0', system)).toThrow(
    /holds no QNN libraries in onnxruntime_qnn; name another version/,
  );
  expect(() => runtimeSystem('linux-x64')).toThrow(/for linux-x64; there is one for linux-arm64/);
});

test('--runtime names an installation by the version of its SDK or of its package', () => {
  const system = { ...runtimeSystem('linux-arm64'), name: hostSystem() };
  const fetched = unpackedPackage(['libQnnHtp.so']);
  const library = join(folder, 'unpacked', 'onnxruntime_qnn', 'libQnnHtp.so');
  for (const [version, sdk] of [
    ['2.6.0', '2.48.0'],
    ['2.7.0', '2.51.0'],
    ['2.10.0', '2.51.0'],
  ] as const) {
    writeFileSync(library, `code\0v${sdk}.260929181845\0more`);
    installFetched(fetched, version, system);
  }
  const found = (text: string) => findRuntime(text, hostSystem()).version;
  expect(found('qnn@2.48')).toBe('2.6.0');
  expect(found('qnn@2.51')).toBe('2.10.0');
  expect(found('qnn@2.7.0')).toBe('2.7.0');
  expect(() => found('qnn@2.5')).toThrow(/QNN runtime 2\.5 is not installed; installed: /);
  expect(() => found('2.51')).toThrow(/such as qnn@2\.51/);
  expect(() => findRuntime('qnn@2.51', 'plan9-mips')).toThrow(/is installed for/);
});

test('the Windows package for arm64 keeps its libraries at its top', () => {
  const system = runtimeSystem('windows-arm64');
  const installed = installFetched(
    unpackedPackage(['QnnHtp.dll', 'QnnHtpV73Stub.dll', 'libqnnhtpv73.cat', 'onnxruntime.dll']),
    '2.7.0',
    system,
  );
  expect(readdirSync(installed).sort()).toEqual([
    'QnnHtp.dll',
    'QnnHtpV73Stub.dll',
    'libqnnhtpv73.cat',
    'npu-bench-runtime.json',
  ]);
});
