import { describe, expect, it } from 'vitest';
import { exportReport } from '../../src/export/index.js';
import { input } from '../support/reports.js';

const lengths = [128, 256, 512].map((inputLength) => input(`${inputLength}.json`, { inputLength }));
const types = ['int4', 'int8'].map((quantization) =>
  input(`${quantization}.json`, { quantization }),
);

describe('scaling along a setting', () => {
  it('is a section with charts of speed, power and memory, and a table', () => {
    const page = exportReport(lengths, { format: 'html' });
    expect(page).toContain('Scaling with input length');
    for (const title of ['Prefill throughput', 'First token', 'Average power', 'Peak memory']) {
      expect(page).toContain(`${title} over input length`);
    }
    expect(page).not.toContain('Scaling with output length');
    const [section] = /<section aria-labelledby="axis0"[\s\S]*?<\/section>/u.exec(page) ?? [];
    expect(section).toMatch(/<td[^>]*>128<\/td>|<th[^>]*>128<\/th>/u);
    expect(section?.match(/<svg/gu)?.length).toBeGreaterThanOrEqual(5);
  });

  it('names the quantizations', () => {
    const page = exportReport(types, { format: 'html' });
    expect(page).toContain('Scaling with quantization');
    expect(page).toMatch(/First token over quantization/u);
    const text = exportReport(types, { format: 'markdown' });
    expect(text).toMatch(/Scaling with quantization[\s\S]*int4[\s\S]*int8/u);
  });

  it('is not made of cases that differ in more than one setting', () => {
    const mixed = [lengths[0], types[0]].flatMap((entry) => entry ?? []);
    expect(exportReport(mixed, { format: 'html' })).not.toMatch(/Scaling with/u);
  });
});
