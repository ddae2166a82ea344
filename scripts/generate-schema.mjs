#!/usr/bin/env node
// Writes schema/v1.json and schema/compare-v1.json, the JSON Schemas of the result document and of a
// comparison, from their definitions in src/schema and src/compare.
// Needs `npm run build:ts`. Usage: node scripts/generate-schema.mjs

import { writeFileSync } from 'node:fs';
import { comparisonJsonSchema } from '../dist/compare/json-schema.js';
import { resultJsonSchema } from '../dist/schema/json-schema.js';

for (const [name, schema] of [
  ['schema/v1.json', resultJsonSchema()],
  ['schema/compare-v1.json', comparisonJsonSchema()],
]) {
  const target = new URL(`../${name}`, import.meta.url);
  writeFileSync(target, `${JSON.stringify(schema, null, 2)}\n`);
  process.stdout.write(`${name} written\n`);
}
