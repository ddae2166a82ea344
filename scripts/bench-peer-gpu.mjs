#!/usr/bin/env node
// Our GPU speed against llama.cpp's Vulkan backend, on the same Vulkan device, file and threads, and our OpenCL beside it:
//   node scripts/bench-peer-gpu.mjs [--rounds 3] [--steps 16] [--threads N] [--only q4_1|q8_0] [--model FILE]
//                                   [--timeout SECONDS]
// Rounds are interleaved and each measurement is a process of its own. The quoted ratio is best against best. A
// measurement that fails or takes too long is said so and leaves the others standing. Exit code 1 when a ratio is below
// its bar (3 times llama.cpp's; OpenCL on PoCL no slower than our own Vulkan on lavapipe; 50 us of the host's processor
// time and one submission per decode step), 2 when something could not be measured.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, homedir, loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const PREFILL = 128;
const VULKAN_BAR = 3;
const OPENCL_BAR = 1;
const HOST_BAR_US = 50;

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '..', 'dist', 'cli', 'main.js');
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '16' },
    threads: { type: 'string', default: String(cpus().length) },
    only: { type: 'string' },
    model: { type: 'string' },
    timeout: { type: 'string', default: '900' },
  },
});
function count(name) {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`bench-peer-gpu: --${name} must be a whole number above 0.`);
  process.exit(2);
}
const [rounds, steps, threads] = [count('rounds'), count('steps'), count('threads')];
const timeout = count('timeout');
const scratch = mkdtempSync(join(tmpdir(), 'bench-peer-gpu-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
// Lavapipe and PoCL take their threads from here, for us and for llama.cpp alike.
const env = {
  ...process.env,
  LP_NUM_THREADS: String(threads),
  POCL_MAX_PTHREAD_COUNT: String(threads),
};

class Failed extends Error {}

function run(program, args) {
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env,
    timeout: timeout * 1000,
  });
  if (done.status !== 0) {
    const said =
      done.error?.code === 'ETIMEDOUT'
        ? `it took longer than ${timeout} s`
        : (done.stderr?.trim().split('\n').at(-1) ?? done.error?.message ?? 'it said nothing');
    throw new Failed(`${program} ${args.slice(0, 3).join(' ')} … failed: ${said}`);
  }
  return done;
}
const lastLine = ({ stdout }) => stdout.trim().split('\n').at(-1);

/** SmolLM2's shapes as Q8_0, with random weights: nobody publishes the real one in an ordinary package. */
function shapesQ80() {
  const cache = join(
    process.env.NPU_BENCH_CACHE ??
      join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'npu-bench'),
    'peers',
  );
  mkdirSync(cache, { recursive: true });
  const path = join(cache, 'smollm2-135m-Q8_0.gguf');
  if (existsSync(path)) return path;
  const venv = join(cache, 'gguf-venv');
  if (!existsSync(join(venv, 'bin', 'python'))) {
    run('python3', ['-m', 'venv', venv]);
    run(join(venv, 'bin', 'pip'), ['install', '-q', 'gguf==0.19.0', 'numpy']);
  }
  const make = join(here, 'peers', 'make_model.py');
  run(join(venv, 'bin', 'python'), [make, 'smollm2-135m', 'Q8_0', path]);
  return path;
}

function results(backend, model, input, output) {
  const file = join(scratch, 'ours.json');
  rmSync(file, { force: true });
  const args = [cli, 'run', '--device', 'gpu', '--backend', backend, '--model', model];
  args.push('--input-length', String(input), '--output-length', String(output), '--output', file);
  args.push('--iterations', '1', '--warmup', '1', '--processes', '1', '--cold-start', 'off');
  args.push('--threads', String(threads));
  run(process.execPath, args);
  const document = JSON.parse(readFileSync(file, 'utf8'));
  console.error(`    ${backend} on ${document.metadata.device_info.name}`);
  return document.results;
}

/** One process each for prompt and decode; a single token of prompt, so that all start from an empty cache. */
function ours(backend, model) {
  const decode = results(backend, model, 1, steps + 1);
  return {
    prefill: results(backend, model, PREFILL, 1).throughput.prefill_tokens_per_second.mean,
    decode: decode.throughput.tokens_per_second_after_first.mean,
    overhead: decode.overhead,
  };
}

function llama(bench, model) {
  const args = ['-m', resolve(model), '-ngl', '99', '-r', '1', '-t', String(threads), '-o', 'json'];
  const { stdout, stderr } = run(bench, [...args, '-p', String(PREFILL), '-n', String(steps)]);
  const rows = JSON.parse(stdout);
  if (!rows.every((row) => /vulkan/i.test(row.backends)))
    throw new Failed(`llama.cpp ran on ${rows[0]?.backends}, not on Vulkan.`);
  const device = stderr.match(/ggml_vulkan: 0 = ([^|]*)/)?.[1]?.trim() ?? rows[0].gpu_info;
  console.error(`    llama.cpp on ${device ?? 'a device that it does not name'}`);
  return {
    prefill: rows.find((row) => row.n_prompt === PREFILL).avg_ts,
    decode: rows.find((row) => row.n_gen === steps).avg_ts,
  };
}

const best = (list) => Math.max(...list);
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
let missed = 0;
let unmeasured = 0;

function verdict(text, met) {
  if (!met) missed++;
  console.log(`    ${text}: ${met ? 'met' : 'MISSED'}`);
}

function ratio(name, ours, peer, bar) {
  if (ours.length === 0 || peer.length === 0) {
    unmeasured++;
    console.log(`    ${name}: not measured`);
    return;
  }
  const value = best(ours) / best(peer);
  const medians = (median(ours) / median(peer)).toFixed(2);
  verdict(`${name}: ${value.toFixed(2)} times (medians ${medians}), bar ${bar}`, value >= bar);
}

function overheadLines(measured) {
  const blocks = measured
    .map(({ overhead }) => overhead)
    .filter((overhead) => overhead?.execute_ms);
  if (blocks.length === 0) return;
  const least = (name) => Math.min(...blocks.map((block) => block[name]?.mean ?? Number.NaN));
  const parts = ['transfer', 'dispatch', 'execute', 'synchronize'];
  console.log(
    `    our Vulkan's decode step: ${parts.map((part) => `${part} ${least(`${part}_ms`).toFixed(3)}`).join(', ')} ms`,
  );
  const host = least('host_cpu_ms') * 1000;
  verdict(
    `host processor time beside waiting: ${host.toFixed(1)} us a step, bar ${HOST_BAR_US}`,
    host <= HOST_BAR_US,
  );
  const submissions = least('submissions_per_step');
  verdict(`submissions: ${submissions} a step, bar 1`, submissions === 1);
}

function compare(title, measures) {
  const names = Object.keys(measures);
  const measured = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      try {
        const figures = measures[name]();
        measured[name].push(figures);
        console.error(
          `  round ${round + 1}, ${name}: prefill ${figures.prefill.toFixed(1)}, decode ${figures.decode.toFixed(1)} tokens/s, load ${loadavg()[0].toFixed(1)}`,
        );
      } catch (error) {
        if (!(error instanceof Failed)) throw error;
        console.error(`  round ${round + 1}, ${name}: ${error.message}`);
      }
    }
  for (const [what, label] of [
    ['prefill', `prefill of ${PREFILL} tokens`],
    ['decode', `decode of ${steps} tokens`],
  ]) {
    console.log(`${title}: ${label}, tokens/s: best (median, worst)`);
    const figures = {};
    for (const name of names) {
      const list = measured[name].map((one) => one[what]);
      figures[name] = list;
      if (list.length > 0)
        console.log(
          `    ${name.padEnd(18)} ${best(list).toFixed(1)} (${median(list).toFixed(1)}, ${Math.min(...list).toFixed(1)})`,
        );
    }
    ratio(
      'our Vulkan to llama.cpp',
      figures['our Vulkan'],
      figures['llama.cpp Vulkan'],
      VULKAN_BAR,
    );
    ratio('our OpenCL to our Vulkan', figures['our OpenCL'], figures['our Vulkan'], OPENCL_BAR);
  }
  overheadLines(measured['our Vulkan']);
}

const models = {
  q4_1: [
    'SmolLM2-135M Q4_1 (real)',
    () => lastLine(run(process.execPath, [join(here, 'fetch-model.mjs'), 'smollm2'])),
  ],
  q8_0: ["SmolLM2's shapes Q8_0", shapesQ80],
};
if (options.model !== undefined) {
  for (const key of Object.keys(models)) delete models[key];
  models.file = [options.model, () => options.model];
}

try {
  const bench = join(lastLine(run(join(here, 'peers', 'llama-vulkan.sh'), [])), 'llama-bench');
  console.log(
    `CPU ${cpus()[0]?.model ?? 'unknown'}, ${threads} threads, load average ${loadavg()[0].toFixed(2)}, ${rounds} interleaved rounds`,
  );
  for (const [key, [name, path]] of Object.entries(models)) {
    if (options.only !== undefined && options.only !== key) continue;
    const model = path();
    compare(name, {
      'our Vulkan': () => ours('vulkan', model),
      'llama.cpp Vulkan': () => llama(bench, model),
      'our OpenCL': () => ours('opencl', model),
    });
  }
  process.exitCode = unmeasured > 0 ? 2 : missed > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof Failed)) throw error;
  console.error(`bench-peer-gpu: ${error.message}`);
  process.exitCode = 2;
}
