import { expect, test } from 'vitest';
import { exportReport } from '../../src/export/index.js';
import { input } from '../support/reports.js';

test('a run of 100,000 tokens stays below 3 MB, however they are spread over iterations', () => {
  for (const shape of [
    { iterations: 50, outputLength: 2001 },
    { iterations: 1, outputLength: 100_001 },
  ]) {
    const html = exportReport([input('a.json', { ...shape, full: true })], { format: 'html' });
    expect(html.length).toBeLessThan(0.5e6);
  }
}, 60_000);

test('a thousand documents take less than 3 s of processor time in every format', () => {
  const some = Array.from({ length: 12 }, (_, index) =>
    input('a.json', {
      iterations: 20,
      seed: index,
      device: (['npu', 'cpu', 'gpu'] as const)[index % 3] ?? 'npu',
      batchSize: 2 ** (index % 4),
    }),
  );
  const inputs = Array.from({ length: 1000 }, (_, index) => ({
    file: `d${index}.json`,
    document: (some[index % 12] as (typeof some)[number]).document,
  }));
  for (const format of ['html', 'markdown', 'csv', 'json'] as const) {
    const before = process.cpuUsage();
    const text = exportReport(inputs, { format });
    const spent = process.cpuUsage(before);
    expect((spent.user + spent.system) / 1e6, format).toBeLessThan(3);
    if (format === 'html') expect(text.length).toBeLessThan(3e6);
    if (format !== 'json') expect(text).toContain('d999');
  }
}, 60_000);
