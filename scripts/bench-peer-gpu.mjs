#!/usr/bin/env node
// Our GPU speed against llama.cpp's Vulkan backend, on the same Vulkan device and file, and our OpenCL beside it:
//   node scripts/bench-peer-gpu.mjs [--rounds 3] [--steps 16] [--only q4_1|q8_0] [--model FILE]
// Rounds are interleaved and each measurement is a process of its own. The quoted ratio is best against best. Exit code 1
// when a ratio is below its bar: 3 times llama.cpp's, and OpenCL (PoCL) no slower than our own Vulkan (lavapipe).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, homedir, loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const PREFILL = 128;
const VULKAN_BAR = 3;
const OPENCL_BAR = 1;

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '..', 'dist', 'cli', 'main.js');
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '16' },
    only: { type: 'string' },
    model: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
const steps = Number(options.steps);
const scratch = mkdtempSync(join(tmpdir(), 'bench-peer-gpu-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

function run(program, args) {
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status !== 0) {
    const said = done.stderr?.trim().split('\n').at(-1) ?? done.error?.message ?? '';
    console.error(`bench-peer-gpu: ${program} ${args.slice(0, 3).join(' ')} … failed. ${said}`);
    process.exit(2);
  }
  return done.stdout;
}
const lastLine = (text) => text.trim().split('\n').at(-1);

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

function ours(backend, model, input, output) {
  const file = join(scratch, 'ours.json');
  rmSync(file, { force: true });
  const args = [cli, 'run', '--device', 'gpu', '--backend', backend, '--model', model];
  args.push('--input-length', String(input), '--output-length', String(output), '--output', file);
  args.push('--iterations', '1', '--warmup', '1', '--processes', '1', '--cold-start', 'off');
  return JSON.parse(run('node', [...args, '--json'])).results.throughput;
}
const bench = join(lastLine(run(join(here, 'peers', 'llama-vulkan.sh'), [])), 'llama-bench');
function llama(model, prompt, generate) {
  const args = ['-m', resolve(model), '-ngl', '99', '-r', '1', '-o', 'json'];
  const [row] = JSON.parse(run(bench, [...args, '-p', String(prompt), '-n', String(generate)]));
  if (!/vulkan/i.test(row.backends)) {
    console.error(`bench-peer-gpu: llama.cpp ran on ${row.backends}, not on Vulkan.`);
    process.exit(2);
  }
  return row.avg_ts;
}

const best = (list) => Math.max(...list);
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
let failed = 0;

function ratio(name, ours, peer, bar) {
  const value = best(ours) / best(peer);
  if (value < bar) failed++;
  const medians = (median(ours) / median(peer)).toFixed(2);
  console.log(
    `    ${name}: ${value.toFixed(2)} (medians ${medians}), bar ${bar}: ${value >= bar ? 'met' : 'MISSED'}`,
  );
}

function compare(title, measures) {
  const figures = Object.fromEntries(Object.keys(measures).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const names = Object.keys(measures);
    for (const name of round % 2 === 0 ? names : names.reverse())
      figures[name].push(measures[name]());
  }
  console.log(`${title}, tokens/s: best (median, worst)`);
  for (const [name, list] of Object.entries(figures))
    console.log(
      `    ${name.padEnd(18)} ${best(list).toFixed(1)} (${median(list).toFixed(1)}, ${Math.min(...list).toFixed(1)})`,
    );
  ratio('our Vulkan to llama.cpp', figures.vulkan, figures['llama.cpp Vulkan'], VULKAN_BAR);
  ratio('our OpenCL to our Vulkan', figures.opencl, figures.vulkan, OPENCL_BAR);
}

console.log(
  `CPU ${cpus()[0]?.model ?? 'unknown'}, load average ${loadavg()[0].toFixed(2)}, ${rounds} interleaved rounds`,
);
const models = {
  q4_1: [
    'SmolLM2-135M Q4_1 (real)',
    () => lastLine(run('node', [join(here, 'fetch-model.mjs'), 'smollm2'])),
  ],
  q8_0: ["SmolLM2's shapes Q8_0", shapesQ80],
};
if (options.model !== undefined) {
  for (const key of Object.keys(models)) delete models[key];
  models.file = [options.model, () => options.model];
}
for (const [key, [name, path]] of Object.entries(models)) {
  if (options.only !== undefined && options.only !== key) continue;
  const model = path();
  compare(`${name}: prefill of ${PREFILL} tokens`, {
    vulkan: () => ours('vulkan', model, PREFILL, 1).prefill_tokens_per_second,
    'llama.cpp Vulkan': () => llama(model, PREFILL, 0),
    opencl: () => ours('opencl', model, PREFILL, 1).prefill_tokens_per_second,
  });
  // One token of prompt, so that all start from an empty cache.
  compare(`${name}: decode of ${steps} tokens`, {
    vulkan: () => ours('vulkan', model, 1, steps + 1).tokens_per_second_after_first.mean,
    'llama.cpp Vulkan': () => llama(model, 0, steps),
    opencl: () => ours('opencl', model, 1, steps + 1).tokens_per_second_after_first.mean,
  });
}
process.exitCode = failed > 0 ? 1 : 0;
