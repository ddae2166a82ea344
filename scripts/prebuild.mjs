#!/usr/bin/env node
// Makes prebuilds/PLATFORM-ARCH/npu-proxy-benchmark[.LIBC].node, and a record beside it of what it was made from:
//   node scripts/prebuild.mjs [TARGET…]    default: every target of a release
// prebuildify packs, scripts/build-native.cjs builds (in the place of node-gyp), zig compiles against an old C library.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import {
  packageJson,
  packageName,
  recordOf,
  root,
  sourceDigest,
  TARGETS,
} from './package/targets.mjs';

const prebuildify = promisify(createRequire(import.meta.url)('prebuildify'));

function fail(sentence) {
  console.error(`prebuild: ${sentence}`);
  process.exit(1);
}

const names = TARGETS.map(({ name }) => name);
const asked =
  process.argv.length > 2
    ? process.argv.slice(2)
    : TARGETS.filter(({ release }) => release).map(({ name }) => name);
for (const name of asked) {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) fail(`unknown target ${name}; the targets are ${names.join(', ')}.`);
  if (!existsSync(join(root, target.toolchain)))
    fail(`there is no toolchain file ${target.toolchain}, so ${name} cannot be built from here.`);
}

if (process.env.NPB_ZIG === undefined) {
  const zig = spawnSync('bash', [join(root, 'scripts/deps/zig.sh')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (zig.status !== 0) fail('zig is not available; the line above says why.');
  process.env.NPB_ZIG = zig.stdout.trim();
}

/** The archives from outside this checkout that are linked in, by CMake's own list. */
function linkedArchives(build) {
  const ninja = readFileSync(join(build, 'build.ninja'), 'utf8');
  const step = /^build \S*npu_bench\.node: [\s\S]*?LINK_LIBRARIES = (.*)$/m.exec(ninja)?.[1] ?? '';
  const archives = step.split(/\s+/).filter((word) => word.endsWith('.a'));
  return archives
    .filter((path) => path.startsWith('/'))
    .map((path) => basename(path, '.a').replace(/^lib/, ''));
}

/** "Clang 22.1.0", as CMake found it. */
function compilerOf(build) {
  const folder = readdirSync(join(build, 'CMakeFiles')).find((name) => /^\d+\./.test(name)) ?? '';
  const text = readFileSync(join(build, 'CMakeFiles', folder, 'CMakeCXXCompiler.cmake'), 'utf8');
  const value = (name) => new RegExp(`^set\\(${name} "(.*)"\\)$`, 'm').exec(text)?.[1] ?? '';
  return `${value('CMAKE_CXX_COMPILER_ID')} ${value('CMAKE_CXX_COMPILER_VERSION')}`;
}

for (const name of asked) {
  const target = TARGETS.find((one) => one.name === name);
  const work = join(root, 'build', 'prebuild', name);
  const file = join(root, 'prebuilds', target.file);
  rmSync(file, { force: true });
  rmSync(recordOf(file), { force: true });
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  process.env.NPB_DESTINATION = join(work, 'build', 'Release');
  process.env.NPB_TOOLCHAIN = target.toolchain;
  process.env.NPB_PLATFORM = target.platform;
  process.env.NPB_LOADS_HERE = target.libc === 'musl' ? 'no' : 'if-native';
  const sources = sourceDigest();
  await prebuildify({
    cwd: work,
    out: root,
    name: packageName,
    platform: target.platform,
    arch: target.arch,
    // Node-API: one file for every version, so the version named here only satisfies prebuildify.
    targets: [`node@${process.versions.node}`],
    napi: true,
    tagLibc: target.libc !== '',
    libc: target.libc,
    nodeGyp: join(root, 'scripts', 'build-native.cjs'),
  });
  if (sourceDigest() !== sources)
    fail(`the sources changed while ${name} was built; run it again to have one state of them.`);
  const toolchain = basename(target.toolchain, '.cmake');
  const build = join(root, 'build/cmake', `${target.platform}-${target.arch}-${toolchain}-release`);
  const record = {
    target: name,
    version: packageJson().version,
    sources,
    toolchain,
    compiler: compilerOf(build),
    linked: linkedArchives(build),
    sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
  };
  writeFileSync(recordOf(file), `${JSON.stringify(record, null, 2)}\n`);
  console.error(`prebuild: prebuilds/${target.file}`);
}
