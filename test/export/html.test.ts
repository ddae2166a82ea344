import { HtmlValidate } from 'html-validate';
import { describe, expect, test, vi } from 'vitest';
import { exportReport, htmlPage, trendChart } from '../../src/export/index.js';
import { HOSTILE, hostileInput, input, specification } from '../support/reports.js';

/** Style of writing is not validity: long lines, entities and void elements are as they are. */
const validator = new HtmlValidate({
  extends: ['html-validate:recommended'],
  rules: { 'long-title': 'off', 'no-trailing-whitespace': 'off', 'doctype-style': 'off' },
});

/** Validating a page of charts takes seconds where the machine is busy. */
vi.setConfig({ testTimeout: 60_000 });

async function problems(html: string): Promise<string[]> {
  const report = await validator.validateString(html);
  return report.results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, line }) => `${line}: ${ruleId}: ${message}`),
  );
}

const REPORTS: Record<string, () => string> = {
  'a full run': () =>
    exportReport([input('a.json', { full: true, throttling: true })], {
      format: 'html',
      includeMetadata: true,
    }),
  'three devices, normalized': () =>
    exportReport(
      (['cpu', 'npu', 'gpu'] as const).map((device) => input(`${device}.json`, { device })),
      { format: 'html', normalize: true },
    ),
  'batch sizes': () =>
    exportReport(
      [1, 2, 4, 8, 16].map((size) => specification(`batch-${size}`)),
      { format: 'html' },
    ),
  'the specification’s example': () => exportReport([specification('example')], { format: 'html' }),
  embeddings: () =>
    exportReport([input('e.json', { embedding: true, full: true, simulated: true })], {
      format: 'html',
    }),
  'a page with a trend': () =>
    htmlPage({
      title: 'Trend',
      overline: 'npu-bench',
      heading: 'Trend',
      body: trendChart(
        [1, 2, 3].map((value) => ({ label: `run ${value}`, value })),
        { id: 'trend', title: 'First token', unit: 'ms' },
      ),
      footer: 'End',
    }),
};

describe('HTML export', () => {
  test.each(Object.entries(REPORTS))('%s is valid HTML', async (_, make) => {
    expect(await problems(make())).toEqual([]);
  });

  test.each(Object.entries(REPORTS))('%s loads nothing and runs nothing', (_, make) => {
    const html = make();
    expect(html).not.toMatch(/<(script|link|iframe|img|object|embed)\b/u);
    expect(html).not.toMatch(/\bon\w+\s*=\s*["']/u);
    const addresses = [...html.matchAll(/https?:\/\/[^"'\s<)]+/gu)].map(([address]) => address);
    expect(new Set(addresses)).toEqual(
      new Set(addresses.length > 0 ? ['http://www.w3.org/2000/svg'] : []),
    );
    expect(html).not.toMatch(/@import|url\(/u);
    expect(html).not.toMatch(/NaN|undefined|\[object/u);
  });

  test('says what was measured, on what, and what is missing', () => {
    const source = input('a.json', { full: true, throttling: true });
    const html = exportReport([source], { format: 'html' });
    expect(html).toContain('llama-3.2-1b');
    expect(html).toContain('Qualcomm Hexagon NPU (qnn)');
    expect(html).toContain('512 tokens in, 128 out, batch 1');
    expect(html).toContain('tokens became 27 % slower');
    expect(html).toContain('Let the device cool down with --cooldown 35');
    expect(html).toContain('No accuracy check was asked for.');
    expect(html).not.toContain('6.1.75');
  });

  test('has a chart for everything that the document holds, and none for what it lacks', () => {
    const full = exportReport([input('a.json', { full: true })], { format: 'html' });
    for (const title of [
      'Time of each token',
      'Distribution of token times',
      'Where a cold start goes',
      'What the device costs beside computing',
      'What holds the memory',
      'Against the limits of the machine',
      'Power',
      'Memory',
      'Temperature',
      'Frequency',
    ]) {
      expect(full).toContain(`<h3>${title}</h3>`);
    }
    expect(full).toContain('<caption>Where the work ran</caption>');
    expect(full).toMatch(/<caption>Time by operation.*linear.*224.*62\.0/su);
    expect(full).toContain('100 of 100 (sound)');
    const bare = exportReport([specification('example')], { format: 'html' });
    expect(bare).not.toContain('<figure');
  });

  test('a split of one part, and marks of the whole process, make no chart', () => {
    const source = input('a.json', { full: true });
    const { document } = source;
    document.metadata.model.name = 'smollm2.Q4_1';
    document.metadata.model.quantization = 'Q4_1';
    const execute = document.results.overhead?.execute_ms;
    document.results.overhead = { execute_ms: execute };
    for (const iteration of document.iterations) {
      iteration.memory_mb = { weights: 100, peak_resident: 180 };
    }
    const html = exportReport([source], { format: 'html' });
    expect(html).not.toContain('What the device costs');
    expect(html).not.toContain('What holds the memory');
    expect(html).toMatch(/<h1>smollm2\.Q4_1 <span class="soft">on<\/span>/u);
  });

  test('a filter leaves the other metrics out of tiles and tables', () => {
    const html = exportReport([input('a.json')], { format: 'html', filter: ['memory'] });
    expect(html).toContain('Peak memory');
    expect(html).not.toContain('<dt>First token</dt><dd><div');
    expect(html).not.toContain('Average power (W)');
  });

  test.each([
    ['simulated', 'Simulated device'],
    ['synthetic', 'Synthetic weights'],
  ] as const)('a %s result carries a banner', (key, title) => {
    const html = exportReport([input('a.json', { [key]: true })], { format: 'html' });
    expect(html).toContain(`<strong>${title}.</strong>`);
  });

  test.each(HOSTILE)('%j stays text', async (text) => {
    const options = { format: 'html', includeMetadata: true } as const;
    for (const inputs of [
      [hostileInput(text)],
      [hostileInput(text), input('b.json', { device: 'cpu' })],
    ]) {
      const html = exportReport(inputs, options);
      expect(html).not.toContain('<script');
      expect(html).not.toContain('<img');
      expect(html.match(/<\/style>/gu)).toHaveLength(1);
      expect(html.match(/<\/body>/gu)).toHaveLength(1);
      expect((await problems(html)).filter((problem) => !problem.includes('long-title'))).toEqual(
        [],
      );
    }
  });
});
