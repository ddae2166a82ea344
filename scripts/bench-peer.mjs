#!/usr/bin/env node
// Our CPU speed against llama.cpp (Debian's build and one built for this processor) and ONNX Runtime, on the same
// files with the same threads: npm run bench:peer -- [--rounds 5] [--threads N] [--only llm|batch|embed|start|memory] [--quick]
// Rounds are interleaved (ours, peer, peer, ours …), each measurement in a process of its own. The quoted ratio is best against
// best; the ratio of medians and all spreads are beside it. Exit code 1 when a ratio is below its bar.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, homedir, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '..', 'dist', 'cli', 'main.js');
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const threads = options.threads ?? String(availableParallelism());
const cache = join(
  process.env.NPU_BENCH_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'npu-bench'),
  'peers',
);
mkdirSync(cache, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), 'bench-peer-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

function run(program, args, { quiet = false } = {}) {
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', quiet ? 'pipe' : 'inherit'],
  });
  if (done.status !== 0) {
    const said = done.stderr?.trim().split('\n').at(-1) ?? done.error?.message ?? '';
    console.error(`bench-peer: ${program} ${args.slice(0, 3).join(' ')} … failed. ${said}`);
    process.exit(2);
  }
  return done.stdout;
}
const lastLine = (text) => text.trim().split('\n').at(-1);
const peer = (script, ...args) => lastLine(run(join(here, 'peers', script), args));
const fetchModel = (name) => lastLine(run('node', [join(here, 'fetch-model.mjs'), name]));

function shapeModel(shape, type) {
  const path = join(cache, `${shape}-${type}-bytes.gguf`); // with a token for every byte
  if (existsSync(path)) return path;
  const venv = join(cache, 'gguf-venv');
  if (!existsSync(join(venv, 'bin', 'python'))) {
    run('python3', ['-m', 'venv', venv]);
    run(join(venv, 'bin', 'pip'), ['install', '-q', 'gguf==0.19.0', 'numpy']);
  }
  console.error(`bench-peer: writing ${path}`);
  run(join(venv, 'bin', 'python'), [join(here, 'peers', 'make_model.py'), shape, type, path]);
  return path;
}

/** The document of one measured iteration of ours in a process of its own. */
function measure(model, input, output, extra = []) {
  const file = join(scratch, 'ours.json');
  const args = [cli, 'run', '--device', 'cpu', '--model', model, '--threads', threads];
  args.push('--input-length', String(input), '--output-length', String(output), '--output', file);
  args.push(
    '--iterations',
    '1',
    '--warmup',
    '1',
    '--processes',
    '1',
    '--cold-start',
    'off',
    '--json',
  );
  rmSync(file, { force: true });
  return JSON.parse(run('node', [...args, ...extra], { quiet: true }));
}
const ours = (...args) => measure(...args).results;

function llama(bench, model, prompt, generate) {
  const args = ['-m', model, '-t', threads, '-p', String(prompt), '-n', String(generate)];
  const [row] = JSON.parse(run(bench, [...args, '-r', '1', '-o', 'json'], { quiet: true }));
  return row.avg_ts;
}

const sorted = (list) => [...list].sort((a, b) => a - b);
const best = (list) => Math.max(...list);
const median = (list) => sorted(list)[Math.floor(list.length / 2)];
const spread = (list) =>
  `${best(list).toFixed(1)} (${median(list).toFixed(1)}, ${Math.min(...list).toFixed(1)})`;
let failed = 0;

/** `measures`: name -> function that returns one figure, larger is better; "ours" among them. */
function compare(title, bar, measures) {
  const figures = Object.fromEntries(Object.keys(measures).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const names = Object.keys(measures);
    for (const name of round % 2 === 0 ? names : names.reverse()) {
      figures[name].push(measures[name]());
    }
  }
  const peers = Object.keys(figures).filter((name) => name !== 'ours');
  const strongest = peers.reduce((a, b) => (best(figures[a]) >= best(figures[b]) ? a : b));
  const ratio = best(figures.ours) / best(figures[strongest]);
  const ofMedians = median(figures.ours) / median(figures[strongest]);
  if (ratio < bar) failed++;
  console.log(`${title}`);
  for (const [name, list] of Object.entries(figures))
    console.log(`    ${name.padEnd(14)} ${spread(list)}`);
  console.log(
    `    ratio to ${strongest}: ${ratio.toFixed(2)} (medians ${ofMedians.toFixed(2)}), bar ${bar}: ${ratio >= bar ? 'met' : 'MISSED'}`,
  );
  return figures;
}

/** Bytes per second that this machine's memory gives to `threads` readers, by our own kernel. */
function bandwidth() {
  const text = run('node', [cli, 'bench-self', '--threads', threads, '--json'], { quiet: true });
  return JSON.parse(text).limits.readBandwidthBytesPerSecond;
}

const wants = (part) => options.only === undefined || options.only === part;
const features = spawnSync('sh', ['-c', 'grep -m1 -E "^(flags|Features)" /proc/cpuinfo'], {
  encoding: 'utf8',
}).stdout;
const notable = features.match(
  /\b(avx2|avx512f|avx512_vnni|avx_vnni|avx512_bf16|avx512_fp16|amx_int8|gfni|asimddp|i8mm|sve2?)\b/g,
);
console.log(
  `CPU ${cpus()[0]?.model ?? 'unknown'}, ${threads} threads, ${[...new Set(notable ?? [])].join(' ')}`,
);
console.log(
  `load average ${loadavg()[0].toFixed(2)}; figures: best (median, worst) of ${rounds} interleaved rounds`,
);

const needsLlama = wants('llm') || wants('batch') || wants('start');
const builds = needsLlama
  ? {
      debian: join(peer('llama-debian.sh'), 'llama-bench'),
      native: join(peer('llama-native.sh'), 'llama-bench'),
    }
  : {};
const against = (measure) =>
  Object.fromEntries(Object.entries(builds).map(([name, bench]) => [name, () => measure(bench)]));

if (wants('llm')) {
  const models = [
    ['SmolLM2-135M Q4_1 (real)', () => fetchModel('smollm2'), 4, 1.5],
    ["SmolLM2's shapes Q4_0", () => shapeModel('smollm2-135m', 'Q4_0'), 1.5, 1.3],
    ["TinyLlama-1.1B's shapes Q4_0", () => shapeModel('tinyllama-1.1b', 'Q4_0'), 2, 1.1],
    ["TinyLlama-1.1B's shapes Q8_0", () => shapeModel('tinyllama-1.1b', 'Q8_0'), 3, 0.97],
  ];
  const steps = options.quick ? 32 : 128;
  for (const [name, path, prefillBar, decodeBar] of models) {
    const file = path();
    let bytesPerStep = 0;
    compare(`${name}: prefill of 512 tokens, tokens/s`, prefillBar, {
      ours: () => ours(file, 512, 1).throughput.prefill_tokens_per_second.mean,
      ...against((bench) => llama(bench, file, 512, 0)),
    });
    compare(`${name}: decode of ${steps} tokens, tokens/s`, decodeBar, {
      // One token of prompt, so that both start from an empty cache.
      ours: () => {
        const results = ours(file, 1, steps + 1);
        bytesPerStep = results.roofline.weight_bytes_per_step;
        return results.throughput.tokens_per_second_after_first.mean;
      },
      ...against((bench) => llama(bench, file, 0, steps)),
    });
    // Files that no cache holds: decode is bound by the memory, measured right before and after.
    if (!name.includes('1.1B')) continue;
    const around = [bandwidth()];
    const rates = [];
    for (let round = 0; round < rounds; round++) {
      rates.push(ours(file, 1, steps + 1).throughput.tokens_per_second_after_first.mean);
      around.push(bandwidth());
    }
    const share = (best(rates) * bytesPerStep) / best(around);
    if (share < 0.9) failed++;
    console.log(
      `    weights read at ${((best(rates) * bytesPerStep) / 1e9).toFixed(1)} GB/s of ${(best(around) / 1e9).toFixed(1)} GB/s: ${(100 * share).toFixed(0)} %, bar 90 %: ${share >= 0.9 ? 'met' : 'MISSED'}`,
    );
  }
}

if (wants('memory')) {
  for (const [name, file] of [
    ['SmolLM2-135M Q4_1', fetchModel('smollm2')],
    ["TinyLlama-1.1B's shapes Q4_0", shapeModel('tinyllama-1.1b', 'Q4_0')],
    ["TinyLlama-1.1B's shapes Q8_0", shapeModel('tinyllama-1.1b', 'Q8_0')],
    ['MiniLM', fetchModel('minilm')],
  ]) {
    const { memory_mb: held, peak_memory_mb: peak } = measure(file, 256, 64).iterations[0];
    const { weights, kv_cache: cached = 0 } = held;
    const bar = 1.15 * weights + cached + 60;
    if (peak > bar) failed++;
    console.log(
      `${name}: peak memory ${peak.toFixed(1)} MB; packed weights ${weights.toFixed(1)} MB, KV cache ${cached.toFixed(1)} MB, bar ${bar.toFixed(1)} MB: ${peak <= bar ? 'met' : 'MISSED'}`,
    );
  }
}

if (wants('batch')) {
  const file = shapeModel('tinyllama-1.1b', 'Q4_0');
  const decode = (batch) =>
    ours(file, 1, 33, ['--batch-size', batch]).throughput.tokens_per_second_after_first.mean;
  compare('TinyLlama Q4_0: decode of 8 sequences against 1, tokens/s', 4, {
    ours: () => decode('8'),
    'batch of 1': () => decode('1'),
  });
}

if (wants('embed')) {
  const folder = fetchModel('minilm');
  const ort = peer('onnxruntime.sh', folder);
  const onnx = (graph, batch) => {
    const args = [
      join(here, 'peers', 'onnx_bench.py'),
      join(ort, graph),
      threads,
      String(batch),
      '256',
      '3',
    ];
    return best(
      run(join(ort, 'venv', 'bin', 'python'), args, { quiet: true })
        .trim()
        .split('\n')
        .map(Number),
    );
  };
  const embed = (precision, batch) => {
    const flags = ['--batch-size', String(batch), '--precision', precision];
    const { queries_per_second: rate } = ours(folder, 256, 1, flags).throughput;
    return typeof rate === 'number' ? rate : rate.mean;
  };
  for (const [precision, graph, batch, bar] of [
    ['f32', 'f32.onnx', 1, 1],
    ['f32', 'f32.onnx', 32, 1.2],
    ['int8', 'int8.onnx', 1, 1.5],
    ['int8', 'int8.onnx', 32, 1.5],
  ]) {
    compare(`MiniLM ${precision}, batch ${batch}, 256 tokens, sequences/s`, bar, {
      ours: () => embed(precision, batch),
      onnxruntime: () => onnx(graph, batch),
    });
  }
}

if (wants('start')) {
  // From the start of the process to its end after one token: what a user waits for.
  const seconds = (program, args) => {
    const begin = process.hrtime.bigint();
    run(program, args, { quiet: true });
    return 1e9 / Number(process.hrtime.bigint() - begin);
  };
  const firstToken = (file, extra = []) => {
    const args = [
      cli,
      'run',
      '--device',
      'cpu',
      '--model',
      file,
      '--threads',
      threads,
      '--input-length',
      '16',
    ];
    args.push(
      '--output-length',
      '1',
      '--iterations',
      '1',
      '--warmup',
      '0',
      '--cache',
      'keep',
      '--json',
      ...extra,
    );
    args.push('--output', join(scratch, 'start.json'));
    rmSync(join(scratch, 'start.json'), { force: true });
    const document = JSON.parse(run('node', args, { quiet: true }));
    return 1000 / document.results.latency.cold_start_ms.mean;
  };
  for (const [name, path, bars] of [
    ['SmolLM2-135M Q4_1', fetchModel('smollm2'), [1, 1]],
    ["TinyLlama-1.1B's shapes Q4_0", shapeModel('tinyllama-1.1b', 'Q4_0'), [1, 2]],
  ]) {
    const llamaStart = () =>
      against((bench) => {
        const program = join(dirname(bench), 'llama-completion');
        return seconds(program, [
          '-m',
          path,
          '-t',
          threads,
          '-no-cnv',
          '-p',
          'a b c d e f g h i j k l',
          '-n',
          '1',
        ]);
      });
    compare(`${name}: process start to first token, starts/s, file pages kept`, bars[0], {
      ours: () => firstToken(path),
      ...llamaStart(),
    });
    compare(`${name}: the same with the packed-weights cache`, bars[1], {
      ours: () => firstToken(path, ['--packed-cache', 'on']),
      ...llamaStart(),
    });
  }
}

process.exitCode = failed > 0 ? 1 : 0;
