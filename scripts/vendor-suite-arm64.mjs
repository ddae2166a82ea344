#!/usr/bin/env node
// The NPU path's C++ core on Linux aarch64 with Qualcomm's own libraries, under qemu-user: the HTP library up to the
// missing DSP, the Saver (every call is written down and replayed), the System library on a context binary, and Genie's check of a
// bundle's configuration.
//   node scripts/vendor-suite-arm64.mjs [--qnn-lib DIR] [--fetch] [--binary FILE.bin]
// --fetch takes the libraries from the package onnxruntime-qnn with pip (Qualcomm's licence applies; nothing of it is
// kept in the repository). --binary: a context binary, such as scripts/vendor-suite.mjs leaves in its work folder.
// What is missing is told, and the suite is then skipped: exit code 0 with "skipped".
// Packages on Debian: qemu-user g++-aarch64-linux-gnu ninja-build cmake python3-pip.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fetchLibraries, must, work } from './vendor.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const { values } = parseArgs({
  options: {
    'qnn-lib': { type: 'string' },
    fetch: { type: 'boolean', default: false },
    binary: { type: 'string' },
  },
});

const SYSROOT = '/usr/aarch64-linux-gnu';
const binary = values.binary ?? join(work, 'random.bin');

function skip(reason) {
  console.log(`vendor suite for arm64 skipped: ${reason}`);
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(0);
}

for (const [tool, source] of [
  ['qemu-aarch64', 'qemu-user'],
  ['aarch64-linux-gnu-g++', 'g++-aarch64-linux-gnu'],
]) {
  if (spawnSync('which', [tool]).status !== 0) {
    skip(`${tool} is not installed (package ${source})`);
  }
}

const unpacked = join(work, 'package-arm64', 'onnxruntime_qnn');
let libraries = values['qnn-lib'] ?? process.env.NPU_BENCH_VENDOR_QNN_ARM64 ?? unpacked;
if (values.fetch && !existsSync(join(libraries, 'libQnnHtp.so'))) {
  fetchLibraries('manylinux_2_34_aarch64', join(work, 'wheel-arm64'), join(work, 'package-arm64'));
}
libraries = resolve(libraries);
if (!existsSync(join(libraries, 'libQnnHtp.so'))) {
  skip(
    `no libQnnHtp.so in ${libraries}: name its folder with --qnn-lib, or let --fetch take it from onnxruntime-qnn`,
  );
}

const build = join(root, 'build', 'vendor-arm64');
must(
  'cmake',
  [
    ...['-S', root, '-B', build, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release'],
    ...['-DNPB_XNNPACK=OFF', '-DNPB_VULKAN=OFF', '-DNPB_OPENCL=OFF'],
    `-DCMAKE_TOOLCHAIN_FILE=${join(root, 'native', 'cmake', 'linux-arm64.cmake')}`,
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
must('cmake', ['--build', build, '--target', 'qnn_arm64'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
const program = join(build, 'native', 'test', 'qnn', 'qnn_arm64');

const scratch = mkdtempSync(join(tmpdir(), 'npb-arm64-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Runs the program under qemu; absolute paths of the guest are looked up below `prefix` first. */
function run(args, { prefix = SYSROOT, cwd = scratch } = {}) {
  const done = spawnSync(
    'qemu-aarch64',
    ['-L', prefix, '-E', `LD_LIBRARY_PATH=${libraries}`, program, ...args],
    { cwd, encoding: 'utf8', env: { ...process.env, NPU_BENCH_QNN_LIB: libraries } },
  );
  return { status: done.status, text: `${done.stdout}${done.stderr}` };
}

const count = { passed: 0, failed: 0, skipped: 0 };
function check(name, passed, text) {
  console.log(`\n== ${name}: ${passed ? 'passed' : 'FAILED'}\n${text.trim()}`);
  count[passed ? 'passed' : 'failed'] += 1;
}

/** A prefix in which the kernel tells a Snapdragon's number. */
function chip(number) {
  const prefix = join(scratch, `soc-${number}`);
  const folder = join(prefix, 'sys', 'devices', 'system', 'soc', 'soc0');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'id'), `${number}\n`);
  symlinkSync(join(SYSROOT, 'lib'), join(prefix, 'lib'));
  return prefix;
}

function probes() {
  const bare = run(['probe']);
  check('HTP without a chip', bare.status === 0 && /v2\.\d+\.\d+/.test(bare.text), bare.text);
  for (const [number, expected] of [
    [557, 'SM8650 (Snapdragon 8 Gen 3), Hexagon v75'],
    [618, 'SM8750 (Snapdragon 8 Elite), Hexagon v79'],
  ]) {
    const { status, text } = run(['probe'], { prefix: chip(number) });
    const told = text.includes(expected) && /libcdsprpc/.test(text) && /fastrpc/i.test(text);
    check(`HTP on a chip without its DSP (SoC id ${number})`, status === 0 && told, text);
  }
}

/** The names of the calls that the Saver wrote down, in order. */
function callsOf(source) {
  return [
    ...source.matchAll(
      /\b(Qnn[A-Z]\w+_\w+|\w+\.\s*(?:backend|context|graph|device|tensor|log)\w+)\s*\(/g,
    ),
  ].map((match) => match[1].replace(/^.*\.\s*/, ''));
}

function saver() {
  const texts = ['first', 'again'].map((name) => {
    const cwd = join(scratch, name);
    mkdirSync(cwd);
    const result = run(['saver'], { cwd });
    const place = ['saver_output', '.']
      .map((folder) => join(cwd, folder))
      .find((folder) => existsSync(join(folder, 'saver_output.c')));
    if (result.status !== 0 || place === undefined) return { ...result, source: '' };
    const params = readFileSync(join(place, 'params.bin'));
    return { ...result, source: readFileSync(join(place, 'saver_output.c'), 'utf8'), params };
  });
  const [first, again] = texts;
  const calls = callsOf(first.source);
  const number = (pattern) => calls.filter((name) => pattern.test(name)).length;
  const graphs = number(/graph_?create$/i);
  const executions = number(/graph_?execute$/i);
  const nodes = number(/graph_?addnode$/i);
  const finalized = number(/graph_?finalize$/i);
  const told = `${first.text.trim()}\n${calls.length} calls written down: ${graphs} graphs, ${nodes} nodes, ${finalized} finalised, ${executions} executions; ${first.params?.length ?? 0} bytes of tensors`;
  const whole = graphs === 2 && finalized === 2 && executions === 4 && nodes > 20;
  check('Saver: the sequence of calls', first.status === 0 && whole, told);
  const same =
    first.source !== '' &&
    first.source === again.source &&
    Buffer.compare(first.params, again.params) === 0;
  check(
    'Saver: the same calls and tensors again',
    same,
    same ? 'byte for byte equal' : 'they differ',
  );
  if (first.source !== '') replay(first);
}

/**
 * Compiles the Saver's text against declarations of our own and runs it with the Saver once more: what that
 * writes down must be the same.
 */
function replay({ source, params }) {
  const cwd = join(scratch, 'replay');
  mkdirSync(cwd);
  // The Saver writes its new params.bin into the same folder.
  writeFileSync(join(cwd, 'read.bin'), params);
  writeFileSync(join(cwd, 'replay.c'), source.replace('fopen("params.bin"', 'fopen("read.bin"'));
  const include = join(root, 'native', 'test', 'qnn', 'replay');
  const compiled = spawnSync(
    'aarch64-linux-gnu-gcc',
    [
      ...['-w', '-I', include, 'replay.c', '-o', 'replay', '-L', libraries, '-lQnnSaver'],
      '-Wl,--allow-shlib-undefined',
    ],
    { cwd, encoding: 'utf8' },
  );
  const qemu = ['-L', SYSROOT, '-E', `LD_LIBRARY_PATH=${libraries}`, './replay'];
  const ran =
    compiled.status === 0 ? spawnSync('qemu-aarch64', qemu, { cwd, encoding: 'utf8' }) : undefined;
  const lines = (text) => text.split('\n').filter((line) => line.trim() !== '');
  const read = (name) => {
    const path = join(cwd, name);
    return ran?.status === 0 && existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  };
  const again = lines(read('saver_output.c').toString());
  const same =
    again.join('\n') === lines(source).join('\n') &&
    Buffer.compare(read('params.bin'), params) === 0;
  const told = `${again.length} lines of calls and ${read('params.bin').length} bytes of tensors came back`;
  check('Saver: the calls replay', same, `${compiled.stderr}${ran?.stdout ?? ''}${told}`);
}

const CONFIG = {
  dialog: {
    version: 1,
    type: 'basic',
    'max-num-tokens': 16,
    context: { version: 1, size: 128, 'n-vocab': 64, 'bos-token': 0, 'eos-token': 1 },
    sampler: { version: 1, seed: 0, temp: 1, 'top-k': 1, 'top-p': 1, greedy: true },
    tokenizer: { version: 1, path: 'tokenizer.json' },
    engine: {
      version: 1,
      'n-threads': 1,
      backend: {
        version: 1,
        type: 'QnnHtp',
        QnnHtp: {
          version: 1,
          'use-mmap': false,
          'spill-fill-bufsize': 0,
          'mmap-budget': 0,
          poll: false,
          'cpu-mask': '0x1',
          'kv-dim': 32,
          'allow-async-init': false,
        },
      },
      model: {
        version: 1,
        type: 'binary',
        binary: { version: 1, 'ctx-bins': ['model.bin'] },
        'positional-encoding': { type: 'rope', 'rope-dim': 16, 'rope-theta': 10000 },
      },
    },
  },
};

function bundle(name, change) {
  const config = structuredClone(CONFIG);
  change(config.dialog);
  const folder = join(scratch, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'genie_config.json'), JSON.stringify(config));
  return folder;
}

function genie() {
  const good = run(['genie', bundle('good', () => {})]);
  check('Genie: a complete configuration', good.status === 0, good.text);
  for (const [name, change] of [
    ['an unknown key', (dialog) => Object.assign(dialog.engine, { turbo: true })],
    ['a missing key', (dialog) => delete dialog.tokenizer],
    ['a wrong type', (dialog) => Object.assign(dialog, { 'max-num-tokens': 'many' })],
  ]) {
    const { status, text } = run(['genie', bundle(name.replaceAll(' ', '-'), change)]);
    check(`Genie: ${name} is refused`, status === 1 && /JSON (schema|value)/.test(text), text);
  }
}

function describe() {
  if (!existsSync(binary)) {
    count.skipped += 1;
    console.log(
      `\n== System: skipped, there is no context binary ${binary}; scripts/vendor-suite.mjs makes it, or name one with --binary`,
    );
    return;
  }
  const { status, text } = run(['describe', resolve(binary)]);
  check('System: a context binary', status === 0 && /graph .*: \d+ inputs/.test(text), text);
}

probes();
saver();
genie();
describe();
console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed === 0 ? 0 : 1;
