#!/usr/bin/env node
/**
 * Holds what `npu-bench run` says against what other programs see from outside, both side by side:
 *
 *   time of every token                 a program on a processor of its own that polls a pipe
 *   processor time of an iteration      the kernel's run times of all threads (/proc/PID/task)
 *   peak memory                         GNU time -v
 *   energy                              powercap read by that other process; a file that counts at
 *                                       a constant power where the machine has none
 *
 * node scripts/cross-check.mjs [--model NAME] [--memory-model NAME] [--iterations N]
 *
 * Exit code 1: something is out of bounds.
 *
 * Needs two processors, and a C compiler for the program that looks on (cross-check-observer.c).
 */
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const RAPL = 'class/powercap/intel-rapl:0/energy_uj';
const WATTS = 20;
const now = () => Number(process.hrtime.bigint());

/**
 * A counter of a constant power, written by a process of its own until it is killed; in place, so
 * that no reader finds an empty file.
 */
function drive(path) {
  const file = fs.openSync(path, 'w');
  const begin = now();
  const write = () => {
    const microjoules = Math.round(1e6 + (WATTS * (now() - begin)) / 1e3);
    fs.writeSync(file, `${microjoules}\n`, 0);
  };
  write();
  setInterval(write, 2);
}

/** The observer: a small C program, because it must look at the pipe without a pause. */
function buildObserver(folder) {
  const program = join(folder, 'observer');
  const source = fileURLToPath(new URL('cross-check-observer.c', import.meta.url));
  execFileSync('cc', ['-O2', '-o', program, source]);
  return program;
}

function startSelf(mode, ...args) {
  const script = fileURLToPath(import.meta.url);
  return spawn(process.execPath, [script, mode, ...args], { stdio: 'inherit' });
}

/** Lines of our own, with their times: what the pipe and waking the other process take. */
async function probe(pipe) {
  const file = fs.openSync(pipe, 'w');
  const times = [];
  for (let i = 0; i < 31; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const text = `probe ${process.pid}\n`;
    times.push(now());
    fs.writeSync(file, text);
  }
  fs.closeSync(file);
  return times;
}

/** Measures while the observer looks on; the document, what was seen, and GNU time's words. */
async function watched(folder, observerProgram, runArgs, energyFile) {
  const pipe = join(folder, 'marks');
  fs.rmSync(pipe, { force: true });
  execFileSync('mkfifo', [pipe]);
  const cpu = String(os.availableParallelism() - 1);
  const words = [pipe, cpu, ...(energyFile === undefined ? [] : [energyFile])];
  const observer = spawn(observerProgram, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  observer.once('exit', (code) => {
    if (code !== 0) throw new Error(`the observer ended with exit code ${code}`);
  });
  let text = '';
  observer.stdout.on('data', (chunk) => {
    text += chunk;
  });
  while (!text.startsWith('ready')) await new Promise((resolve) => setTimeout(resolve, 10));
  const probes = await probe(pipe);
  const output = join(folder, 'out.json');
  const timing = join(folder, 'time.txt');
  const command = [process.execPath, program, 'run', ...runArgs, '--output', output];
  const time = fs.existsSync('/usr/bin/time') ? ['/usr/bin/time', '-v', '-o', timing] : [];
  const [name, ...args] = [...time, ...command];
  const child = spawn(name, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NPU_BENCH_MARKER_PIPE: pipe },
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  const ended = new Promise((resolve) => observer.once('close', resolve));
  fs.writeFileSync(pipe, 'stop\n');
  await ended;
  if (code !== 0) throw new Error(`npu-bench run ended with exit code ${code}`);
  const marks = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [moment, ...numbers] = line.split(' ');
      const [pid, seenNs, cpuNs, energyUj] = numbers.map(Number);
      return { moment, pid, seenNs, cpuNs, joules: energyUj / 1e6 };
    });
  const delays = seen(marks, 'probe').map(({ seenNs }, i) => seenNs - probes[i]);
  return {
    iterations: JSON.parse(fs.readFileSync(output, 'utf8')).iterations,
    marks,
    // The quickest: what the others took longer was waiting for a processor.
    pipeNs: Math.min(...delays),
    time: time.length > 0 ? fs.readFileSync(timing, 'utf8') : undefined,
  };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const rows = [];
let failed = false;

/**
 * One line: the medians of both figures, and of their differences against the bound; `share` 0.99
 * holds 99 of 100 differences to the bound instead of the median.
 */
function row(name, unit, pairs, { bound, relative = false, share }) {
  const differences = pairs.map(([ours, theirs]) =>
    relative ? (100 * (ours - theirs)) / theirs : ours - theirs,
  );
  const middle = median(differences);
  const worst = differences.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
  const sizes = differences.map(Math.abs).sort((a, b) => a - b);
  const judged =
    share === undefined ? Math.abs(middle) : sizes[Math.ceil(share * sizes.length) - 1];
  const ok = judged <= bound;
  failed ||= !ok;
  const measure = relative ? '%' : unit;
  rows.push([
    name,
    `${median(pairs.map(([ours]) => ours)).toFixed(3)} ${unit}`,
    `${median(pairs.map(([, theirs]) => theirs)).toFixed(3)} ${unit}`,
    `${middle.toFixed(3)} ${measure} (${share === undefined ? '' : `${100 * share} %: ${judged.toFixed(3)}, `}worst ${worst.toFixed(3)})`,
    `${bound} ${measure}`,
    ok ? 'agrees' : 'DIFFERS',
  ]);
}

function missing(name, why) {
  rows.push([name, '', '', why, '', 'not checked']);
}

/** Marks of one kind, in the order of the iterations: each of them has a process of its own. */
const seen = (marks, moment) => marks.filter((entry) => entry.moment === moment);

/** The tokens that were seen between a process's mark `from` and its next other mark. */
function tokensAfter(marks, from, pid) {
  const own = marks.filter((entry) => entry.pid === pid);
  const begin = own.findIndex(({ moment }) => moment === from) + 1;
  const rest = own.slice(begin);
  const end = rest.findIndex(({ moment }) => moment !== 'token');
  return begin === 0 ? [] : rest.slice(0, end < 0 ? rest.length : end);
}

/** When a mark was written, by the observer's clock less what the pipe takes, in ms. */
const sinceSpawn = (mark, iteration, pipeNs) => (mark.seenNs - pipeNs - iteration.spawn_ns) / 1e6;

/** Pairs of our times and the observer's: of the cold start's token, and of each warm token. */
function timesOf({ iterations, marks, pipeNs }) {
  const cold = [];
  const warm = [];
  for (const [i, iteration] of iterations.entries()) {
    const { pid } = seen(marks, 'begin')[i];
    const end = (name) => iteration.phases.filter((phase) => phase.name === name).at(-1).end_ms;
    const outside = (mark) => sinceSpawn(mark, iteration, pipeNs);
    const [coldToken] = tokensAfter(marks, 'cold', pid);
    cold.push([end('cold prefill'), outside(coldToken)]);
    const tokens = tokensAfter(marks, 'begin', pid);
    let ours = end('prefill');
    const own = [ours, ...iteration.token_ms.map((gap) => (ours += gap))];
    if (tokens.length !== own.length) {
      throw new Error(`${tokens.length} tokens were seen from outside, and ${own.length} counted`);
    }
    warm.push(tokens.map((mark, k) => [own[k], outside(mark)]));
  }
  return { cold, warm };
}

async function check(folder, { model, iterations, 'memory-model': memoryModel }) {
  if (os.availableParallelism() < 2) throw new Error('the observer needs a processor of its own');
  const observer = buildObserver(folder);
  // One thread, so that the observer's processor is free.
  const base = ['--device', 'cpu', '--model', model, '--iterations', iterations, '--threads', '1'];
  const lengths = ['--input-length', '64', '--output-length', '32'];
  const long = await watched(folder, observer, [...base, ...lengths]);
  const { cold, warm } = timesOf(long);
  const within = { bound: 0.2 };
  row('first token of a cold start', 'ms', cold, within);
  row(
    'first token',
    'ms',
    warm.map((tokens) => tokens[0]),
    within,
  );
  row(
    'last token',
    'ms',
    warm.map((tokens) => tokens.at(-1)),
    within,
  );
  row(`each of ${warm.flat().length} tokens`, 'ms', warm.flat(), { ...within, share: 0.99 });

  console.log(
    `The pipe takes ${(long.pipeNs / 1e6).toFixed(3)} ms of its own, which is taken off.`,
  );

  const begins = seen(long.marks, 'begin');
  const ends = seen(long.marks, 'end');
  if ([...begins, ...ends].every((mark) => mark.cpuNs >= 0)) {
    const pairs = long.iterations.map(({ usage }, i) => [
      usage.cpu_ms,
      (ends[i].cpuNs - begins[i].cpuNs) / 1e6,
    ]);
    row('processor time of an iteration', 'ms', pairs, { bound: 2, relative: true });
  } else {
    missing('processor time of an iteration', 'the kernel keeps no run times (schedstat)');
  }

  await checkMemory(folder, observer, memoryModel);
  await checkEnergy(folder, observer, [...base, ...lengths]);
}

/**
 * GNU time tells the largest of all processes below it: the model must be larger than what the
 * processes around the measured one need, which is about 600 MB.
 */
async function checkMemory(folder, observer, model) {
  const workload = ['--input-length', '8', '--output-length', '2', '--iterations', '1'];
  const { iterations, time } = await watched(folder, observer, [
    ...['--device', 'cpu', '--model', model],
    ...workload,
  ]);
  const kilobytes = /Maximum resident set size \(kbytes\): (\d+)/.exec(time ?? '')?.[1];
  if (kilobytes === undefined) {
    missing('peak memory', 'GNU time is not installed (Debian: apt install time)');
    return;
  }
  const pair = [iterations[0].peak_memory_mb, (Number(kilobytes) * 1024) / 1e6];
  row('peak memory', 'MB', [pair], { bound: 2, relative: true });
}

async function checkEnergy(folder, observer, runArgs) {
  const real = join('/sys', RAPL);
  let file = real;
  let driver;
  let root = [];
  if (!fs.existsSync(real)) {
    const tree = join(folder, 'tree');
    file = join(tree, 'sys', RAPL);
    fs.mkdirSync(join(file, '..'), { recursive: true });
    fs.writeFileSync(join(file, '..', 'name'), 'package-0\n');
    fs.writeFileSync(join(file, '..', 'max_energy_range_uj'), '262143328850\n');
    driver = startSelf('--drive', file);
    while (!fs.existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
    root = ['--sysfs-root', tree];
  } else {
    try {
      fs.accessSync(real, fs.constants.R_OK);
    } catch {
      missing('energy of an iteration', `${real} is not readable here`);
      return;
    }
  }
  try {
    const { iterations, marks } = await watched(folder, observer, [...runArgs, ...root], file);
    const pairs = iterations.map(({ energy_j }, i) => [
      energy_j,
      seen(marks, 'end')[i].joules - seen(marks, 'begin')[i].joules,
    ]);
    const name = driver
      ? `energy of an iteration (a counter of ${WATTS} W)`
      : 'energy of an iteration';
    row(name, 'J', pairs, { bound: 3, relative: true });
  } finally {
    driver?.kill();
  }
}

async function main() {
  const [mode, ...rest] = process.argv.slice(2);
  if (mode === '--drive') return drive(...rest);
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'smollm2-135m' },
      'memory-model': { type: 'string', default: 'tinyllama-1.1b' },
      iterations: { type: 'string', default: '5' },
    },
  });
  const folder = fs.mkdtempSync(join(tmpdir(), 'npu-bench-check-'));
  try {
    await check(folder, values);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
    print();
  }
}

function print() {
  const table = [['', 'npu-bench', 'from outside', 'difference', 'bound', ''], ...rows];
  const widths = table[0].map((_, i) => Math.max(...table.map((cells) => cells[i].length)));
  for (const cells of table) {
    console.log(
      cells
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    );
  }
  process.exitCode = failed ? 1 : 0;
}

await main();
