import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { compareDocuments } from '../../src/compare/compare.js';
import { comparisonJsonSchema } from '../../src/compare/json-schema.js';
import { renderJson } from '../../src/compare/machine.js';
import { makeDocument } from '../fixtures/make.js';

const published = JSON.parse(
  readFileSync(new URL('../../schema/compare-v1.json', import.meta.url), 'utf8'),
);

it('the published schema is the one of the code (else: node scripts/generate-schema.mjs)', () => {
  expect(published).toEqual(JSON.parse(JSON.stringify(comparisonJsonSchema())));
});

describe('an independent validator', () => {
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(published);
  const comparison = (shape: Parameters<typeof makeDocument>[0], detailed: boolean) => {
    const baseline = { document: makeDocument({ seed: 1 }), file: 'a.json' };
    const current = { document: makeDocument(shape), file: 'b.json' };
    const result = compareDocuments([baseline], [current], { threshold: 5, detailed });
    return JSON.parse(renderJson(result, 1));
  };

  it.each([
    ['a regression', { seed: 2, slowness: 1.2 }],
    ['no change', { seed: 2, noise: 0.01 }],
    ['too few samples', { seed: 2, processes: 1 }],
  ])('accepts %s', (_name, shape) => {
    for (const detailed of [false, true]) {
      validate(comparison(shape, detailed));
      expect(validate.errors).toBeNull();
    }
  });

  it('refuses an unknown verdict and a side without samples', () => {
    const wrong = comparison({ seed: 2 }, false);
    wrong.verdict = 'fine';
    delete wrong.cases[0].metrics[0].baseline.n;
    expect(validate(wrong)).toBe(false);
    expect(validate.errors?.map(({ instancePath }) => instancePath)).toEqual(
      expect.arrayContaining(['/verdict', '/cases/0/metrics/0/baseline']),
    );
  });
});
