#!/usr/bin/env node
// The native tests on 64-bit Arm, emulated: cross-built with Debian's g++-aarch64-linux-gnu and run by qemu-user as
// different processors, so that every set of kernels is executed: ours, and XNNPACK's for the same processor.
//   node scripts/test-arm64.mjs [--full]
// --full holds every weight type of whole models to its bound on each set of kernels too (some minutes more).
// It shows correctness; an emulator's times say nothing about a processor's. Where the tools are missing, that is told
// and the tests are skipped: exit code 0 with "skipped". Packages on Debian: g++-aarch64-linux-gnu qemu-user doctest-dev.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const { values } = parseArgs({ options: { full: { type: 'boolean', default: false } } });
const build = join('build', 'arm64-tests');
const sysroot = '/usr/aarch64-linux-gnu';

// Each processor with the set of kernels that has to be chosen on it. `models` marks the first of each set: there
// whole models run as well. qemu calls the newest features together "max".
const PROCESSORS = [
  { cpu: 'max', kernels: 'neoni8mm', models: true, programs: ['core_test', 'graph_test'] },
  { cpu: 'max,sve=off', kernels: 'neoni8mm' },
  { cpu: 'cortex-a76', kernels: 'neondot', models: true },
  { cpu: 'neoverse-n1', kernels: 'neondot' },
  { cpu: 'cortex-a53', kernels: 'base', models: true },
  { cpu: 'cortex-a72', kernels: 'base' },
  { cpu: 'a64fx', kernels: 'base' },
];
const SLOW_CASE = 'every weight type*';

function skip(reason) {
  console.log(`arm64 tests skipped: ${reason}`);
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(0);
}

for (const [tool, packageName] of [
  ['aarch64-linux-gnu-g++', 'g++-aarch64-linux-gnu'],
  ['qemu-aarch64', 'qemu-user'],
]) {
  if (spawnSync(tool, ['--version']).status !== 0)
    skip(`${tool} is not installed (package ${packageName})`);
}
if (!existsSync('/usr/include/doctest')) skip('doctest is not installed (package doctest-dev)');

function must(command, args) {
  const done = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (done.status === 0) return;
  console.log(`${command} ${args.join(' ')} failed`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exit(1);
}

must('cmake', [
  ...['-S', '.', '-B', build, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release'],
  `-DCMAKE_TOOLCHAIN_FILE=${join(root, 'native', 'cmake', 'linux-arm64.cmake')}`,
]);
const programs = ['xnnpack_test', ...new Set(PROCESSORS.flatMap((row) => row.programs ?? []))];
must('ninja', ['-C', build, ...programs]);

function runOnce({ cpu, kernels, program, filters }) {
  const file = join(build, 'native', 'test', program.replace('_test', ''), program);
  const args = ['-L', sysroot, '-cpu', cpu, file, ...filters];
  const start = performance.now();
  return new Promise((resolve) => {
    const child = spawn('qemu-aarch64', args, {
      env: { ...process.env, NPB_EXPECT_KERNELS: kernels },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.on('close', (status) => {
      const cases = /test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed/.exec(output);
      const checks = /assertions:\s*(\d+)/.exec(output);
      const passed = Number(cases?.[1] ?? 0);
      // A program that dies leaves no closing line, one that finds no case proves nothing.
      const failed = Number(cases?.[2] ?? 0) || (status === 0 && passed > 0 ? 0 : 1);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      resolve({
        cpu,
        kernels,
        program,
        passed,
        failed,
        checks: checks?.[1] ?? '-',
        seconds,
        output,
      });
    });
  });
}

const jobs = PROCESSORS.flatMap(({ cpu, kernels, models, programs: others = [] }) => {
  const filters = models ? (values.full ? [] : [`-tce=${SLOW_CASE}`]) : ['-sf=*kernels_test*'];
  return [
    { cpu, kernels, program: 'xnnpack_test', filters },
    ...others.map((program) => ({ cpu, kernels, program, filters: [] })),
  ];
});

const total = { passed: 0, failed: 0 };
console.log('processor     kernels    program        passed  failed   checks  seconds');
async function worker() {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const row = await runOnce(job);
    if (row.failed > 0) console.log(row.output);
    console.log(
      row.cpu.padEnd(14) +
        row.kernels.padEnd(11) +
        row.program.padEnd(13) +
        String(row.passed).padStart(8) +
        String(row.failed).padStart(8) +
        row.checks.padStart(9) +
        row.seconds.padStart(9),
    );
    total.passed += row.passed;
    total.failed += row.failed;
  }
}
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));
console.log(`${total.passed} passed, ${total.failed} failed, 0 skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
