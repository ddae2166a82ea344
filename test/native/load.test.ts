import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { explainFailure, type SystemFacts } from '../../src/native/explain.js';
import { inspectBinary } from '../../src/native/inspect-binary.js';
import { fakeAddon } from '../support/cli.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const root = fileURLToPath(new URL('../../', import.meta.url));
const name = 'npu-proxy-benchmark';

/** A head that says for which processor a file is; nothing of it can be executed. */
function elfFor(machine: number): Buffer {
  const head = Buffer.alloc(4096);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(3, 16);
  head.writeUInt16LE(machine, 18);
  return head;
}

function peFor(machine: number): Buffer {
  const head = Buffer.alloc(4096);
  head.write('MZ', 0, 'latin1');
  head.writeUInt32LE(0x80, 0x3c);
  head.write('PE\0\0', 0x80, 'latin1');
  head.writeUInt16LE(machine, 0x84);
  return head;
}

let folder: string;
let prebuilt: string;

/** An installed package whose only binary is `content`. */
function install(content: Buffer | string | undefined, tag = 'glibc'): void {
  rmSync(join(folder, 'prebuilds'), { recursive: true, force: true });
  if (content === undefined) return;
  prebuilt = join(folder, `prebuilds/${process.platform}-${process.arch}/${name}.${tag}.node`);
  mkdirSync(join(prebuilt, '..'), { recursive: true });
  writeFileSync(prebuilt, content);
}

function npuBench(args: string[], env: Record<string, string> = {}) {
  const { NPU_BENCH_TEST_BINDING: _, ...rest } = process.env;
  const done = spawnSync(process.execPath, [join(folder, 'dist/cli/main.js'), ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...rest, NO_COLOR: '1', NPU_BENCH_CACHE: join(folder, 'cache'), ...env },
  });
  return { code: done.status, text: done.stderr + done.stdout };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'npu-bench-load-'));
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes an empty .node file loadable, as an addon of version 0.0.1. */
const VERSION_HOOK = `require('node:module')._extensions['.node'] = (module) => {
  module.exports = require(process.env.FAKE_ADDON);
  const info = module.exports.info;
  module.exports.info = () => ({ ...info(), version: '0.0.1' });
};
`;

const RUN = ['run', '--device', 'cpu', '--model', 'llama-7b'];
const DOCTOR = ['doctor'];

describe.each([
  ['run', RUN],
  ['doctor', DOCTOR],
])('%s with an addon that cannot be loaded', (_, args) => {
  it('says that none fits', () => {
    install(undefined);
    const { code, text } = npuBench(args);
    expect(code).toBe(2);
    expect(text).toContain('no binary fits this system');
    expect(text).toContain(`${process.platform}-${process.arch}`);
    expect(text).toContain('Ways out:');
    expect(text).toContain('build-native.cjs');
    expect(text).not.toContain('unexpected failure');
  });

  it('says that the file is damaged', () => {
    install('this is not a library, but some text that is longer than any header\n'.repeat(9));
    const { code, text } = npuBench(args);
    expect(code).toBe(2);
    expect(text).toContain('is damaged');
    expect(text).toContain(prebuilt);
    expect(text).toContain(`npm install ${name}@`);
  });

  it('says that the file is for another processor', () => {
    install(elfFor(process.arch === 'arm64' ? 62 : 183));
    const { code, text } = npuBench(args);
    expect(code).toBe(2);
    const other = process.arch === 'arm64' ? 'x64' : 'arm64';
    expect(text).toContain(`the file is for ${other} processors, and this Node is for`);
  });

  it('says that the file is for another system', () => {
    install(peFor(0x8664));
    const { code, text } = npuBench(args);
    expect(code).toBe(2);
    expect(text).toContain('the file is for Windows');
  });

  it('survives a crash while loading, and says so', () => {
    const crash = join(folder, 'crash.cjs');
    writeFileSync(crash, "process.kill(process.pid, 'SIGSEGV');\n");
    const { code, text } = npuBench(args, { NPU_BENCH_TEST_BINDING: crash });
    expect(code).toBe(2);
    expect(text).toContain('the process that loaded it was ended by SIGSEGV');
    expect(text).toContain('Ways out:');
  });
});

describe('doctor', () => {
  it('tells an addon of another version', () => {
    const other = join(folder, 'other');
    mkdirSync(join(other, 'build/Release'), { recursive: true });
    writeFileSync(join(folder, 'hook.cjs'), VERSION_HOOK);
    writeFileSync(join(other, 'build/Release/npu_bench.node'), '');
    const { code, text } = npuBench(DOCTOR, {
      NPU_PROXY_BENCHMARK_PREBUILD: other,
      FAKE_ADDON: fakeAddon,
      NODE_OPTIONS: `--require ${join(folder, 'hook.cjs')}`,
    });
    expect(text).toContain('is of version 0.0.1, and this program of');
    expect(code).toBe(2);
  });
});

describe('what needs no addon', () => {
  it('works without one', () => {
    install(undefined);
    const example = join(root, 'test/fixtures/specification-example.json');
    const { code, text } = npuBench(['export', example, '--format', 'csv', '--output', '-']);
    expect(text).toContain('first_token');
    expect(code).toBe(0);
  });
});

describe('inspectBinary', () => {
  it('reads a real program', () => {
    expect(inspectBinary(process.execPath)).toMatchObject({ format: 'elf', arch: process.arch });
  });

  it('knows Windows files', () => {
    install(peFor(0xaa64));
    expect(inspectBinary(prebuilt)).toMatchObject({ format: 'pe', arch: 'arm64' });
  });

  it.each([0, 1, 63, 64, 100])(
    'takes %i bytes of a library for nothing known, or says which',
    (n) => {
      install(elfFor(62).subarray(0, n));
      expect(inspectBinary(prebuilt).format).toBe(n < 64 ? 'unknown' : 'elf');
    },
  );
});

describe('explainFailure', () => {
  const facts: SystemFacts = {
    platform: 'linux',
    arch: 'arm64',
    node: 'v22.0.0',
    libc: 'glibc 2.27',
    distributions: ['ubuntu', 'debian'],
    packageRoot: '/opt/package',
    packageName: name,
    version: '1.2.3',
    prebuilds: ['linux-arm64/npu-proxy-benchmark.glibc.node'],
  };
  const path = '/opt/package/prebuilds/linux-arm64/npu-proxy-benchmark.glibc.node';
  const refused = (detail: string, more: Partial<SystemFacts> = {}) =>
    explainFailure({ problem: 'the system refuses the file', detail, path }, { ...facts, ...more });

  it('names both versions of glibc', () => {
    const text = refused(
      `/lib/aarch64-linux-gnu/libc.so.6: version \`GLIBC_2.28' not found (required by ${path})`,
    );
    expect(text).toContain('the file needs glibc 2.28, and this system has glibc 2.27');
    expect(text).toContain('1. use a newer system');
    expect(text).toContain('sudo apt-get install');
  });

  it('names a missing library', () => {
    const text = refused(
      'libatomic.so.1: cannot open shared object file: No such file or directory',
    );
    expect(text).toContain("the system's library libatomic.so.1 is missing");
  });

  it('knows a folder that nothing may be executed in', () => {
    const text = refused(`${path}: failed to map segment from shared object`);
    expect(text).toContain('without the option noexec');
  });

  it('sends musl to an image with glibc', () => {
    const musl = { libc: 'musl', distributions: ['alpine'] };
    const text = explainFailure({ problem: 'no binary fits this system' }, { ...facts, ...musl });
    expect(text).toContain('node:22-slim');
    expect(text).toContain('apk add');
  });

  it('sends an emulated Node on Windows to the right one', () => {
    const text = explainFailure(
      { problem: 'no binary fits this system' },
      {
        ...facts,
        ...{ platform: 'win32', arch: 'ia32', libc: '', distributions: [] },
        prebuilds: ['win32-arm64/npu-proxy-benchmark.node', 'win32-x64/npu-proxy-benchmark.node'],
      },
    );
    expect(text).toContain('the package has win32-arm64, win32-x64 only');
    expect(text).toContain("a Node for this machine's own processor");
    expect(text).not.toContain('apt-get');
  });

  it.each([
    ['termux', 'pkg install'],
    ['fedora', 'dnf install'],
    ['somewhere else', 'install CMake'],
  ])('knows how %s gets the tools of a build', (distribution, command) => {
    expect(refused('', { distributions: [distribution] })).toContain(command);
  });

  it('prints the words of a loader that it does not know', () => {
    expect(refused('something new')).toContain("system's words: something new");
  });
});

describe('package.json', () => {
  it('runs nothing at installation', () => {
    const { scripts, gypfile } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const hook of ['preinstall', 'install', 'postinstall'])
      expect(scripts).not.toHaveProperty(hook);
    expect(gypfile).toBe(false);
  });
});
