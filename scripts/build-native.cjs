#!/usr/bin/env node
// Builds the native addon with cmake-js and leaves it, alone, in build/<Config>/.
// Doors: npm run build:native, binding.gyp, and prebuildify (as its node-gyp).
//   --arch=ARCH --config=Release|Debug --debug --toolchain=FILE, --tests to build the native tests beside it; other flags are ignored, because prebuildify passes
//   node-gyp's own.
const { spawnSync } = require('node:child_process');
const { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } = require('node:fs');
const { basename, join, resolve } = require('node:path');

const root = resolve(__dirname, '..');

function option(name) {
  const prefix = `--${name}=`;
  return process.argv.find((argument) => argument.startsWith(prefix))?.slice(prefix.length);
}

function fail(sentence) {
  console.error(`build-native: ${sentence}`);
  process.exit(1);
}

const platform = option('platform') ?? process.platform;
const arch = option('arch') ?? process.arch;
const config = option('config') ?? (process.argv.includes('--debug') ? 'Debug' : 'Release');
const isCross = platform !== process.platform || arch !== process.arch;

let toolchain = option('toolchain') ?? process.env.NPB_TOOLCHAIN;
if (!toolchain && isCross) toolchain = join('native', 'cmake', `${platform}-${arch}.cmake`);
if (toolchain && !existsSync(resolve(root, toolchain))) {
  fail(
    `there is no toolchain file ${toolchain} for ${platform}-${arch}; give one with --toolchain=FILE.`,
  );
}

let cmakeJs;
try {
  cmakeJs = require.resolve('cmake-js/bin/cmake-js', { paths: [root] });
} catch {
  fail(
    'cmake-js is not installed; run npm ci in the checkout, or npm install next to the package.',
  );
}
if (spawnSync('cmake', ['--version'], { stdio: 'ignore' }).status !== 0) {
  fail(
    'CMake is missing; install cmake, ninja-build and a C++20 compiler (on Debian: scripts/setup.sh does).',
  );
}

// A folder per target and toolchain; never cmake-js's default, which is build/ itself, where node-gyp's makefile runs.
const suffix = toolchain ? `-${basename(toolchain, '.cmake')}` : '';
const out = join(root, 'build', 'cmake', `${platform}-${arch}${suffix}-${config.toLowerCase()}`);
const args = [
  cmakeJs,
  'build',
  '--directory',
  root,
  '--out',
  out,
  '--arch',
  arch,
  '--config',
  config,
];
if (toolchain) args.push(`--CDCMAKE_TOOLCHAIN_FILE=${resolve(root, toolchain)}`);
args.push(`--CDNPB_BUILD_TESTS=${process.argv.includes('--tests') ? 'ON' : 'OFF'}`);
const definitions = process.env.NPB_CMAKE_OPTIONS?.split(' ').filter(Boolean) ?? [];
for (const definition of definitions) args.push(`--CD${definition}`);

const build = spawnSync(process.execPath, args, { stdio: 'inherit' });
if (build.status !== 0) fail('the native build failed; the lines above say where.');

const built = join(out, config, 'npu_bench.node');
if (!existsSync(built)) fail(`the build left no ${built}.`);

// Node's own symbols are undefined in the file, so the linker can't tell a forgotten source; loading it can.
if (!isCross) {
  const load = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', built], {
    encoding: 'utf8',
  });
  if (load.status !== 0) {
    const reason = load.stderr.split('\n').find((line) => line.startsWith('Error:'));
    fail(
      `${built} was built but does not load: ${reason ?? `node ended with ${load.signal ?? load.status}`}`,
    );
  }
}

// scripts/prebuild.mjs collects binaries of other targets elsewhere, so that the one for this machine stays.
const destination = process.env.NPB_DESTINATION ?? join(root, 'build', config);
mkdirSync(destination, { recursive: true });
for (const file of readdirSync(destination)) {
  if (file.endsWith('.node') && file !== 'npu_bench.node') rmSync(join(destination, file));
}
// Renamed into place: a process that has the old file loaded keeps it.
const part = join(destination, `npu_bench.${process.pid}.part`);
copyFileSync(built, part);
renameSync(part, join(destination, 'npu_bench.node'));
console.error(`build-native: ${join(destination, 'npu_bench.node')} for ${platform}-${arch}`);
