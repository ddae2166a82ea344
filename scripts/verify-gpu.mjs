#!/usr/bin/env node
// Shows that what the GPU backends compute is right, with the figures: every weight type, architecture and batch size
// against the reference interpreter, SmolLM2's greedy tokens against the CPU's exact path, MiniLM's vectors against
// transformers. Bounds are the tests' own: 1e-5 in f32, 1e-3 in f16, equal tokens, cosine 0.9999.
//   node scripts/verify-gpu.mjs [vulkan|opencl …]      after node scripts/build-native.cjs --tests
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const build = join(root, 'build', 'cmake', `${process.platform}-${process.arch}-release`);
const program = join(build, 'native', 'test', 'gpu', 'gpu_test');
if (!existsSync(program)) {
  console.error(
    `verify-gpu: there is no ${program}; run node scripts/build-native.cjs --tests first.`,
  );
  process.exit(2);
}
const CASES = [
  'every weight type*',
  'every decoder architecture*',
  'batches and a half*',
  'encoders on*',
  'SmolLM2*',
  'MiniLM*',
].join(',');

let failed = false;
const backends = process.argv.slice(2);
for (const backend of backends.length > 0 ? backends : ['vulkan', 'opencl']) {
  const run = spawnSync(program, [`--test-case=${CASES}`, '--no-colors'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, NPB_TEST_GPU_API: backend },
  });
  console.log(`\n${backend}`);
  let name = '';
  for (const line of `${run.stdout}${run.stderr}`.split('\n')) {
    name = /^TEST CASE: +(.*)/.exec(line)?.[1] ?? name;
    const said = /(?:MESSAGE|ERROR): (.*)/.exec(line)?.[1];
    if (said) console.log(`  ${name}: ${said}`);
    if (/^\[doctest\] (test cases|assertions)/.test(line)) console.log(`  ${line}`);
  }
  if (run.status !== 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
