#!/usr/bin/env node
// Builds the native addon with CMake and leaves it, alone, in build/<Config>/. Needs cmake and a C++20 compiler; Node's
// headers come from the package node-api-headers, so that nothing is downloaded.
// Doors: npm run build:native, binding.gyp (node-gyp), and prebuildify (as its node-gyp).
//   --platform=P --arch=A      of the target, where it is not this machine; --toolchain=FILE overrides its CMake toolchain
//   --config=Release|Debug, --debug; --tests builds the native tests beside it
// Other flags are ignored, because prebuildify and node-gyp pass their own.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { basename, dirname, join, resolve } = require('node:path');

const root = resolve(__dirname, '..');

function option(name) {
  const prefix = `--${name}=`;
  return process.argv.find((argument) => argument.startsWith(prefix))?.slice(prefix.length);
}

function fail(sentence) {
  console.error(`build-native: ${sentence}`);
  process.exit(1);
}

const platform = option('platform') ?? process.env.NPB_PLATFORM ?? process.platform;
const arch = option('arch') ?? process.arch;
const config = option('config') ?? (process.argv.includes('--debug') ? 'Debug' : 'Release');
const isCross = platform !== process.platform || arch !== process.arch;

let toolchain = option('toolchain') ?? process.env.NPB_TOOLCHAIN;
if (!toolchain && isCross) toolchain = join('native', 'cmake', `${platform}-${arch}.cmake`);
if (toolchain && !fs.existsSync(resolve(root, toolchain))) {
  fail(
    `there is no toolchain file ${toolchain} for ${platform}-${arch}; give one with --toolchain=FILE.`,
  );
}

function runs(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

function folderOf(name) {
  try {
    return dirname(require.resolve(`${name}/package.json`, { paths: [root] }));
  } catch {
    return fail(
      `the package ${name} is missing; run npm ci in the checkout, or install the package again.`,
    );
  }
}

if (!runs('cmake')) {
  fail(
    'CMake is missing; install it with Ninja, Python 3, bash and a C++20 compiler (Debian: apt-get install cmake ninja-build python3 g++).',
  );
}

// A folder per target and toolchain, never build/ itself: node-gyp's makefile runs there.
const suffix = toolchain ? `-${basename(toolchain, '.cmake')}` : '';
const out = join(root, 'build', 'cmake', `${platform}-${arch}${suffix}-${config.toLowerCase()}`);
const headers = folderOf('node-api-headers');
// The names are those of cmake-js, so that it can drive this CMakeLists.txt as well. $<0:> keeps generators with several
// configurations from appending one.
const definitions = {
  CMAKE_BUILD_TYPE: config,
  CMAKE_LIBRARY_OUTPUT_DIRECTORY: `${join(out, config)}$<0:>`,
  CMAKE_JS_INC: `${join(headers, 'include')};${folderOf('node-addon-api')}`,
  NODE_ARCH: arch,
  NPB_BUILD_TESTS: process.argv.includes('--tests') ? 'ON' : 'OFF',
};
if (platform === 'win32') {
  // Windows links against an import library of the host program, made from the list of its functions.
  definitions.CMAKE_JS_NODELIB_DEF = join(headers, 'def', 'node_api.def');
  definitions.CMAKE_JS_NODELIB_TARGET = join(out, 'node.lib');
  definitions.CMAKE_JS_LIB = join(out, 'node.lib');
}
if (toolchain) definitions.CMAKE_TOOLCHAIN_FILE = resolve(root, toolchain);
const configure = ['-S', root, '-B', out, '--no-warn-unused-cli'];
if (runs('ninja')) configure.push('-G', 'Ninja');
for (const [name, value] of Object.entries(definitions)) configure.push(`-D${name}=${value}`);
const more = process.env.NPB_CMAKE_OPTIONS?.split(' ').filter(Boolean) ?? [];
for (const definition of more) configure.push(`-D${definition}`);

function cmake(args) {
  const done = spawnSync('cmake', args, { stdio: 'inherit' });
  if (done.status !== 0) fail('the native build failed; the lines above say where.');
}

// CMake itself notices changed files; it is asked again only for other definitions.
const stamp = join(out, 'configured.txt');
const asked = configure.join('\n');
if (!fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== asked) {
  fs.rmSync(stamp, { force: true });
  cmake(configure);
  fs.writeFileSync(stamp, asked);
}
cmake(['--build', out, '--config', config]);

const built = join(out, config, 'npu_bench.node');
if (!fs.existsSync(built)) fail(`the build left no ${built}.`);

// Node's own symbols are undefined in the file, so the linker can't tell a forgotten source; loading it can.
if (!isCross && process.env.NPB_LOADS_HERE !== 'no') {
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
fs.mkdirSync(destination, { recursive: true });
for (const file of fs.readdirSync(destination)) {
  if (file.endsWith('.node') && file !== 'npu_bench.node') fs.rmSync(join(destination, file));
}
// Renamed into place: a process that has the old file loaded keeps it.
const part = join(destination, `npu_bench.${process.pid}.part`);
fs.copyFileSync(built, part);
fs.renameSync(part, join(destination, 'npu_bench.node'));
console.error(`build-native: ${join(destination, 'npu_bench.node')} for ${platform}-${arch}`);
