import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compareRuns } from '../../src/compare/compare.js';
import { runsOf } from '../../src/compare/runs.js';
import { exportReport } from '../../src/export/index.js';
import { type ImportOptions, importResult, type LedgerEntry } from '../../src/import/index.js';
import { durationMs } from '../../src/import/litert-lm.js';
import { parseDocument, type ResultDocument, serializeDocument } from '../../src/schema/index.js';

const read = (name: string) =>
  readFileSync(new URL(`../fixtures/import/${name}`, import.meta.url), 'utf8');
const translate = (name: string, options: ImportOptions = {}) =>
  importResult(read(name), name, options);

const ledgerOf = (document: ResultDocument) =>
  (document.metadata.imported as { ledger: LedgerEntry[] }).ledger;

const NAMED = { model: 'llama-3.2-1b', device: 'npu', quantization: 'int4' } as const;
const ALL: [string, ImportOptions][] = [
  ['llama-bench.json', {}],
  ['geniex-bench.json', {}],
  ['executorch.log', NAMED],
  ['litert-lm.txt', NAMED],
];

describe.each(ALL)('import of %s', (name, options) => {
  const document = translate(name, options);

  test('gives a valid document that survives the disk', () => {
    expect(parseDocument(serializeDocument(document), 'out.json')).toEqual(document);
  });

  test('says what was lost, is missing or means something else', () => {
    const kinds = new Set(ledgerOf(document).map(({ kind }) => kind));
    for (const kind of ['different', 'computed', 'missing', 'lost']) expect(kinds).toContain(kind);
    expect(document.unavailable.map(({ metric }) => metric)).toContain('latency.cold_start_ms');
    expect(document.warnings.length).toBeGreaterThan(2);
    expect(document.results.latency.cold_start_ms).toBeNull();
    expect(document.results.power?.average_power_w).toBeNull();
  });

  test('stands in comparisons and reports, with a banner', () => {
    const runs = runsOf(document, name);
    expect(compareRuns(runs, runs, {}).summary).toBeTypeOf('string');
    for (const format of ['html', 'markdown'] as const) {
      const text = exportReport([{ file: name, document }], { format });
      expect(text).toMatch(/Imported from/);
    }
  });
});

describe('the figures', () => {
  test('of llama-bench', () => {
    const document = translate('llama-bench.json');
    expect(document.metadata).toMatchObject({
      device: 'cpu',
      timestamp: '2026-03-01T10:00:00Z',
      model: { name: 'SmolLM2-135M-Instruct', quantization: 'Q4_1', parameters: 134515008 },
      benchmark_config: { iterations: 3, input_length: 512, output_length: 128, threads: 2 },
    });
    expect(document.iterations.map((entry) => entry.first_token_ms)).toEqual([990, 1000, 1010]);
    expect(document.iterations[1]?.subsequent_token_ms).toBe(10);
    expect(document.iterations[1]?.prefill_tokens_per_second).toBe(512);
    expect(document.results.throughput.tokens_per_second).toBeNull();
    expect(document.results.throughput.tokens_per_second_after_first?.median).toBe(100);
  });

  test('of llama-bench as JSON lines, with several lengths as cases', () => {
    const [pp, tg] = JSON.parse(read('llama-bench.json')) as Record<string, unknown>[];
    const rows = [pp, { ...pp, n_prompt: 64, samples_ns: [1e8] }, tg, { ...tg, n_depth: 512 }];
    const lines = rows.map((row) => JSON.stringify(row)).join('\n');
    const document = importResult(lines, 'x.jsonl');
    expect(document.cases?.map(({ id }) => id)).toEqual([
      'pp512+tg128',
      'pp64+tg128',
      'tg128 at depth 512',
    ]);
  });

  test('of geniex-bench', () => {
    const document = translate('geniex-bench.json');
    expect(document.metadata.device_info).toMatchObject({
      backend: 'qairt',
      runtime_version: '2.51.0',
    });
    expect(document.iterations[0]).toMatchObject({
      first_token_ms: 100,
      subsequent_token_ms: 50,
      prefill_tokens_per_second: 1280,
    });
    expect(document.iterations[0]?.tokens_per_second).toBeCloseTo(128 / 6.5, 10);
    expect(ledgerOf(document).find(({ theirs }) => theirs === 'prefill_tps')?.note).toMatch(/128/);
  });

  test('of ExecuTorch', () => {
    const document = translate('executorch.log', NAMED);
    expect(document.iterations).toHaveLength(2);
    expect(document.iterations[0]).toMatchObject({
      first_token_ms: 50,
      subsequent_token_ms: 40,
      prefill_tokens_per_second: 1600,
      model_load_ms: 1500,
    });
  });

  test('of LiteRT-LM', () => {
    const document = translate('litert-lm.txt', NAMED);
    expect(document.iterations[0]).toMatchObject({
      first_token_ms: 530,
      subsequent_token_ms: 25,
      prefill_tokens_per_second: 512,
      init_ms: 500,
    });
    expect(document.iterations[0]?.tokens_per_second).toBeCloseTo(100 / 3, 10);
  });

  test('durations', () => {
    expect(durationMs('372.5ms')).toBe(372.5);
    expect(durationMs('1m2.5s')).toBe(62_500);
    expect(durationMs('93us')).toBeCloseTo(0.093, 12);
    expect(durationMs('fast')).toBeUndefined();
  });
});

describe('what cannot be imported is one sentence', () => {
  const [pp] = JSON.parse(read('llama-bench.json')) as Record<string, unknown>[];
  test.each<[text: string, options: ImportOptions, message: RegExp]>([
    ['hello', {}, /x is of no tool that can be imported/],
    ['', {}, /x is of no tool/],
    ['{', { from: 'geniex-bench' }, /x is not JSON/],
    ['[]', { from: 'llama-bench' }, /x: \$ is an empty list/],
    [JSON.stringify([{ ...pp, samples_ns: [1, -5] }]), {}, /x: \$\[0\]\.samples_ns\[1\] must be/],
    [JSON.stringify([{ ...pp, n_prompt: '512' }]), {}, /x: \$\[0\]\.n_prompt must be .* not "512"/],
    [JSON.stringify([{ ...pp, n_gen: 5 }]), {}, /only combined tests/],
    [JSON.stringify([{ ...pp, test_time: 'now' }]), {}, /x: \$\.metadata\.timestamp/],
    [read('executorch.log'), {}, /add --model NAME and --device/],
    ['PyTorchObserver {', NAMED, /x: line 1 has no JSON/],
    [
      read('executorch.log').replace('"first_token_ms":1772000002050', '"first_token_ms":1'),
      NAMED,
      /run backwards/,
    ],
    [read('litert-lm.txt').replace('in 2.5s', 'in ages'), NAMED, /BenchmarkInfo 1 lacks/],
  ])('%#', (text, options, message) => {
    expect(() => importResult(text, 'x', options)).toThrow(message);
  });
});
