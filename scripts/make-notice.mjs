#!/usr/bin/env node
// Writes NOTICE: the licences of everything that is compiled into the addon, from the files of the very versions in use.
// Run it when a dependency changes; --check only compares. A licence that this machine doesn't have (that of a part built
// for other targets only) stays as it is in NOTICE.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { headingOf, PARTS } from './package/parts.mjs';
import { root } from './package/targets.mjs';

const file = join(root, 'NOTICE');
const rule = '-'.repeat(78);
const old = readFileSync(file, 'utf8');

function oldText(heading) {
  const frame = `${rule}\n${heading}\n${rule}\n\n`;
  const start = old.indexOf(frame);
  if (start < 0) return undefined;
  const end = old.indexOf(`\n${rule}\n`, start + frame.length);
  return old.slice(start + frame.length, end < 0 ? undefined : end).trim();
}

const head = `npu-proxy-benchmark
Licensed under the Apache License 2.0, the text in the file LICENSE beside this one.

The native addon contains code of the projects below. XNNPACK is changed in one place: the check of
block scales when an operator is made accepts every finite scale. The JavaScript packages below
node_modules carry their own licence files; sbom.cdx.json lists all of them.
`;
const missing = [];
const sections = PARTS.map((part) => {
  const heading = headingOf(part);
  const text = part.text() ?? oldText(heading);
  if (text === undefined) missing.push(heading);
  return `${rule}\n${heading}\n${rule}\n\n${text}\n`;
});
if (missing.length > 0) {
  console.error(
    `make-notice: no licence text of ${missing.join(', ')} is on this machine; run scripts/setup.sh and scripts/deps/zig.sh, and build what links it.`,
  );
  process.exit(1);
}
const text = `${head}\n${sections.join('\n')}`;
if (process.argv.includes('--check')) {
  if (text !== old) {
    console.error('make-notice: NOTICE is not up to date; run node scripts/make-notice.mjs.');
    process.exit(1);
  }
} else {
  writeFileSync(file, text);
}
console.log(`NOTICE: ${PARTS.length} components`);
