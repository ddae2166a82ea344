#!/usr/bin/env node
// Every test of the checkout, in order of cost; the last line counts them: "N passed, N failed, N skipped".
//   node scripts/test.mjs [STEP…]   only these steps: lint, format, types, native, sanitize, js, package, arm64
// Logs of each step are build/test/STEP.log; a failed step's log is printed.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const logs = join('build', 'test');
mkdirSync(logs, { recursive: true });

/** Runs a command; its output goes to the step's log. */
function run(step, command, args, env = {}) {
  const log = createWriteStream(join(logs, `${step}.log`), { flags: 'a' });
  log.write(`$ ${command} ${args.join(' ')}\n`);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        log.write(chunk);
      });
    }
    child.on('error', (error) => {
      log.end(`${error.message}\n`);
      resolve({ ok: false, output: error.message });
    });
    child.on('close', (code) => {
      log.end();
      resolve({ ok: code === 0, output });
    });
  });
}

const count = (passed, failed, skipped = 0) => ({ passed, failed, skipped });
const check = (result) => (result.ok ? count(1, 0) : count(0, 1));
const bin = (name) => join('node_modules', '.bin', name);

function trackedSources() {
  const listed = spawnSync('git', ['ls-files', 'native'], { encoding: 'utf8' });
  return listed.stdout.split('\n').filter((file) => /\.(cc|h)$/.test(file) && existsSync(file));
}

const CLOSING =
  /^(\d+): \[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped/gm;

const COMMAND = /^(\d+): Test command: (\S+)(.*)$/gm;

/**
 * Cases of all doctest programs, from their closing lines; a program without one has crashed. A test that runs a
 * program again (part of it, under a checker, in another environment) is one case: its cases were counted already.
 */
function countNative(ctest) {
  const totals = count(0, 0);
  const seen = new Set();
  const again = new Set();
  for (const [, number, program, rest] of ctest.output.matchAll(COMMAND)) {
    if (seen.has(program) || /"-/.test(rest)) again.add(number);
    seen.add(program);
  }
  const unfinished = new Set(
    [...ctest.output.matchAll(/Test\s+#(\d+): .*\*\*\*Skipped/g)].map(([, number]) => number),
  );
  let programs = 0;
  for (const [, number, passed, failed, skipped] of ctest.output.matchAll(CLOSING)) {
    if (again.has(number)) {
      totals[Number(failed) > 0 ? 'failed' : 'passed'] += 1;
    } else {
      totals.passed += Number(passed);
      totals.failed += Number(failed);
      totals.skipped += Number(skipped);
    }
    unfinished.delete(number);
    programs += 1;
  }
  totals.skipped += unfinished.size;
  programs += unfinished.size;
  const summary = /tests passed, (\d+) tests? failed out of (\d+)/.exec(ctest.output);
  if (summary === null) return count(totals.passed, totals.failed + 1, totals.skipped);
  totals.failed += Math.max(0, Number(summary[2]) - programs);
  if (!ctest.ok && totals.failed === 0) totals.failed = Number(summary[1]) || 1;
  return totals;
}

async function ctest(step, folder, filter = []) {
  const options = {
    ASAN_OPTIONS: 'detect_leaks=1:strict_string_checks=1',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  };
  return countNative(await run(step, 'ctest', ['--test-dir', folder, '-V', ...filter], options));
}

/** The tests are built in the addon's own tree, so that everything is compiled once. */
async function native(step) {
  const build = await run(step, process.execPath, ['scripts/build-native.cjs', '--tests']);
  if (!build.ok) return count(0, 1);
  return ctest(step, join('build', 'cmake', `${process.platform}-${process.arch}-release`));
}

/** What reads files from outside, and the code under it, with the sanitizers. */
async function sanitize(step) {
  const folder = join('build', 'sanitize');
  if (!(await run(step, 'cmake', ['--preset', 'sanitize'])).ok) return count(0, 1);
  if (!(await run(step, 'ninja', ['-C', folder, 'core_test', 'model_test', 'qnn_test'])).ok)
    return count(0, 1);
  return ctest(step, folder, ['-R', '^(core|model|qnn)_test$']);
}

const STEPS = {
  lint: async (step) => check(await run(step, bin('biome'), ['check', '.'])),
  format: async (step) =>
    check(await run(step, 'clang-format', ['--dry-run', '--Werror', ...trackedSources()])),
  types: async (step) => check(await run(step, bin('tsc'), ['-p', 'tsconfig.json', '--noEmit'])),
  native,
  sanitize,
  js: async (step) => {
    const report = join(logs, 'vitest.json');
    rmSync(report, { force: true });
    const result = await run(step, bin('vitest'), [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ]);
    if (!existsSync(report)) return count(0, 1);
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    // A file that fails to load has no failed test of its own.
    const failed = numFailedTests === 0 && !result.ok ? 1 : numFailedTests;
    return count(numPassedTests, failed, numPendingTests + numTodoTests);
  },
  /** The kernels of 64-bit Arm on emulated processors. */
  arm64: async (step) => {
    const { output } = await run(step, process.execPath, ['scripts/test-arm64.mjs']);
    const closing = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(output);
    return closing === null ? count(0, 1) : count(...closing.slice(1).map(Number));
  },
  /** The package with this machine's addon, installed and used; the whole matrix is npm run test:package. */
  package: async (step) => {
    const args = ['scripts/test-package.mjs', '--host-build', '--quick'];
    const { output } = await run(step, process.execPath, args);
    const closing = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(output);
    return closing === null ? count(0, 1) : count(...closing.slice(1).map(Number));
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((step) => !(step in STEPS));
if (unknown.length > 0) {
  console.error(
    `test: no step ${unknown.join(', ')}; the steps are ${Object.keys(STEPS).join(', ')}.`,
  );
  process.exit(2);
}

const rows = [];
for (const step of asked.length > 0 ? asked : Object.keys(STEPS)) {
  console.log(`test: ${step} …`);
  rmSync(join(logs, `${step}.log`), { force: true });
  const start = performance.now();
  const result = await STEPS[step](step);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (result.failed > 0) {
    const lines = readFileSync(join(logs, `${step}.log`), 'utf8').split('\n');
    console.log(lines.slice(-200).join('\n'));
  }
  rows.push({ step, ...result, seconds });
}

console.log('\nstep       passed  failed  skipped  seconds');
for (const row of rows) {
  console.log(
    row.step.padEnd(9) +
      String(row.passed).padStart(8) +
      String(row.failed).padStart(8) +
      String(row.skipped).padStart(9) +
      row.seconds.padStart(9),
  );
}
const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
process.exitCode = sum('failed') === 0 ? 0 : 1;
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
