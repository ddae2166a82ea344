#!/usr/bin/env node
// Writes NOTICE: the licences of everything that is compiled into the addon, from the files of the very versions in use.
// Run after scripts/setup.sh and scripts/deps/zig.sh, when a dependency changes.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function provide(script) {
  const result = spawnSync('bash', [join(root, 'scripts/deps', script)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (result.status !== 0) {
    console.error(`make-notice: ${script} failed; the line above says why.`);
    process.exit(1);
  }
  return result.stdout.trim();
}

const xnnpack = join(provide('xnnpack.sh'), 'licenses');
const zig = dirname(provide('zig.sh'));
const apache = 'Apache License 2.0, the text in the file LICENSE beside this one.';
const vulkan = `Copyright 2015-2023 The Khronos Group Inc. Vulkan headers; licensed under the ${apache}`;
const opencl = `Copyright 2008-2023 The Khronos Group Inc. OpenCL headers; licensed under the ${apache}`;

/** The licence paragraphs of a Debian copyright file, without its own frame. */
function debianCopyright(path) {
  const paragraphs = readFileSync(path, 'utf8').trim().split(/\n\n+/);
  const upstream = paragraphs.find((text) => /^Files: \*$/m.test(text)) ?? '';
  const holders = /Copyright: ([^\n]+(?:\n [^\n]+)*)/.exec(upstream)?.[1] ?? '';
  const text = paragraphs.find((paragraph) => /^License:/.test(paragraph)) ?? '';
  return `Copyright ${holders}\n\n${text
    .split('\n')
    .slice(1)
    .map((line) => (line === ' .' ? '' : line.slice(1)))
    .join('\n')}`;
}

const parts = [
  ['XNNPACK', join(xnnpack, 'xnnpack.txt')],
  ['pthreadpool', join(xnnpack, 'pthreadpool.txt')],
  ['cpuinfo', join(xnnpack, 'cpuinfo.txt')],
  ['FXdiv', join(xnnpack, 'fxdiv.txt')],
  ['node-addon-api', join(root, 'node_modules/node-addon-api/LICENSE.md')],
  ['node-api-headers', join(root, 'node_modules/node-api-headers/LICENSE')],
  ['libc++ (prebuilt binaries only)', join(zig, 'lib/libcxx/LICENSE.TXT')],
].map(([name, path]) => [name, readFileSync(path, 'utf8').trim()]);
const volk = '/usr/share/doc/libvulkan-volk-dev/copyright';
if (!existsSync(volk)) {
  console.error('make-notice: volk is not installed; run scripts/setup.sh first.');
  process.exit(1);
}
parts.push(['volk', debianCopyright(volk)], ['Vulkan-Headers', vulkan], ['OpenCL-Headers', opencl]);

const rule = '-'.repeat(78);
const head = `npu-proxy-benchmark
Licensed under the ${apache}

The native addon contains code of the projects below. XNNPACK is changed in one place: the check of
block scales when an operator is made accepts every finite scale.
`;
const body = parts.map(([name, text]) => `${rule}\n${name}\n${rule}\n\n${text}\n`).join('\n');
writeFileSync(join(root, 'NOTICE'), `${head}\n${body}`);
console.log(`NOTICE: ${parts.length} components`);
