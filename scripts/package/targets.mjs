// The platforms that binaries are built for, and what is recorded about each of them.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const packageName = 'npu-proxy-benchmark';

/** `release`: a release is not complete without it. `toolchain`: its file in native/cmake, if not zig's for the target. */
const TABLE = [
  { platform: 'linux', arch: 'x64', libc: 'glibc', release: true },
  { platform: 'linux', arch: 'arm64', libc: 'glibc', release: true },
  { platform: 'linux', arch: 'x64', libc: 'musl', release: false },
  { platform: 'linux', arch: 'arm64', libc: 'musl', release: false },
  { platform: 'win32', arch: 'x64', libc: '', release: true },
  { platform: 'win32', arch: 'arm64', libc: '', release: true },
  { platform: 'android', arch: 'arm64', libc: '', release: false },
];

export const TARGETS = TABLE.map((target) => {
  const folder = `${target.platform}-${target.arch}`;
  const name = target.libc === 'musl' ? `${folder}-musl` : folder;
  const tag = target.libc === '' ? '' : `.${target.libc}`;
  return {
    ...target,
    name,
    /** Below prebuilds/, where node-gyp-build looks for it. */
    file: join(folder, `${packageName}${tag}.node`),
    toolchain: join('native', 'cmake', `${target.toolchain ?? `zig-${name}`}.cmake`),
  };
});

export const packageJson = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Beside the binary: what it was made from, so that a stale one is found out. */
export const recordOf = (file) => file.replace(/\.node$/, '.json');

const SOURCES = ['CMakeLists.txt', 'native', 'scripts/deps'];
const NOT_SOURCES = new Set(['native/test', 'native/fuzz', 'native/backends/vulkan/spirv']);

function* filesBelow(path) {
  const name = relative(root, path);
  if (NOT_SOURCES.has(name) || name === 'scripts/deps/sources' || !existsSync(path)) return;
  if (!statSync(path).isDirectory()) yield path;
  else for (const child of readdirSync(path).sort()) yield* filesBelow(join(path, child));
}

/** A digest of everything that shapes a binary, apart from the compiler. */
export function sourceDigest() {
  const digest = createHash('sha256');
  for (const source of SOURCES) {
    for (const file of filesBelow(join(root, source))) {
      digest
        .update(`${relative(root, file)}\0`)
        .update(readFileSync(file))
        .update('\0');
    }
  }
  return digest.digest('hex').slice(0, 16);
}
