// What must and must not be in the tarball, and whether its types and entry points are right.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './targets.mjs';

const NEEDED = [
  /^dist\/cli\/main\.js$/,
  /^dist\/index\.d\.ts$/,
  /^dist\/native\/helper-main\.cjs$/,
  /^dist\/run\/worker\.cjs$/,
  /^schema\/v1\.json$/,
  /^prebuilds\/.*\.node$/,
  /^native\/CMakeLists\.txt$/,
  /^native\/backends\/vulkan\/spirv\/.*\.h$/,
  /^scripts\/build-native\.cjs$/,
  /^scripts\/deps\/xnnpack\.sh$/,
  /^scripts\/deps\/sources\/xnnpack\.orig\.tar\.xz$/,
  /^node_modules\/zod\/package\.json$/,
  /^docs\/guides\/android\.md$/,
  /^(README|CHANGELOG)\.md$/,
  /^LICENSE$/,
  /^NOTICE$/,
  /^sbom\.cdx\.json$/,
];
/** Vendors' libraries above all: they are loaded from the user's machine and never shipped. */
const FORBIDDEN = [
  /\.(so(\.\d+)*|dll|dylib|a|o|exe|gguf|safetensors|[cm]?[jt]s\.map)$/,
  /lib(Qnn|Genie|cdsprpc|OpenCL|vulkan)|Qnn\w*\.(dll|so)/i,
  /^(test|native\/test|native\/fuzz|src|\.ci)\//,
];
/** All platforms together; the binaries have a budget of their own in check-prebuilds. */
const MAX_PACKED_BYTES = 48e6;

export function checkContents(tarball) {
  const listed = spawnSync('tar', ['tzf', tarball], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (listed.status !== 0) throw new Error(`${tarball} cannot be read: ${listed.stderr}`);
  const files = listed.stdout
    .trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''))
    .filter((name) => name !== '' && !name.endsWith('/'));
  const lacking = NEEDED.filter((pattern) => !files.some((file) => pattern.test(file)));
  if (lacking.length > 0) throw new Error(`nothing in it fits ${lacking.join(', ')}`);
  const own = files.filter((file) => !file.startsWith('node_modules/'));
  const wrong = own.filter((file) => FORBIDDEN.some((pattern) => pattern.test(file)));
  if (wrong.length > 0) throw new Error(`it holds ${wrong.join(', ')}`);
  const { size } = statSync(tarball);
  if (size > MAX_PACKED_BYTES) throw new Error(`it has ${size} bytes, over ${MAX_PACKED_BYTES}`);
  const binaries = files.filter((file) => /^prebuilds\/.*\.node$/.test(file));
  return `${(size / 1e6).toFixed(1)} MB packed, ${files.length} files, ${binaries.map((file) => file.split('/').slice(1).join('/')).join(', ')}`;
}

export function checkTypes(tarball) {
  const said = [];
  for (const [tool, args] of [
    ['publint', [tarball, '--strict']],
    ['attw', [tarball, '--profile', 'esm-only', '--no-emoji']],
  ]) {
    const done = spawnSync(join(root, 'node_modules/.bin', tool), args, { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`${tool}: ${done.stdout}${done.stderr}`);
    said.push(`${tool} clean`);
  }
  return said.join(', ');
}
