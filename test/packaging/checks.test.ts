import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The modules of scripts/package are plain JavaScript without types. */
interface Library {
  arch: string;
  libraries: string[];
  symbols: string[];
  glibc?: string;
}
interface Modules {
  readElf(file: string): Library;
  readPe(file: string): Library;
  isNewer(a: string, b: string): boolean;
  checkContents(tarball: string): string;
  sourceDigest(): string;
  PARTS: { name: string; archives: string[] }[];
  headingOf(part: unknown): string;
  TARGETS: { name: string; file: string; release: boolean }[];
}
let modules: Modules;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'npu-bench-checks-'));
  const names = ['elf', 'pe', 'contents', 'targets', 'parts'];
  const loaded = await Promise.all(
    names.map((name) => import(join(root, 'scripts/package', `${name}.mjs`))),
  );
  modules = Object.assign({}, ...loaded) as Modules;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('readElf', () => {
  it('tells what a library needs and gives', () => {
    const source = join(folder, 'library.c');
    const file = join(folder, 'library.node');
    writeFileSync(
      source,
      '#include <math.h>\nint napi_register_module_v1(double x) { return (int)pow(x, x); }\nint stray(void) { return 1; }\n',
    );
    execFileSync('cc', ['-shared', '-fPIC', '-o', file, source, '-lm']);
    const found = modules.readElf(file);
    expect(found.arch).toBe(process.arch);
    expect(found.symbols).toEqual(expect.arrayContaining(['napi_register_module_v1', 'stray']));
    expect(found.libraries).toContain('libm.so.6');
    expect(found.glibc).toMatch(/^2\.\d+/);
  });

  it('refuses what is no library', () => {
    writeFileSync(join(folder, 'text.node'), 'text');
    expect(() => modules.readElf(join(folder, 'text.node'))).toThrow('not an ELF file');
  });

  it('compares versions by their numbers', () => {
    expect(modules.isNewer('2.28', '2.4')).toBe(true);
    expect(modules.isNewer('2.28', '2.28')).toBe(false);
    expect(modules.isNewer('2.28', '2.28.1')).toBe(false);
    expect(modules.isNewer('3', '2.99')).toBe(true);
  });
});

/** A PE32+ library for arm64 that exports `entry` and imports from two libraries. */
function peFile(): Buffer {
  const file = Buffer.alloc(0x600);
  const base = 0x1000; // the one section: addresses base… are the file's bytes 0x400…
  const at = (address: number) => address - base + 0x400;
  file.write('MZ', 0, 'latin1');
  file.writeUInt32LE(0x80, 0x3c);
  file.write('PE\0\0', 0x80, 'latin1');
  file.writeUInt16LE(0xaa64, 0x84); // machine
  file.writeUInt16LE(1, 0x86); // sections
  file.writeUInt16LE(240, 0x94); // size of the optional header
  const optional = 0x98;
  file.writeUInt16LE(0x20b, optional);
  file.writeUInt32LE(base, optional + 112); // exports
  file.writeUInt32LE(base + 0x80, optional + 120); // imports
  const section = optional + 240;
  file.writeUInt32LE(0x200, section + 8);
  file.writeUInt32LE(base, section + 12);
  file.writeUInt32LE(0x200, section + 16);
  file.writeUInt32LE(0x400, section + 20);
  file.writeUInt32LE(1, at(base) + 24); // one name
  file.writeUInt32LE(base + 0x40, at(base) + 32); // the table of names
  file.writeUInt32LE(base + 0x48, at(base + 0x40));
  file.write('napi_register_module_v1\0', at(base + 0x48), 'latin1');
  for (const [i, name] of ['KERNEL32.dll', 'node.exe'].entries()) {
    const text = base + 0x100 + 0x20 * i;
    file.writeUInt32LE(text, at(base + 0x80) + 20 * i + 12);
    file.write(`${name}\0`, at(text), 'latin1');
  }
  return file;
}

describe('readPe', () => {
  it('tells what a library needs and gives', () => {
    const file = join(folder, 'windows.node');
    writeFileSync(file, peFile());
    expect(modules.readPe(file)).toEqual({
      arch: 'arm64',
      libraries: ['KERNEL32.dll', 'node.exe'],
      symbols: ['napi_register_module_v1'],
    });
  });

  it('refuses what is no library', () => {
    writeFileSync(join(folder, 'zeros.node'), Buffer.alloc(0x600));
    expect(() => modules.readPe(join(folder, 'zeros.node'))).toThrow('not a PE file');
  });
});

/** A tarball of empty files. */
function tarball(name: string, files: readonly string[]): string {
  const staging = join(folder, name);
  for (const file of files) {
    mkdirSync(join(staging, 'package', dirname(file)), { recursive: true });
    writeFileSync(join(staging, 'package', file), '');
  }
  const path = join(folder, `${name}.tgz`);
  execFileSync('tar', ['czf', path, '-C', staging, 'package']);
  return path;
}

const COMPLETE = [
  ...['dist/cli/main.js', 'dist/index.d.ts', 'dist/native/helper-main.cjs', 'dist/run/worker.cjs'],
  ...['schema/v1.json', 'prebuilds/linux-x64/npu-proxy-benchmark.glibc.node'],
  ...['native/CMakeLists.txt', 'native/backends/vulkan/spirv/norm.h', 'scripts/build-native.cjs'],
  ...['scripts/deps/xnnpack.sh', 'scripts/deps/sources/xnnpack.orig.tar.xz'],
  ...['node_modules/zod/package.json', 'docs/guides/android.md', 'README.md', 'CHANGELOG.md'],
  ...['LICENSE', 'NOTICE', 'sbom.cdx.json'],
];

describe('checkContents', () => {
  it('accepts a complete tarball', () => {
    expect(modules.checkContents(tarball('complete', COMPLETE))).toContain(
      `${COMPLETE.length} files`,
    );
  });

  it.each([
    'prebuilds/linux-arm64/libQnnHtp.so',
    'prebuilds/win32-arm64/QnnHtp.dll',
    'dist/libGenie.json',
    'native/test/x.cc',
    'dist/cli/main.js.map',
    'models/model.gguf',
  ])('refuses %s', (file) => {
    const path = tarball(`with-${file.replaceAll('/', '-')}`, [...COMPLETE, file]);
    expect(() => modules.checkContents(path)).toThrow(file);
  });

  it.each(['NOTICE', 'sbom.cdx.json', 'dist/run/worker.cjs'])('misses %s', (file) => {
    const path = tarball(
      `without-${file.replaceAll('/', '-')}`,
      COMPLETE.filter((one) => one !== file),
    );
    expect(() => modules.checkContents(path)).toThrow('nothing in it fits');
  });
});

describe('what is linked', () => {
  it('has its licence in NOTICE', () => {
    const notice = readFileSync(join(root, 'NOTICE'), 'utf8').split('\n');
    expect(modules.PARTS.length).toBeGreaterThan(8);
    for (const part of modules.PARTS) expect(notice).toContain(modules.headingOf(part));
  });

  it('is known by the names of its archives', () => {
    const known = modules.PARTS.flatMap(({ archives }) => archives);
    for (const archive of ['XNNPACK', 'microkernels-prod', 'pthreadpool', 'cpuinfo'])
      expect(known).toContain(archive);
  });
});

describe('targets', () => {
  it('have a name and a file each', () => {
    for (const key of ['name', 'file'] as const)
      expect(new Set(modules.TARGETS.map((one) => one[key])).size).toBe(modules.TARGETS.length);
    expect(modules.TARGETS.filter(({ release }) => release).length).toBeGreaterThanOrEqual(2);
  });

  it('share a digest that is the same twice', () => {
    expect(modules.sourceDigest()).toMatch(/^[0-9a-f]{16}$/);
    expect(modules.sourceDigest()).toBe(modules.sourceDigest());
  });
});

describe('scripts', () => {
  it.each([
    [['scripts/release.mjs'], 'give one version'],
    [['scripts/release.mjs', '1.x'], 'give one version'],
    [['scripts/prebuild.mjs', 'amiga-m68k'], 'unknown target amiga-m68k'],
    [['scripts/test-package.mjs', 'missing.tgz', '--model', 'none', '--arch', 'sparc'], 'sparc'],
  ])('%j says what is wrong', (args, sentence) => {
    const done = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    expect(done.status).not.toBe(0);
    expect(done.stderr + done.stdout).toContain(sentence);
  });
});
