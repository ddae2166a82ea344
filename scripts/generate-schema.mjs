#!/usr/bin/env node
// Writes schema/v1.json, the JSON Schema of the result document, from its definition in src/schema.
// Needs `npm run build:ts`. Usage: node scripts/generate-schema.mjs

import { writeFileSync } from 'node:fs';
import { resultJsonSchema } from '../dist/schema/json-schema.js';

const target = new URL('../schema/v1.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(resultJsonSchema(), null, 2)}\n`);
process.stdout.write('schema/v1.json written\n');
