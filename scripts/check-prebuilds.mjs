#!/usr/bin/env node
// Checks every binary under prebuilds/ and prints what it needs: glibc at most 2.28 (the level of Node's own builds), no
// shared library beyond the C library's, only Node's entry points exported, a size budget, the right machine.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const prebuilds = process.argv[2] ?? join(root, 'prebuilds');

const MAX_GLIBC = '2.28';
const MAX_BYTES = 12 * 1024 * 1024;
const MACHINES = { x64: 'X86-64', arm64: 'AArch64' };
const LIBRARIES = /^(libc|libm|libdl|libpthread|librt|ld-linux[-\w]*)\.so\.\d+$/;
const EXPORTS = new Set(['napi_register_module_v1', 'node_api_module_get_api_version_v1']);

function readelf(args, file) {
  const result = spawnSync('readelf', ['--wide', ...args, file], { encoding: 'utf8' });
  if (result.error || result.status !== 0) {
    console.error(`check-prebuilds: readelf cannot read ${file}; is binutils installed?`);
    process.exit(1);
  }
  return result.stdout;
}

const asNumbers = (version) => version.split('.').map(Number);
function isNewer(a, b) {
  const [x, y] = [asNumbers(a), asNumbers(b)];
  for (let i = 0; i < Math.max(x.length, y.length); ++i) {
    if ((x[i] ?? 0) !== (y[i] ?? 0)) return (x[i] ?? 0) > (y[i] ?? 0);
  }
  return false;
}

function checkElf(file, arch) {
  const problems = [];
  const machine = /Machine:\s+(.*)/.exec(readelf(['--file-header'], file))?.[1] ?? '';
  if (!machine.includes(MACHINES[arch] ?? '?')) problems.push(`is for ${machine}, not ${arch}`);

  const libraries = [...readelf(['--dynamic'], file).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(
    (m) => m[1],
  );
  for (const library of libraries) {
    if (!LIBRARIES.test(library)) problems.push(`needs the shared library ${library}`);
  }

  const versions = [...readelf(['--version-info'], file).matchAll(/\bGLIBC_([\d.]+)/g)].map(
    (m) => m[1],
  );
  const glibc = versions.reduce((most, version) => (isNewer(version, most) ? version : most), '0');
  if (isNewer(glibc, MAX_GLIBC)) problems.push(`needs GLIBC_${glibc}, newer than ${MAX_GLIBC}`);

  const symbols = readelf(['--dyn-syms'], file)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((f) => /^\d+:$/.test(f[0] ?? '') && /GLOBAL|WEAK/.test(f[4]) && f[6] !== 'UND')
    .map((fields) => fields[7].split('@')[0]);
  for (const symbol of symbols) {
    if (!EXPORTS.has(symbol)) problems.push(`exports ${symbol}`);
  }
  if (!symbols.includes('napi_register_module_v1')) problems.push('does not export Node-API');

  const bytes = statSync(file).size;
  if (bytes > MAX_BYTES) problems.push(`has ${bytes} bytes, over the budget of ${MAX_BYTES}`);
  console.log(
    `${file.slice(root.length + 1)}: ${(bytes / 1e6).toFixed(2)} MB, GLIBC_${glibc}, ${libraries.join(' ')}`,
  );
  return problems;
}

if (!existsSync(prebuilds)) {
  console.error(`check-prebuilds: there is no ${prebuilds}; run node scripts/prebuild.mjs first.`);
  process.exit(1);
}
let checked = 0;
let failed = 0;
for (const target of readdirSync(prebuilds).sort()) {
  const [platform, arch] = target.split('-');
  if (platform !== 'linux') continue;
  for (const name of readdirSync(join(prebuilds, target)).filter((file) =>
    file.endsWith('.node'),
  )) {
    checked += 1;
    for (const problem of checkElf(join(prebuilds, target, name), arch)) {
      failed += 1;
      console.error(`check-prebuilds: ${target}/${name} ${problem}.`);
    }
  }
}
if (checked === 0)
  console.error(
    `check-prebuilds: ${prebuilds} holds no binary; run node scripts/prebuild.mjs first.`,
  );
process.exitCode = checked > 0 && failed === 0 ? 0 : 1;
