// Reads from a Linux or Android library what check-prebuilds wants to know, with readelf of binutils.
import { spawnSync } from 'node:child_process';

function readelf(args, file) {
  const result = spawnSync('readelf', ['--wide', ...args, file], { encoding: 'utf8' });
  if (result.error) throw new Error('cannot be read, because readelf is missing: install binutils');
  if (result.status !== 0) throw new Error('is not an ELF file');
  return result.stdout;
}

const asNumbers = (version) => version.split('.').map(Number);

export function isNewer(a, b) {
  const [x, y] = [asNumbers(a), asNumbers(b)];
  for (let i = 0; i < Math.max(x.length, y.length); ++i) {
    if ((x[i] ?? 0) !== (y[i] ?? 0)) return (x[i] ?? 0) > (y[i] ?? 0);
  }
  return false;
}

/** `glibc`: the newest version needed, undefined where none is. Throws where the file is not an ELF library. */
export function readElf(file) {
  const machine = /Machine:\s+(.*)/.exec(readelf(['--file-header'], file))?.[1] ?? '';
  const arch = machine.includes('X86-64') ? 'x64' : machine.includes('AArch64') ? 'arm64' : machine;
  const libraries = [...readelf(['--dynamic'], file).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(
    ([, name]) => name,
  );
  const versions = [...readelf(['--version-info'], file).matchAll(/\bGLIBC_([\d.]+)/g)].map(
    ([, version]) => version,
  );
  const glibc = versions.reduce(
    (most, version) => (most === undefined || isNewer(version, most) ? version : most),
    undefined,
  );
  const symbols = readelf(['--dyn-syms'], file)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((f) => /^\d+:$/.test(f[0] ?? '') && /GLOBAL|WEAK/.test(f[4]) && f[6] !== 'UND')
    .map((fields) => fields[7].split('@')[0]);
  return { arch, libraries, symbols, glibc };
}
