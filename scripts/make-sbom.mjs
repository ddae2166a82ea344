#!/usr/bin/env node
// Writes sbom.cdx.json (CycloneDX): npm's own list of the JavaScript packages, and the native parts beside them.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PARTS } from './package/parts.mjs';
import { packageJson, packageName, root } from './package/targets.mjs';

const npm = spawnSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
if (npm.status !== 0) {
  console.error(`make-sbom: npm sbom failed: ${(npm.stderr ?? '').trim()}`);
  process.exit(1);
}
const bom = JSON.parse(npm.stdout);
const self = bom.metadata.component['bom-ref'];
// npm names the component after the folder.
bom.metadata.component.name = packageName;

// npm's own --omit dev leaves out what a development package needs as well, so the graph is walked here.
const edges = new Map(bom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
const direct = Object.keys(packageJson().dependencies);
const shipped = new Set();
const waiting = (edges.get(self) ?? []).filter((ref) =>
  direct.includes(ref.slice(0, ref.lastIndexOf('@'))),
);
while (waiting.length > 0) {
  const ref = waiting.pop();
  if (shipped.has(ref)) continue;
  shipped.add(ref);
  waiting.push(...(edges.get(ref) ?? []));
}
bom.components = bom.components.filter((component) => shipped.has(component['bom-ref']));
bom.dependencies = bom.dependencies
  .filter(({ ref }) => ref === self || shipped.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => shipped.has(one)) }));

for (const part of PARTS) {
  const reference = `native:${part.name.replaceAll(/[^\w+.-]+/g, '-')}`;
  const licence = part.licence;
  bom.components.push({
    'bom-ref': reference,
    type: 'library',
    name: part.name,
    ...(part.version === undefined ? {} : { version: part.version }),
    scope: 'required',
    licenses: [
      licence.includes(' ')
        ? { expression: licence }
        : licence.startsWith('LicenseRef-')
          ? { license: { name: licence.slice('LicenseRef-'.length) } }
          : { license: { id: licence } },
    ],
    externalReferences: [{ type: 'website', url: part.source }],
    properties: [{ name: 'linked-into', value: part.only ?? 'every build of the native addon' }],
  });
  bom.dependencies.find((entry) => entry.ref === self)?.dependsOn.push(reference);
  bom.dependencies.push({ ref: reference, dependsOn: [] });
}
writeFileSync(join(root, 'sbom.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`);
console.error(`make-sbom: sbom.cdx.json, ${bom.components.length} components`);
