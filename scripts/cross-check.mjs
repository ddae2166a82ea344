#!/usr/bin/env node
/**
 * Holds what `npu-bench run` says against what other programs see from outside, both side by side:
 *
 *   times of the first and last token   a process of its own that reads a pipe and its own clock
 *   processor time of an iteration      the kernel's run times of all threads (/proc/PID/task)
 *   peak memory                         GNU time -v
 *   energy                              powercap read by that other process; a file that counts at
 *                                       a constant power where the machine has none
 *
 * node scripts/cross-check.mjs [--model NAME] [--memory-model NAME] [--iterations N]
 *
 * Exit code 1: something is out of bounds.
 *
 * For a quiet machine: the other process must be woken at once to time a token.
 */
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const RAPL = 'class/powercap/intel-rapl:0/energy_uj';
const WATTS = 20;
const now = () => Number(process.hrtime.bigint());

/** Run time of all threads of a process, in ns: of the scheduler, or in clock ticks without it. */
function cpuNs(pid) {
  let total = 0;
  for (const task of fs.readdirSync(`/proc/${pid}/task`)) {
    const text = fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1');
    total += Number(text.split(' ')[0]);
  }
  return total;
}

/** The other process: one line of JSON for each line that it reads from the pipe. */
function observe(pipe, energyFile) {
  // Open for writing as well, so that the pipe does not end between two writers.
  const input = fs.openSync(pipe, 'r+');
  const buffer = Buffer.alloc(4096);
  fs.writeSync(1, 'ready\n');
  for (;;) {
    const length = fs.readSync(input, buffer);
    const seenNs = now();
    for (const line of buffer.toString('latin1', 0, length).trim().split('\n')) {
      const [moment, pid] = line.split(' ');
      if (moment === 'stop') return;
      const seen = { moment, pid: Number(pid), seenNs };
      if (energyFile) seen.joules = Number(fs.readFileSync(energyFile, 'latin1')) / 1e6;
      try {
        seen.cpuNs = cpuNs(pid);
      } catch (error) {
        seen.cpuError = error.code;
      }
      fs.writeSync(1, `${JSON.stringify(seen)}\n`);
    }
  }
}

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

/** Words before a command that run it at once when it is woken, where that is permitted. */
function atOnce() {
  try {
    execFileSync('chrt', ['-f', '10', 'true'], { stdio: 'ignore' });
    return ['chrt', '-f', '10'];
  } catch {
    return [];
  }
}

function startSelf(before, mode, ...args) {
  const script = fileURLToPath(import.meta.url);
  const [name, ...words] = [...before, process.execPath, script, mode, ...args];
  return spawn(name, words, { stdio: ['ignore', 'pipe', 'inherit'] });
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
async function watched(folder, runArgs, energyFile) {
  const pipe = join(folder, 'marks');
  fs.rmSync(pipe, { force: true });
  execFileSync('mkfifo', [pipe]);
  const observer = startSelf(atOnce(), '--observe', pipe, energyFile ?? '');
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
    .map((line) => JSON.parse(line));
  const delays = seen(marks, 'probe').map(({ seenNs }, i) => seenNs - probes[i]);
  return {
    iterations: JSON.parse(fs.readFileSync(output, 'utf8')).iterations,
    marks,
    pipeNs: median(delays),
    time: time.length > 0 ? fs.readFileSync(timing, 'utf8') : undefined,
  };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const rows = [];
let failed = false;

/** One line: the medians of both figures, and of their differences against the bound. */
function row(name, unit, pairs, { bound, relative = false }) {
  const differences = pairs.map(([ours, theirs]) =>
    relative ? (100 * (ours - theirs)) / theirs : ours - theirs,
  );
  const middle = median(differences);
  const worst = differences.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
  const ok = Math.abs(middle) <= bound;
  failed ||= !ok;
  const measure = relative ? '%' : unit;
  rows.push([
    name,
    `${median(pairs.map(([ours]) => ours)).toFixed(3)} ${unit}`,
    `${median(pairs.map(([, theirs]) => theirs)).toFixed(3)} ${unit}`,
    `${middle.toFixed(3)} ${measure} (worst ${worst.toFixed(3)})`,
    `${bound} ${measure}`,
    ok ? 'agrees' : 'DIFFERS',
  ]);
}

function missing(name, why) {
  rows.push([name, '', '', why, '', 'not checked']);
}

/** Marks of one kind, in the order of the iterations: each of them has a process of its own. */
const seen = (marks, moment) => marks.filter((entry) => entry.moment === moment);
const end = (iteration, names) =>
  iteration.phases.filter(({ name }) => names.includes(name)).at(-1).end_ms;
/** When a mark was written, by the observer's clock less what the pipe takes, in ms. */
const sinceSpawn = (mark, iteration, pipeNs) => (mark.seenNs - pipeNs - iteration.spawn_ns) / 1e6;

async function check(folder, { model, iterations, 'memory-model': memoryModel }) {
  const base = ['--device', 'cpu', '--model', model, '--iterations', iterations];
  const lengths = (input, output) => ['--input-length', input, '--output-length', output];
  const long = await watched(folder, [...base, ...lengths('64', '32')]);
  const times = (moment, names, from) =>
    from.iterations.map((iteration, i) => [
      end(iteration, names),
      sinceSpawn(seen(from.marks, moment)[i], iteration, from.pipeNs),
    ]);
  row('first token of a cold start', 'ms', times('first-token', ['cold prefill'], long), {
    bound: 0.2,
  });
  row('last token', 'ms', times('end', ['decode'], long), { bound: 0.2 });
  const short = await watched(folder, [...base, ...lengths('64', '1')]);
  row('first token, warm', 'ms', times('end', ['prefill'], short), { bound: 0.2 });

  console.log(
    `The pipe takes ${(long.pipeNs / 1e6).toFixed(3)} ms of its own, which is taken off.`,
  );

  const begins = seen(long.marks, 'begin');
  const ends = seen(long.marks, 'end');
  if ([...begins, ...ends].every((mark) => mark.cpuNs !== undefined)) {
    const pairs = long.iterations.map(({ usage }, i) => [
      usage.cpu_ms,
      (ends[i].cpuNs - begins[i].cpuNs) / 1e6,
    ]);
    row('processor time of an iteration', 'ms', pairs, { bound: 2, relative: true });
  } else {
    missing('processor time of an iteration', 'the kernel keeps no run times (schedstat)');
  }

  await checkMemory(folder, memoryModel);
  await checkEnergy(folder, [...base, ...lengths('64', '32')]);
}

/**
 * GNU time tells the largest of all processes below it: the model must be larger than what the
 * processes around the measured one need, which is about 600 MB.
 */
async function checkMemory(folder, model) {
  const workload = ['--input-length', '8', '--output-length', '2', '--iterations', '1'];
  const { iterations, time } = await watched(folder, [
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

async function checkEnergy(folder, runArgs) {
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
    driver = startSelf([], '--drive', file);
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
    const { iterations, marks } = await watched(folder, [...runArgs, ...root], file);
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
  if (mode === '--observe') return observe(...rest);
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
