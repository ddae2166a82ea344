#!/usr/bin/env node
// Makes prebuilds/<target>/npu-proxy-benchmark.glibc.node: node scripts/prebuild.mjs linux-x64 linux-arm64
// prebuildify packs, scripts/build-native.cjs builds (in the place of node-gyp), zig compiles against glibc 2.28.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const prebuildify = promisify(createRequire(import.meta.url)('prebuildify'));
const TARGETS = ['linux-x64', 'linux-arm64'];

function fail(sentence) {
  console.error(`prebuild: ${sentence}`);
  process.exit(1);
}

const targets = process.argv.length > 2 ? process.argv.slice(2) : TARGETS;
for (const target of targets) {
  if (!TARGETS.includes(target))
    fail(`unknown target ${target}; the targets are ${TARGETS.join(', ')}.`);
}

if (process.env.NPB_ZIG === undefined) {
  const zig = spawnSync('bash', [join(root, 'scripts/deps/zig.sh')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (zig.status !== 0) fail('zig is not available; the line above says why.');
  process.env.NPB_ZIG = zig.stdout.trim();
}

for (const target of targets) {
  const [platform, arch] = target.split('-');
  const work = join(root, 'build', 'prebuild', target);
  mkdirSync(work, { recursive: true });
  rmSync(join(root, 'prebuilds', target), { recursive: true, force: true });
  process.env.NPB_DESTINATION = join(work, 'build', 'Release');
  process.env.NPB_TOOLCHAIN = join('native', 'cmake', `zig-${target}.cmake`);
  await prebuildify({
    cwd: work,
    out: root,
    name: 'npu-proxy-benchmark',
    platform,
    arch,
    // Node-API: one file for every version, so the version named here only satisfies prebuildify.
    targets: [`node@${process.versions.node}`],
    napi: true,
    tagLibc: true,
    libc: 'glibc',
    nodeGyp: join(root, 'scripts', 'build-native.cjs'),
  });
  console.error(`prebuild: prebuilds/${target}/npu-proxy-benchmark.glibc.node`);
}
