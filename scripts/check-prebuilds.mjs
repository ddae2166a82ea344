#!/usr/bin/env node
// Checks every binary under prebuilds/ and prints what it needs: glibc at most 2.28 (the level of Node's own builds), no
// shared library beyond the system's, only Node's entry points exported, the right machine, a size budget, the shaders
// and kernels inside, a licence in NOTICE for all that was linked, and that it was made from these sources.
//   node scripts/check-prebuilds.mjs [--all]
// --all: every target of a release must be there and up to date. Without it, what is missing or old is only said.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNewer, readElf } from './package/elf.mjs';
import { headingOf, PARTS } from './package/parts.mjs';
import { readPe } from './package/pe.mjs';
import { packageJson, recordOf, root, sourceDigest, TARGETS } from './package/targets.mjs';

const MAX_GLIBC = '2.28';
const MAX_BYTES = 12 * 1024 * 1024;
const EXPORTS = new Set(['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
const LIBRARIES = {
  glibc: /^(libc|libm|libdl|libpthread|librt|ld-linux[-\w]*)\.so\.\d+$/,
  musl: /^libc(\.musl-\w+)?\.so(\.\d+)?$/,
  android: /^lib(c|m|dl|log)\.so$/,
  win32:
    /^(kernel32|advapi32|ntdll|user32|setupapi|cfgmgr32|shell32|ole32|bcrypt|ucrtbase|msvcrt|api-ms-win-[\w-]+)\.dll$|^node\.exe$/i,
};

/** Words of each shader as they lie in memory, by name. */
function shaders() {
  const folder = join(root, 'native/backends/vulkan/spirv');
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder).map((name) => {
    const words = readFileSync(join(folder, name), 'utf8')
      .split(',')
      .filter((word) => word.trim());
    const bytes = Buffer.alloc(words.length * 4);
    for (const [i, word] of words.entries()) bytes.writeUInt32LE(Number(word), i * 4);
    return { name, bytes };
  });
}

function kernels() {
  const folder = join(root, 'native/backends/opencl/kernels');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cl'))
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}

const shipped = shaders();
const notice = readFileSync(join(root, 'NOTICE'), 'utf8').split('\n');

function contentProblems(bytes) {
  const problems = [];
  const contains = ({ bytes: part }) => bytes.includes(part);
  for (const { name } of (shipped ?? []).filter((one) => !contains(one)))
    problems.push(`does not hold the shader ${name}`);
  for (const { name } of kernels().filter((one) => !contains(one)))
    problems.push(`does not hold the OpenCL kernel ${name}`);
  return problems;
}

function licenceProblems(record) {
  const problems = [];
  for (const archive of record.linked) {
    const part = PARTS.find(({ archives }) => archives.includes(archive));
    if (part === undefined)
      problems.push(`is linked with lib${archive}.a, which scripts/package/parts.mjs doesn't know`);
    else if (!notice.includes(headingOf(part)))
      problems.push(`is linked with ${part.name}, whose licence is not in NOTICE`);
  }
  return problems;
}

const digest = sourceDigest();
const { version } = packageJson();

/** Problems of one file, and what makes it unfit for a release only. */
function check(target, file) {
  const recordFile = recordOf(file);
  if (!existsSync(recordFile)) return { problems: ['has no record beside it; build it again'] };
  const record = JSON.parse(readFileSync(recordFile, 'utf8'));
  const bytes = readFileSync(file);
  let found;
  try {
    found = target.platform === 'win32' ? readPe(file) : readElf(file);
  } catch (error) {
    return { problems: [error.message] };
  }
  const { arch, libraries, symbols, glibc } = found;
  const problems = [...contentProblems(bytes), ...licenceProblems(record)];
  if (arch !== target.arch) problems.push(`is for ${arch}, not ${target.arch}`);
  for (const library of libraries) {
    if (!LIBRARIES[target.libc || target.platform].test(library))
      problems.push(`needs the shared library ${library}`);
  }
  if (glibc !== undefined && isNewer(glibc, MAX_GLIBC))
    problems.push(`needs GLIBC_${glibc}, newer than ${MAX_GLIBC}`);
  for (const symbol of symbols) {
    if (!EXPORTS.has(symbol)) problems.push(`exports ${symbol}`);
  }
  if (!symbols.includes('napi_register_module_v1')) problems.push('does not export Node-API');
  if (bytes.length > MAX_BYTES)
    problems.push(`has ${bytes.length} bytes, over the budget of ${MAX_BYTES}`);
  if (createHash('sha256').update(bytes).digest('hex') !== record.sha256)
    problems.push('is not the file that its record describes');

  const stale = [];
  if (record.version !== version) stale.push(`is of version ${record.version}, not ${version}`);
  if (record.sources !== digest) stale.push('was made from other sources than these');
  const needs = [
    `${(bytes.length / 1e6).toFixed(2)} MB`,
    ...(glibc === undefined ? [] : [`needs GLIBC_${glibc}`]),
    libraries.join(' ') || 'no shared library',
    record.compiler,
  ];
  console.log(`${target.name}: ${needs.join(', ')}`);
  return { problems, stale };
}

const complete = process.argv.includes('--all');
const say = (text) => console.error(`check-prebuilds: ${text}`);
let failures = 0;
let checked = 0;
const missing = [];
for (const target of TARGETS) {
  const file = join(root, 'prebuilds', target.file);
  if (!existsSync(file)) {
    missing.push(target);
    continue;
  }
  checked += 1;
  const { problems, stale = [] } = check(target, file);
  for (const problem of problems) say(`${target.name} ${problem}.`);
  for (const note of stale)
    say(`${complete ? '' : 'note: '}${target.name} ${note}; build it again.`);
  failures += problems.length + (complete ? stale.length : 0);
}
if (shipped === undefined)
  say('note: the shaders were not looked for; run scripts/ship-spirv.mjs.');
else console.log(`${shipped.length} shaders, ${kernels().length} OpenCL kernel files inside`);
if (missing.length > 0) {
  const lacking = missing.filter(({ release }) => release).map(({ name }) => name);
  say(`not built: ${missing.map(({ name }) => name).join(', ')}.`);
  if (complete && lacking.length > 0) {
    say(
      `a release needs ${lacking.join(', ')}: run node scripts/prebuild.mjs ${lacking.join(' ')}.`,
    );
    failures += lacking.length;
  }
}
if (checked === 0) say('there is no binary to pack; run node scripts/prebuild.mjs first.');
process.exitCode = checked > 0 && failures === 0 && (!complete || shipped !== undefined) ? 0 : 1;
