// What is compiled into the addon and not ours: the one list behind NOTICE, the SBOM and the check of what was linked.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from './targets.mjs';

const cache = join(
  process.env.NPU_BENCH_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'npu-bench'),
  'deps',
);

/** Versions of the archives that scripts/deps/xnnpack.sh builds, by its own list. */
function pin(name) {
  const script = readFileSync(join(root, 'scripts/deps/xnnpack.sh'), 'utf8');
  return new RegExp(`^${name}\\s+(\\S+)\\s+[0-9a-f]{64}$`, 'm').exec(script)?.[1];
}

const zigVersion = /^version=(.*)$/m.exec(
  readFileSync(join(root, 'scripts/deps/zig.sh'), 'utf8'),
)?.[1];
const zig = join(cache, `ziglang-${zigVersion}`, 'ziglang');

function npmVersion(name) {
  const file = join(root, 'node_modules', name, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
}

function debianVersion(name) {
  const asked = spawnSync('dpkg-query', ['-W', name], { encoding: 'utf8' });
  if (asked.status !== 0) return undefined;
  // Without the revision of Debian's own package.
  return asked.stdout
    .trim()
    .split('\t')[1]
    ?.replace(/-[^-]*$/, '');
}

const readIfThere = (path) => (existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined);

/** A licence kept beside the archives of any build of XNNPACK on this machine. */
function builtLicence(name) {
  const folders = existsSync(cache)
    ? readdirSync(cache).filter((one) => /^xnnpack-/.test(one))
    : [];
  const texts = folders.map((folder) =>
    readIfThere(join(cache, folder, 'licenses', `${name}.txt`)),
  );
  return texts.find((text) => text !== undefined);
}

/** The licence paragraphs of a Debian copyright file, without its own frame. */
function debianLicence(path) {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const paragraphs = text.split(/\n\n+/);
  const upstream = paragraphs.find((one) => /^Files: \*$/m.test(one)) ?? '';
  const holders = /Copyright: ([^\n]+(?:\n [^\n]+)*)/.exec(upstream)?.[1] ?? '';
  const licence = paragraphs.find((one) => /^License:/.test(one)) ?? '';
  const lines = licence.split('\n').slice(1);
  return `Copyright ${holders}\n\n${lines.map((line) => (line === ' .' ? '' : line.slice(1))).join('\n')}`;
}

const apache = 'the Apache License 2.0, the text in the file LICENSE beside this one.';
const github = (path) => `https://github.com/${path}`;

/**
 * `archives`: names of the static libraries, as the linker got them. `licence`: SPDX. `text()`: the notice, undefined
 * where this machine doesn't have it. `only`: where it is linked, when not everywhere.
 */
export const PARTS = [
  {
    name: 'XNNPACK',
    version: pin('xnnpack'),
    licence: 'BSD-3-Clause',
    source: github('google/XNNPACK'),
    archives: ['XNNPACK', 'microkernels-prod'],
    text: () => builtLicence('xnnpack'),
  },
  {
    name: 'pthreadpool',
    version: pin('pthreadpool'),
    licence: 'BSD-2-Clause',
    source: github('google/pthreadpool'),
    archives: ['pthreadpool'],
    text: () => builtLicence('pthreadpool'),
  },
  {
    name: 'cpuinfo',
    version: pin('cpuinfo'),
    licence: 'BSD-2-Clause',
    source: github('pytorch/cpuinfo'),
    archives: ['cpuinfo'],
    text: () => builtLicence('cpuinfo'),
  },
  {
    name: 'FXdiv',
    version: pin('fxdiv'),
    licence: 'MIT',
    source: github('Maratyszcza/FXdiv'),
    archives: [],
    text: () => builtLicence('fxdiv'),
  },
  {
    name: 'node-addon-api',
    version: npmVersion('node-addon-api'),
    licence: 'MIT',
    source: github('nodejs/node-addon-api'),
    archives: [],
    text: () => readIfThere(join(root, 'node_modules/node-addon-api/LICENSE.md')),
  },
  {
    name: 'node-api-headers',
    version: npmVersion('node-api-headers'),
    licence: 'MIT',
    source: github('nodejs/node-api-headers'),
    archives: [],
    text: () => readIfThere(join(root, 'node_modules/node-api-headers/LICENSE')),
  },
  {
    name: 'libc++',
    version: `of zig ${zigVersion}`,
    only: 'prebuilt binaries',
    licence: 'Apache-2.0 WITH LLVM-exception',
    source: github('llvm/llvm-project'),
    archives: ['c++', 'c++abi', 'unwind'],
    text: () => readIfThere(join(zig, 'lib/libcxx/LICENSE.TXT')),
  },
  {
    name: "zig's compiler runtime",
    version: zigVersion,
    only: 'prebuilt binaries',
    licence: 'MIT',
    source: 'https://ziglang.org',
    archives: ['compiler_rt'],
    text: () => readIfThere(join(zig, 'LICENSE')),
  },
  {
    name: 'mingw-w64 runtime',
    version: `of zig ${zigVersion}`,
    only: 'Windows binaries',
    licence: 'LicenseRef-mingw-w64',
    source: 'https://www.mingw-w64.org',
    archives: ['mingw32', 'winpthread'],
    text: () => readIfThere(join(zig, 'lib/libc/mingw/COPYING')),
  },
  {
    name: 'volk',
    version: debianVersion('libvulkan-volk-dev'),
    licence: 'MIT',
    source: github('zeux/volk'),
    archives: [],
    text: () => debianLicence('/usr/share/doc/libvulkan-volk-dev/copyright'),
  },
  {
    name: 'Vulkan-Headers',
    version: debianVersion('libvulkan-dev'),
    licence: 'Apache-2.0',
    source: github('KhronosGroup/Vulkan-Headers'),
    archives: [],
    text: () => `Copyright 2015-2023 The Khronos Group Inc. Licensed under ${apache}`,
  },
  {
    name: 'OpenCL-Headers',
    version: debianVersion('opencl-c-headers'),
    licence: 'Apache-2.0',
    source: github('KhronosGroup/OpenCL-Headers'),
    archives: [],
    text: () => `Copyright 2008-2023 The Khronos Group Inc. Licensed under ${apache}`,
  },
  {
    name: 'Unicode Character Database (tables of character classes)',
    version: undefined,
    licence: 'Unicode-3.0',
    source: 'https://www.unicode.org/license.txt',
    archives: [],
    text: () =>
      'Copyright 1991-2023 Unicode, Inc. The tables are derived from its data files, under the Unicode License V3,\nhttps://www.unicode.org/license.txt',
  },
];

export const headingOf = ({ name, only }) => (only === undefined ? name : `${name} (${only} only)`);
