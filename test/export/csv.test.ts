import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { csvCell } from '../../src/export/csv.js';
import { exportReport } from '../../src/export/index.js';
import { HOSTILE, hostileInput, input, specification } from '../support/reports.js';

// Property tests take their time on a machine that does other things.
vi.setConfig({ testTimeout: 60_000 });

const rows = (text: string) => parse(text, { columns: true }) as Record<string, string>[];
const RUNS_AS_FORMULA = /^\s*[=+\-@＝＋－＠]/u;

describe('csvCell', () => {
  test('any text survives a parser, apart from the apostrophe before a formula', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 2 }), (texts) => {
        const line = `${texts.map(csvCell).join(',')}\n`;
        const [cells] = parse(line) as string[][];
        expect(cells?.map((cell, index) => (cell === texts[index] ? cell : cell.slice(1)))).toEqual(
          texts,
        );
      }),
    );
  });

  test('no text begins as a formula, no number becomes a text', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('=', '+', '-', '@', '\t=', ' ='), (text, mark) => {
        const [[cell]] = parse(`${csvCell(mark + text)},x\n`) as [[string]];
        expect(cell).not.toMatch(RUNS_AS_FORMULA);
      }),
    );
    expect(csvCell(-2.5)).toBe('-2.5');
    expect(csvCell(0.1 + 0.2)).toBe('0.30000000000000004');
    expect(csvCell(null)).toBe('');
  });
});

describe('CSV export', () => {
  test('the summary holds every statistic in full precision', () => {
    const source = input('a.json');
    const found = rows(exportReport([source], { format: 'csv' }));
    const block = source.document.results.latency.first_token_ms;
    const row = found.find(({ metric }) => metric === 'latency.first_token_ms');
    for (const key of ['mean', 'std', 'min', 'max', 'median', 'ci95_low'] as const) {
      expect(Number(row?.[key])).toBe(block?.[key]);
    }
    expect(row?.n).toBe('5');
  });

  test('the published figures come out as they went in', () => {
    const inputs = ['npu', 'cpu', 'gpu', 'batch-8'].map(specification);
    const found = rows(exportReport(inputs, { format: 'csv' }));
    const mean = (file: string, metric: string) =>
      found.find((row) => row.file === `specification-${file}.json` && row.metric === metric)?.mean;
    expect(mean('npu', 'latency.cold_start_ms')).toBe('245.3');
    expect(mean('cpu', 'latency.subsequent_token_ms')).toBe('187.2');
    expect(mean('gpu', 'memory.peak_memory_usage_mb')).toBe('3200.1');
    expect(mean('batch-8', 'throughput.tokens_per_second')).toBe('285.2');
  });

  test('a metric that was not taken is an empty cell with its reason', () => {
    const source = input('e.json', { embedding: true });
    source.document.unavailable = [
      { metric: 'latency.subsequent_token_ms', reason: 'an embedding makes no tokens' },
    ];
    const row = rows(exportReport([source], { format: 'csv' })).find(
      ({ metric }) => metric === 'latency.subsequent_token_ms',
    );
    expect(row).toMatchObject({ mean: '', n: '', unavailable: 'an embedding makes no tokens' });
  });

  test('one line per iteration, one per token', () => {
    const inputs = [input('a.json'), input('b.json', { seed: 2, iterations: 3 })];
    const iterations = rows(exportReport(inputs, { format: 'csv', level: 'iterations' }));
    expect(iterations).toHaveLength(8);
    expect(Number(iterations[6]?.['latency.cold_start_ms'])).toBe(
      inputs[1]?.document.iterations[1]?.cold_start_ms,
    );
    const tokens = rows(exportReport(inputs, { format: 'csv', level: 'tokens' }));
    expect(tokens).toHaveLength(8 * 128);
    const last = tokens[127];
    const first = inputs[0]?.document.iterations[0];
    expect(last?.token).toBe('128');
    expect(Number(last?.gap_ms)).toBe(first?.token_ms?.[126]);
    expect(Number(last?.elapsed_ms)).toBeCloseTo(first?.total_ms ?? 0, 3);
  });

  test('filters and ratios apply to iterations, and are refused for tokens', () => {
    const inputs = [input('c.json', { device: 'cpu' }), input('n.json')];
    const found = rows(
      exportReport(inputs, {
        format: 'csv',
        level: 'iterations',
        filter: ['cold_start_ms'],
        normalize: true,
      }),
    );
    expect(Object.keys(found[0] ?? {}).filter((key) => key.includes('.'))).toEqual([
      'latency.cold_start_ms_ratio',
    ]);
    expect(() => exportReport(inputs, { format: 'csv', level: 'tokens', normalize: true })).toThrow(
      /--level tokens/,
    );
  });

  test.each(HOSTILE)('keeps %j in its cell', (text) => {
    for (const level of ['summary', 'iterations', 'tokens'] as const) {
      const output = exportReport([hostileInput(text)], {
        format: 'csv',
        level,
        includeMetadata: level !== 'tokens',
      });
      const found = parse(output) as string[][];
      expect(new Set(found.map((row) => row.length)).size).toBe(1);
      const texts = found.flat().filter((cell) => Number.isNaN(Number(cell)));
      expect(texts.filter((cell) => RUNS_AS_FORMULA.test(cell))).toEqual([]);
    }
  });
});
