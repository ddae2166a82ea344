#!/usr/bin/env node
// Puts the shaders, compiled, into native/backends/vulkan/spirv: what the npm package brings along, so that a build on
// the user's machine needs no shader compiler. Part of packing: node scripts/ship-spirv.mjs [BUILD_FOLDER]
// BUILD_FOLDER is a configured CMake build of this checkout (default: one made for the purpose).
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const shipped = join(root, 'native/backends/vulkan/spirv');

function fail(sentence) {
  console.error(`ship-spirv: ${sentence}`);
  process.exit(1);
}
function cmake(...args) {
  const done = spawnSync('cmake', args, { encoding: 'utf8' });
  if (done.status !== 0)
    fail(`cmake ${args.join(' ')} failed.\n${done.stdout ?? ''}${done.stderr ?? done.error}`);
}

// CMake takes the shipped words where glslc is missing: with them gone, a build without glslc has no shaders to ship.
rmSync(shipped, { recursive: true, force: true });
const build = process.argv[2] ?? join(root, 'build', 'spirv');
if (process.argv[2] === undefined) cmake('-S', root, '-B', build, '-DNPB_BUILD_TESTS=OFF');
cmake('--build', build, '--target', 'npb_spirv');

const made = join(build, 'native/backends/vulkan/spirv');
const headers = readdirSync(made).filter((name) => name.endsWith('.h'));
if (headers.length < 50) fail(`only ${headers.length} shaders are in ${made}; is glslc installed?`);
mkdirSync(shipped, { recursive: true });
for (const name of headers) cpSync(join(made, name), join(shipped, name));
console.error(`ship-spirv: ${headers.length} shaders in native/backends/vulkan/spirv`);
