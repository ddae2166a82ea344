import { describe, expect, test } from 'vitest';
import { exportReport } from '../../src/export/index.js';
import { input, specification } from '../support/reports.js';

interface Normalized {
  reference: string;
  notes?: string[];
  metrics: Record<
    string,
    { ratio: number; reference: number; improvement?: number; mean?: number }
  >;
}

const parse = (text: string) => JSON.parse(text) as Record<string, unknown>;

describe('--normalize', () => {
  test('divides by the CPU of the same workload among the inputs', () => {
    const inputs = [specification('npu'), specification('cpu'), specification('gpu')];
    const { documents } = parse(exportReport(inputs, { normalize: true })) as unknown as {
      documents: { normalized: Normalized }[];
    };
    const [npu, cpu, gpu] = documents.map(({ normalized }) => normalized.metrics);
    expect(npu?.['latency.cold_start_ms']?.improvement).toBeCloseTo(1850.2 / 245.3, 10);
    expect(npu?.['throughput.tokens_per_second']?.ratio).toBeCloseTo(54.1 / 5.3, 10);
    expect(cpu?.['power.average_power_w']?.ratio).toBe(1);
    expect(gpu?.['memory.peak_memory_usage_mb']?.ratio).toBeCloseTo(3200.1 / 2450.5, 10);
  });

  test('a single LLaMA 7B int8 result is held to the published figures, and says so', () => {
    const { normalized } = parse(
      exportReport([specification('npu')], { normalize: true }),
    ) as unknown as { normalized: Normalized };
    expect(normalized.reference).toMatch(/published/);
    expect(normalized.notes?.join()).toMatch(/not measured by this tool/);
    expect(normalized.metrics['latency.cold_start_ms']?.reference).toBe(1850.2);
    expect(normalized.metrics['latency.cold_start_ms']?.ratio).toBeCloseTo(245.3 / 1850.2, 10);
  });

  test('another batch than the published one is named', () => {
    const text = exportReport([specification('batch-4')], { normalize: true, format: 'markdown' });
    expect(text).toMatch(/batch\\_size 4 here, 1 in the reference/);
  });

  test('another model has no published reference', () => {
    expect(() => exportReport([input('a.json')], { normalize: true })).toThrow(
      /a\.json: --normalize finds no reference for llama-3\.2-1b \(int8\); .*--reference FILE/,
    );
  });

  test('a document can be the reference, and differences of workload are named', () => {
    const reference = input('ref.json', { batchSize: 4, seed: 3 });
    const { normalized } = parse(
      exportReport([input('a.json')], { normalize: true, reference }),
    ) as unknown as { normalized: Normalized };
    expect(normalized.notes).toContain('batch_size 1 here, 4 in the reference');
  });

  test('a device among the inputs can be the reference', () => {
    const inputs = [input('n.json', { device: 'npu' }), input('g.json', { device: 'gpu' })];
    const text = exportReport(inputs, { normalize: true, reference: 'gpu', format: 'csv' });
    const header = text.split('\n')[0]?.split(',') ?? [];
    const own = text.split('\n').find((line) => line.startsWith('g.json') && line.includes('cold'));
    expect(Number(own?.split(',')[header.indexOf('ratio')])).toBe(1);
  });

  test('an unknown device, and a device with another workload, are errors', () => {
    const inputs = [
      input('n.json', { device: 'npu' }),
      input('g1.json', { device: 'gpu', batchSize: 2 }),
      input('g2.json', { device: 'gpu', batchSize: 4 }),
    ];
    expect(() => exportReport(inputs, { normalize: true, reference: 'tpu' })).toThrow(
      /"tpu" is neither a file nor a device/,
    );
    expect(() => exportReport(inputs, { normalize: true, reference: 'gpu' })).toThrow(
      /n\.json: no GPU result .*batch_size 1 here, 2 in the reference/,
    );
  });
});
