import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { resultJsonSchema } from '../../src/schema/index.js';
import { makeDocument } from '../fixtures/make.js';

const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const published = read('../../schema/v1.json');

test('the published schema is the one of the code (else: node scripts/generate-schema.mjs)', () => {
  expect(published).toEqual(JSON.parse(JSON.stringify(resultJsonSchema())));
});

describe('an independent validator', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  const validate = ajv.compile(published);

  test.each(['example', 'npu', 'cpu', 'gpu', 'batch-8'])('accepts specification-%s', (name) => {
    validate(read(`../fixtures/specification-${name}.json`));
    expect(validate.errors).toBeNull();
  });

  test('accepts an own document', () => {
    validate(JSON.parse(JSON.stringify(makeDocument())));
    expect(validate.errors).toBeNull();
  });

  test('refuses text for a time', () => {
    const document = read('../fixtures/specification-example.json');
    document.iterations[0].first_token_ms = 'fast';
    expect(validate(document)).toBe(false);
  });
});
