#!/usr/bin/env node
// The NPU backend against Qualcomm's own HTP simulator, which exists for Windows x86-64: the C++ core is cross-built
// with mingw and run under wine. It shows correctness; the simulator's times say nothing about a device.
//   ./scripts/setup.sh vendor             everything below with SmolLM2, after installing what it needs
//   node scripts/vendor-suite.mjs [--qnn-lib DIR] [--fetch] [--model FILE.gguf] [--tokens N] [--only WORD]
// --fetch takes the libraries from the package onnxruntime-qnn with pip (Qualcomm's licence applies; nothing of it is
// kept in the repository). What is missing is told, and the suite is then skipped: exit code 0 with "skipped".
// --only runs the cases whose first word it is: probe, random, agree, bert, model.
// Packages on Debian: wine64 g++-mingw-w64-x86-64 ninja-build cmake python3-pip.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
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
    model: { type: 'string' },
    tokens: { type: 'string', default: '16' },
    only: { type: 'string' },
  },
});

const unpacked = join(work, 'package', 'onnxruntime_qnn', 'libs', 'amd64');

function skip(reason) {
  console.log(`vendor suite skipped: ${reason}`);
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(0);
}

if (values.model !== undefined && !existsSync(values.model)) {
  console.error(
    `The model ${values.model} does not exist; scripts/fetch-model.mjs smollm2 fetches one.`,
  );
  process.exit(2);
}

function find(...candidates) {
  for (const candidate of candidates) {
    if (candidate.includes('/')) {
      if (existsSync(candidate)) return candidate;
    } else if (spawnSync('which', [candidate]).status === 0) return candidate;
  }
  return undefined;
}

const wine = find('wine64', '/usr/lib/wine/wine64', 'wine');
if (wine === undefined) skip('wine is not installed (package wine64)');
if (find('x86_64-w64-mingw32-g++-posix') === undefined) {
  skip('the cross compiler is not installed (package g++-mingw-w64-x86-64)');
}

mkdirSync(work, { recursive: true });
let libraries = values['qnn-lib'] ?? process.env.NPU_BENCH_VENDOR_QNN ?? unpacked;
if (values.fetch && !existsSync(join(libraries, 'QnnHtp.dll'))) {
  fetchLibraries('win_amd64', work, join(work, 'package'));
}
libraries = resolve(libraries);
if (!existsSync(join(libraries, 'QnnHtp.dll'))) {
  skip(
    `no QnnHtp.dll in ${libraries}: name its folder with --qnn-lib, or let --fetch take it from onnxruntime-qnn`,
  );
}

const build = join(root, 'build', 'vendor-win');
must(
  'cmake',
  [
    ...['-S', root, '-B', build, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release', '-DNPB_XNNPACK=OFF'],
    `-DCMAKE_TOOLCHAIN_FILE=${join(root, 'native', 'cmake', 'mingw-x64.cmake')}`,
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
must('cmake', ['--build', build, '--target', 'qnn_sim', 'qnn_graph'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});

const windowsPath = (path) => `Z:${resolve(path).replaceAll('/', '\\')}`;
const env = {
  ...process.env,
  WINEPREFIX: join(work, 'wine'),
  WINEDEBUG: '-all',
  NPU_BENCH_QNN_LIB: windowsPath(libraries),
};
if (!existsSync(env.WINEPREFIX)) must(wine, ['wineboot', '-i'], { env, stdio: 'ignore' });

const program = join(build, 'native', 'test', 'qnn', 'qnn_sim.exe');
const formats = ['int8', 'int4', 'int4-channel'];
let cases = [
  ['probe'],
  ...[
    ['random', '2', '64'],
    ['random', '2', '128'],
    ['random', '3', '256'],
    ['random', '4', '256'],
  ],
  ['bert'],
  ...formats.map((format) => ['agree', 'random', format, '24']),
];
if (values.model !== undefined) {
  for (const prompt of [[], ['19556', '905', '314', '260']]) {
    cases.push(['model', windowsPath(values.model), values.tokens, ...prompt]);
  }
  for (const format of formats) cases.push(['agree', windowsPath(values.model), format, '48']);
}
if (values.only !== undefined) cases = cases.filter(([word]) => word === values.only);
const count = { passed: 0, failed: 0 };
for (const args of cases) {
  console.log(`\n== ${args.join(' ')}`);
  const { status } = spawnSync(wine, [program, ...args], { env, stdio: 'inherit' });
  if (status === 0) count.passed += 1;
  else count.failed += 1;
}
// Context binaries: prepared ahead of time, then executed as anybody's. The arm64 suite reads the same file.
const graphProgram = join(build, 'native', 'test', 'qnn', 'qnn_graph.exe');
const binary = windowsPath(join(work, 'random.bin'));
for (const args of [
  ['write', windowsPath(join(work, 'prepare')), binary],
  ['run', binary],
]) {
  console.log(`\n== context binary: ${args[0]}`);
  const { status } = spawnSync(wine, [graphProgram, ...args], { env, stdio: 'inherit' });
  if (status === 0) count.passed += 1;
  else count.failed += 1;
}
if (values.model === undefined) {
  console.log('\nmodel skipped: name a GGUF file with --model to have its greedy tokens compared');
}
const skipped = values.model === undefined ? 1 : 0;
console.log(`\n${count.passed} passed, ${count.failed} failed, ${skipped} skipped`);
process.exitCode = count.failed === 0 ? 0 : 1;
