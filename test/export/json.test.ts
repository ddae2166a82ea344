import { describe, expect, test } from 'vitest';
import { exportReport } from '../../src/export/index.js';
import { checkDocument, parseDocument } from '../../src/schema/index.js';
import { HOSTILE, hostileInput, input, specification } from '../support/reports.js';

describe('JSON export', () => {
  test.each(['example', 'npu', 'cpu', 'gpu', 'batch-16'])(
    'the %s document of the specification comes back as it went in',
    (name) => {
      const source = specification(name);
      const text = exportReport([source], { includeMetadata: true });
      expect(parseDocument(text, 'out.json')).toEqual(source.document);
    },
  );

  test('system and environment only where they are asked for; the rest stays a valid document', () => {
    const source = input('a.json', { full: true });
    const document = parseDocument(exportReport([source]), 'out.json');
    expect(document.metadata.system_info).toEqual({});
    expect(document.metadata.environment).toBeUndefined();
    expect(document.metadata.model).toEqual(source.document.metadata.model);
    expect(document.results).toEqual(source.document.results);
  });

  test('a filter keeps these metrics in results and iterations, and a valid document', () => {
    const text = exportReport([input('a.json', { full: true })], {
      filter: ['first_token_ms', 'efficiency.joules_per_token'],
    });
    const document = parseDocument(text, 'out.json');
    expect(Object.keys(document.results.latency)).toEqual(['first_token_ms']);
    expect(Object.keys(document.results)).toEqual(['latency', 'throughput', 'efficiency']);
    expect(document.iterations[0]).toEqual({
      iteration: 1,
      process: 0,
      output_tokens: 128,
      first_token_ms: expect.any(Number),
      efficiency: { joules_per_token: expect.any(Number) },
    });
  });

  test('several inputs hold every document and the combined tables as numbers', () => {
    const inputs = ['cpu', 'npu', 'gpu', 'batch-2'].map(specification);
    const report = JSON.parse(exportReport(inputs, { includeMetadata: true }));
    expect(report.schema).toEqual({ id: 'npu-bench/report', version: 1 });
    expect(report.documents).toHaveLength(4);
    expect(checkDocument(report.documents[1].document, 'x')).toEqual(inputs[1]?.document);
    const [comparison] = report.device_comparison;
    expect(comparison.reference).toBe('CPU');
    const [coldStart] = comparison.devices[1].ratios;
    expect(coldStart.label).toBe('Cold Start Speedup');
    expect(coldStart.ratio).toBeCloseTo(1850.2 / 245.3, 12);
    const [scaling] = report.batch_scaling;
    expect(scaling.steps.map((step: { batch_size: number }) => step.batch_size)).toEqual([1, 2]);
    expect(scaling.steps[1].scaling_efficiency).toBeCloseTo(105.3 / 54.1 / 2, 12);
  });

  test('a sweep is filtered and stays a valid document', () => {
    const first = input('a.json').document;
    const second = input('a.json', { batchSize: 2, seed: 4 }).document;
    const document = {
      ...first,
      cases: [first, second].map((entry, index) => ({
        id: `batch_size=${index + 1}`,
        benchmark_config: entry.metadata.benchmark_config,
        status: entry.status,
        results: entry.results,
        iterations: entry.iterations,
        unavailable: [],
        warnings: [],
      })),
    };
    const text = exportReport([{ file: 'sweep.json', document }], { filter: ['memory'] });
    const filtered = parseDocument(text, 'out.json');
    expect(filtered.cases?.map(({ results }) => Object.keys(results))).toEqual([
      ['latency', 'throughput', 'memory'],
      ['latency', 'throughput', 'memory'],
    ]);
  });

  test.each(HOSTILE)('%j is text and nothing else', (text) => {
    const source = hostileInput(text);
    const document = parseDocument(exportReport([source], { includeMetadata: true }), 'out.json');
    expect(document.metadata.model.name).toBe(text);
  });
});
