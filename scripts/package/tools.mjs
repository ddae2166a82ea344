// Node versions and package clients for scripts/test-package.mjs, from npm's registry, once, in the cache.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const cacheFolder =
  process.env.NPU_BENCH_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'npu-bench');
const cache = join(cacheFolder, 'package-test');

/** Something that this machine lacks: the check is skipped, with the reason. */
export class ToolMissing extends Error {}

/** Folder of one package of npm, installed on first use. */
function provide(name, requirement) {
  const folder = join(cache, `${name}@${requirement}`);
  const installed = join(folder, 'node_modules', name);
  if (existsSync(join(installed, 'package.json'))) return installed;
  mkdirSync(folder, { recursive: true });
  console.error(`test-package: fetching ${name}@${requirement} (once)`);
  // --force: the binaries of another processor are wanted here.
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--force'];
  const done = spawnSync(
    'npm',
    ['install', ...options, '--prefix', folder, `${name}@${requirement}`],
    {
      encoding: 'utf8',
    },
  );
  if (done.status !== 0)
    throw new ToolMissing(`${name}@${requirement} could not be fetched: ${done.stderr.trim()}`);
  return installed;
}

const versionIn = (folder) =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;

/** A package client as the script that Node runs. */
export function client(name, major) {
  const folder = provide(name, String(major));
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  // Newer pnpm is a program of its own, which this script beside it starts.
  const file = /\.[cm]?js$/.test(bin[name]) ? bin[name] : join('bin', `${name}.mjs`);
  return { name, version: versionIn(folder), script: join(folder, file) };
}

/** The PATH of somebody who builds: all of this machine's programs, with the Node of a folder before them. */
export const builderPath = (folder) => `${folder}:/usr/local/bin:/usr/bin:/bin`;

/**
 * A folder that is the whole PATH: node and sh, nothing else, above all no compiler. `major` may be "here" for the Node
 * that runs this. For another processor node is a script that starts it under qemu-user.
 */
export function nodeFolder(major, arch, folder) {
  mkdirSync(folder, { recursive: true });
  symlinkSync('/bin/sh', join(folder, 'sh'));
  if (major === 'here') {
    symlinkSync(process.execPath, join(folder, 'node'));
    return { folder, version: process.versions.node };
  }
  const installed = provide(`node-linux-${arch}`, major);
  const program = join(installed, 'bin', 'node');
  if (arch === process.arch) {
    symlinkSync(program, join(folder, 'node'));
    return { folder, version: versionIn(installed) };
  }
  const emulator = spawnSync('sh', ['-c', 'command -v qemu-aarch64'], { encoding: 'utf8' });
  const sysroot = '/usr/aarch64-linux-gnu';
  if (emulator.status !== 0 || !existsSync(sysroot))
    throw new ToolMissing(
      'qemu-aarch64 and the arm64 C library are needed: apt-get install qemu-user g++-aarch64-linux-gnu',
    );
  // Node starts its children by its own path, which the kernel here can't execute: they go through the script, too.
  const wrapper = join(folder, 'node');
  const hook = join(folder, 'through-the-emulator.cjs');
  writeFileSync(hook, `process.execPath = ${JSON.stringify(wrapper)};\n`);
  writeFileSync(
    wrapper,
    `#!/bin/sh\nexec ${emulator.stdout.trim()} -L ${sysroot} ${program} --require ${hook} "$@"\n`,
  );
  chmodSync(wrapper, 0o755);
  return { folder, version: versionIn(installed) };
}
