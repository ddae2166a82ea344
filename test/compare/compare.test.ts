import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  type CompareOptions,
  type Comparison,
  compareDocuments,
  exitCodeOf,
  type MetricComparison,
} from '../../src/compare/index.js';
import { NpuBenchError } from '../../src/errors.js';
import { METRICS, parseDocument, type ResultDocument } from '../../src/schema/index.js';
import { type DocumentShape, makeDocument } from '../fixtures/make.js';

// Property tests and synced files take their time on a machine that does other things.
vi.setConfig({ testTimeout: 60_000 });

const fixture = (name: string): ResultDocument =>
  parseDocument(
    readFileSync(new URL(`../fixtures/specification-${name}.json`, import.meta.url), 'utf8'),
    name,
  );

function compare(
  baseline: ResultDocument | ResultDocument[],
  current: ResultDocument | ResultDocument[],
  options: CompareOptions = {},
): Comparison {
  const side = (documents: ResultDocument | ResultDocument[], name: string) =>
    [documents].flat().map((document, i) => ({ file: `${name}${i}.json`, document }));
  return compareDocuments(side(baseline, 'a'), side(current, 'b'), options);
}

function metric(comparison: Comparison, id: string): MetricComparison {
  const found = comparison.cases[0]?.metrics.find((entry) => entry.metric.id === id);
  if (!found) throw new Error(`no ${id}`);
  return found;
}

const FIRST = 'latency.first_token_ms';
const NEXT = 'latency.subsequent_token_ms';
const RATE = 'throughput.tokens_per_second';

/** A pair of documents with the same noise seeds every time. */
const pair = (
  shape: DocumentShape,
  current: DocumentShape = {},
): [ResultDocument, ResultDocument] => [
  makeDocument({ ...shape, seed: 1 }),
  makeDocument({ ...shape, seed: 2, ...current }),
];

function refusal(run: () => unknown): NpuBenchError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(NpuBenchError);
    return error as NpuBenchError;
  }
  throw new Error('nothing was refused');
}

describe('verdicts', () => {
  test('a true 10 % slow-down is a regression, named with its p', () => {
    const result = compare(...pair({}, { slowness: 1.1 }));
    expect(result.verdict).toBe('regression');
    expect(metric(result, NEXT)).toMatchObject({
      verdict: 'regression',
      unit: 'process',
      gated: true,
    });
    expect(metric(result, NEXT).test?.name).toBe('mann-whitney');
    expect(metric(result, 'memory.peak_memory_usage_mb').verdict).toBe('no change');
    expect(metric(result, RATE)).toMatchObject({ verdict: 'regression', gated: false });
    expect(result.summary).toMatch(/^regression: cold start \+\d/);
    expect(exitCodeOf(result)).toBe(1);
    expect(exitCodeOf(result, { failOn: 'never' })).toBe(0);
  });

  test('the same turned round is an improvement', () => {
    const [a, b] = pair({}, { slowness: 1.15 });
    const result = compare(b, a);
    expect(result.verdict).toBe('improvement');
    expect(exitCodeOf(result, { strict: true })).toBe(0);
  });

  test('the same program is no change', () => {
    const result = compare(...pair({ processes: 20 }));
    expect(result.verdict).toBe('no change');
    expect(exitCodeOf(result, { strict: true })).toBe(0);
  });

  test('too few processes say how many are needed, and fail only under --strict', () => {
    const result = compare(...pair({ processes: 3 }, { slowness: 1.1 }));
    expect(result.verdict).toBe('inconclusive');
    expect(metric(result, NEXT).reason).toMatch(/too few samples: \d+ processes a side/);
    expect(metric(result, NEXT).samplesNeeded).toBeGreaterThanOrEqual(4);
    expect(exitCodeOf(result)).toBe(0);
    expect(exitCodeOf(result, { strict: true })).toBe(4);
    expect(exitCodeOf(result, { failOn: 'inconclusive' })).toBe(4);
  });

  test('noise is inconclusive with about how many samples would settle it', () => {
    const result = compare(...pair({ processes: 6, noise: 0.12, seed: 3 }));
    const entry = metric(result, NEXT);
    expect(entry.verdict).toBe('inconclusive');
    expect(entry.detectablePercent).toBeGreaterThan(10);
    const codes = result.cases[0]?.notes.map((note) => note.code);
    expect(codes).toContain('inconclusive');
    expect(codes).toContain('coarse');
  });

  test('at five samples Holm corrects, at ten it does not', () => {
    const five = metric(compare(...pair({ processes: 5 }, { slowness: 1.2 })), NEXT).test;
    expect(five?.pWorse).toBeCloseTo(1 / 252, 9);
    expect(five?.pWorseAdjusted).toBeGreaterThan(five?.pWorse ?? 1);
    const ten = metric(compare(...pair({ processes: 10 }, { slowness: 1.2 })), NEXT).test;
    expect(ten?.pWorseAdjusted).toBe(ten?.pWorse);
  });

  test('three runs a side are samples, judged by Welch', () => {
    const runs = (slowness: number, seed: number) =>
      [0, 1, 2].map((i) => makeDocument({ processes: 5, noise: 0.01, slowness, seed: seed + i }));
    const result = compare(runs(1, 10), runs(1.1, 20));
    expect(metric(result, NEXT)).toMatchObject({ unit: 'run', verdict: 'regression' });
    expect(metric(result, NEXT).baseline.n).toBe(3);
    expect(metric(result, NEXT).test?.name).toBe('welch-log');
    expect(result.cases[0]?.baseline).toMatchObject({ runs: 3, processes: 15 });
  });

  test('one process a side is indicative and needs a larger effect', () => {
    const shape = { processes: 1, iterationsPerProcess: 10, noise: 0.001 };
    const small = compare(...pair(shape, { slowness: 1.09 }));
    expect(metric(small, NEXT)).toMatchObject({ unit: 'iteration', indicative: true });
    expect(metric(small, NEXT).verdict).toBe('inconclusive');
    const large = compare(...pair(shape, { slowness: 1.2 }));
    expect(metric(large, NEXT).verdict).toBe('regression');
    expect(large.cases[0]?.notes.map((note) => note.code)).toContain('indicative');
    const same = compare(...pair(shape));
    expect(exitCodeOf(same, { strict: true })).toBe(4);
  });

  test('iterations of one process do not count as samples beside other processes', () => {
    const shape = { processes: 4, iterationsPerProcess: 3 };
    const result = compare(...pair(shape));
    expect(metric(result, NEXT).baseline.n).toBe(4);
    expect(metric(result, 'latency.cold_start_ms').baseline.n).toBe(12);
  });

  test('150,000 iterations of one process are compared', () => {
    const document = makeDocument({ processes: 1, tokens: 2 });
    const [one] = document.iterations;
    if (!one) throw new Error('no iteration');
    document.iterations = Array.from({ length: 150_000 }, (_, i) => ({
      ...one,
      first_token_ms: 100 + (i % 97),
    }));
    const entry = metric(compare(document, document, { metrics: [FIRST], detailed: true }), FIRST);
    expect(entry.baseline.n).toBe(150_000);
    expect(entry.verdict).toBe('no change');
  }, 240_000);

  test('identical documents are never a change', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 25 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(1000),
        fc.double({ min: 0, max: 20, noNaN: true }),
        (processes, iterationsPerProcess, seed, threshold) => {
          const document = makeDocument({ processes, iterationsPerProcess, seed, tokens: 4 });
          const result = compare(document, document, { threshold });
          for (const entry of result.cases[0]?.metrics ?? []) {
            expect(['no change', 'inconclusive', 'not judged']).toContain(entry.verdict);
            expect(entry.ratio).toBe(1);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('scaling both sides changes no verdict; a worse current never gets a better one', () => {
    const rank = {
      improvement: 0,
      'no change': 1,
      'not judged': 1,
      inconclusive: 1,
      regression: 2,
    };
    fc.assert(
      fc.property(fc.nat(500), fc.double({ min: 0.8, max: 1.2, noNaN: true }), (seed, slowness) => {
        const baseline = makeDocument({ processes: 8, seed, tokens: 4 });
        const at = (factor: number) =>
          metric(
            compare(
              baseline,
              makeDocument({ processes: 8, seed: seed + 1, tokens: 4, slowness: factor }),
            ),
            FIRST,
          ).verdict;
        expect(rank[at(slowness * 1.1)]).toBeGreaterThanOrEqual(rank[at(slowness)]);
      }),
      { numRuns: 40 },
    );
  });

  test('--metric gates others, refuses unknown ones and a metric with its inverse', () => {
    const [a, b] = pair({}, { slowness: 1.1 });
    const result = compare(a, b, { metrics: ['peak_memory_usage_mb'] });
    expect(result.verdict).toBe('no change');
    expect(metric(result, NEXT)).toMatchObject({ gated: false, verdict: 'regression' });
    expect(refusal(() => compare(a, b, { metrics: ['speed'] })).message).toContain('speed');
    const both = ['subsequent_token_ms', 'tokens_per_second_after_first'];
    expect(refusal(() => compare(a, b, { metrics: both })).message).toContain('inverse');
  });

  test('no primary metric is the inverse of another', () => {
    const primary = METRICS.filter((entry) => entry.primary);
    const ids = primary.map((entry) => entry.id);
    for (const entry of primary) expect(ids).not.toContain(entry.inverseOf);
  });

  test('a zero baseline has no ratio and no verdict', () => {
    const [a, b] = pair({ processes: 5 });
    for (const iteration of a.iterations) iteration.overhead = { transfer_ms: 0 };
    for (const iteration of b.iterations) iteration.overhead = { transfer_ms: 0.2 };
    const entry = metric(compare(a, b), 'overhead.transfer_ms');
    expect(entry).toMatchObject({ verdict: 'not judged', ratio: undefined });
  });
});

describe('what may be compared', () => {
  const changed = (change: (document: ResultDocument) => void): ResultDocument => {
    const document = makeDocument({ seed: 2 });
    change(document);
    return document;
  };

  test.each<[string, (document: ResultDocument) => void]>([
    [
      'batch_size',
      (d) => {
        d.metadata.benchmark_config.batch_size = 4;
      },
    ],
    [
      'input_length',
      (d) => {
        d.metadata.benchmark_config.input_length = 256;
      },
    ],
    [
      'output_length',
      (d) => {
        d.metadata.benchmark_config.output_length = 64;
      },
    ],
    [
      'model.name',
      (d) => {
        d.metadata.model.name = 'other';
      },
    ],
    [
      'model.quantization',
      (d) => {
        d.metadata.model.quantization = 'int4';
      },
    ],
  ])('another %s is refused with both values, exit code 3', (key, change) => {
    const error = refusal(() => compare(makeDocument(), changed(change)));
    expect(error.exitCode).toBe(3);
    expect(error.message).toContain(`${key} (`);
    expect(error.message).toContain('against');
    const allowed = compare(makeDocument(), changed(change), { allowMismatch: true });
    expect(allowed.cases[0]?.mismatches.map((entry) => entry.key).join()).toContain(key);
  });

  test('threads matter on one device and not between two', () => {
    const a = makeDocument();
    a.metadata.benchmark_config.threads = 4;
    const b = changed((d) => {
      d.metadata.benchmark_config.threads = 8;
    });
    expect(refusal(() => compare(a, b)).message).toContain('threads (4 against 8)');
    b.metadata.device = 'cpu';
    expect(compare(a, b).cases[0]?.relation).toBe('different devices');
  });

  test('a key that one side does not state is no difference', () => {
    const b = changed((d) => {
      d.metadata.model.sha256 = 'abc';
    });
    expect(compare(makeDocument(), b).cases[0]?.mismatches).toEqual([]);
  });

  test('runs of one side must repeat each other', () => {
    const odd = changed((d) => {
      d.metadata.benchmark_config.batch_size = 2;
    });
    const error = refusal(() => compare([makeDocument(), odd], makeDocument()));
    expect(error.message).toContain(
      'a1.json is no repetition of a0.json: batch_size (1 against 2)',
    );
    expect(error.exitCode).toBe(3);
  });

  test('a driver that differs is told, not refused', () => {
    const a = changed((d) => {
      d.metadata.device_info.driver = '1.0';
    });
    const b = changed((d) => {
      d.metadata.device_info.driver = '1.1';
    });
    expect(compare(a, b).cases[0]?.differences).toEqual([
      { key: 'device_info.driver', baseline: '1.0', current: '1.1' },
    ]);
  });

  test('a simulated device gets no verdict on speed or power', () => {
    const simulated = changed((d) => {
      d.metadata.device_info.simulated = true;
    });
    const result = compare(makeDocument(), simulated);
    expect(result.verdict).toBe('not judged');
    expect(metric(result, NEXT)).toMatchObject({ verdict: 'not judged' });
    expect(metric(result, 'power.average_power_w').verdict).toBe('not judged');
    expect(metric(result, 'memory.peak_memory_usage_mb').verdict).toBe('no change');
    expect(result.summary).toContain('simulated');
    expect(exitCodeOf(result)).toBe(3);
  });

  test('sweeps are compared case by case, as one family', () => {
    const sweep = (seed: number, batches: number[]): ResultDocument => {
      const document = makeDocument({ seed });
      const cases = batches.map((batch_size) => {
        const part = makeDocument({ seed: seed + batch_size, slowness: batch_size });
        const benchmark_config = { ...part.metadata.benchmark_config, batch_size };
        return { ...part, id: `batch_size=${batch_size}`, benchmark_config };
      });
      return { ...document, iterations: [], cases };
    };
    const result = compare(sweep(1, [1, 2, 4]), sweep(50, [1, 4, 8]));
    expect(result.cases.map((entry) => entry.name)).toEqual(['batch_size=1', 'batch_size=4']);
    expect(result.notes.map((note) => note.message)).toEqual([
      'Only in baseline: batch_size=2.',
      'Only in current: batch_size=8.',
    ]);
    const test = metric(result, NEXT).test;
    expect(test?.pWorseAdjusted).toBeGreaterThanOrEqual(test?.pWorse ?? 1);
    expect(refusal(() => compare(sweep(1, [2]), sweep(1, [4]))).exitCode).toBe(3);
  });
});

describe("the specification's figures", () => {
  test('CPU against NPU prints its table of ratios', () => {
    const result = compare(fixture('cpu'), fixture('npu'));
    const ratios = Object.fromEntries(
      (result.cases[0]?.ratios ?? []).map((row) => [row.label, row.ratio.toFixed(1)]),
    );
    expect(ratios).toMatchObject({
      'Cold Start Speedup': '7.5',
      'First Token Speedup': '7.5',
      'Throughput Speedup': '10.2',
      'Power Efficiency': '2.0',
    });
    const memory = result.cases[0]?.ratios.find((row) => row.label === 'Memory per Token');
    expect(memory?.ratio).toBeCloseTo(1845.3 / 2450.5, 12);
  });

  test('CPU against GPU', () => {
    const ratios = compare(fixture('cpu'), fixture('gpu')).cases[0]?.ratios ?? [];
    const text = ratios.map((row) => row.ratio.toFixed(1));
    expect(text).toEqual(['3.6', '3.3', '4.5', '1.3', '5.6', '1.3']);
  });

  test('single figures allow ratios and no verdict', () => {
    const result = compare(fixture('cpu'), fixture('npu'));
    expect(result.verdict).toBe('inconclusive');
    expect(metric(result, NEXT).reason).toContain('single figures');
  });

  test('its example is compared by the statistics that it states', () => {
    const slower = fixture('example');
    const block = slower.results.latency.first_token_ms;
    if (!block) throw new Error('no block');
    for (const key of ['mean', 'min', 'max', 'median'] as const) block[key] *= 1.5;
    const result = compare(fixture('example'), slower);
    expect(metric(result, FIRST)).toMatchObject({
      unit: 'summary',
      verdict: 'regression',
      indicative: true,
    });
    expect(metric(result, FIRST).baseline.n).toBe(5);
    expect(exitCodeOf(result)).toBe(1);
  });

  test('three such documents a side are three samples', () => {
    const slower = fixture('example');
    const block = slower.results.latency.first_token_ms;
    if (!block) throw new Error('no block');
    for (const key of ['mean', 'min', 'max', 'median'] as const) block[key] *= 1.5;
    const example = fixture('example');
    const entry = metric(compare([example, example, example], [slower, slower, slower]), FIRST);
    expect(entry).toMatchObject({ unit: 'run', indicative: false });
    expect(entry.baseline.n).toBe(3);
  });
});

describe('notes', () => {
  const notes = (result: Comparison) => result.cases[0]?.notes.map((note) => note.code) ?? [];

  test('two states of launches are named before anything is believed', () => {
    const current = makeDocument({ processes: 20, noise: 0.01, seed: 2 });
    current.iterations.forEach((iteration, i) => {
      if (i % 7 === 3) iteration.subsequent_token_ms = (iteration.subsequent_token_ms ?? 0) * 1.8;
    });
    const result = compare(makeDocument({ processes: 20, noise: 0.01 }), current);
    expect(notes(result)).toContain('launch-states');
    const note = result.cases[0]?.notes.find((entry) => entry.code === 'launch-states');
    expect(note?.message).toMatch(
      /current: launches come in two states: 3 of 20 are 1\.[78]\d× worse/,
    );
    expect(metric(result, NEXT).statesP).toBeGreaterThan(0.05);
  });

  test('a run that warms up is told', () => {
    const current = makeDocument({ processes: 10, noise: 0.002, seed: 2 });
    current.iterations.forEach((iteration, i) => {
      iteration.first_token_ms = (iteration.first_token_ms ?? 0) * (1 + 0.01 * i);
    });
    expect(notes(compare(makeDocument({ noise: 0.002 }), current))).toContain('drift');
  });

  test('conditions that differ are told', () => {
    const with_ = (seed: number, governor: string, on_battery: boolean) => {
      const document = makeDocument({ seed });
      document.metadata.system_info.governor = governor;
      for (const iteration of document.iterations) iteration.hygiene = { before: { on_battery } };
      return document;
    };
    const changed = compare(with_(1, 'performance', false), with_(2, 'schedutil', true));
    expect(notes(changed)).toEqual(expect.arrayContaining(['conditions', 'power-source']));
    expect(changed.cases[0]?.notes[0]?.message).toContain('performance against schedutil');
    const same = compare(with_(1, 'performance', false), with_(2, 'performance', false));
    expect(notes(same)).not.toContain('conditions');
    expect(notes(same)).not.toContain('power-source');
  });

  test('partial documents, faults and their own warnings are told', () => {
    const current = makeDocument({ seed: 2 });
    current.status = 'partial';
    current.warnings = [{ code: 'throttling', message: 'The device was throttled.' }];
    const [first] = current.iterations;
    if (first) first.faults = [{ code: 'timeout', message: 'hung' }];
    const result = compare(makeDocument(), current);
    expect(notes(result)).toEqual(
      expect.arrayContaining(['status-partial', 'faults', 'throttling', 'single-run']),
    );
    expect(metric(result, NEXT).current.n).toBe(9);
  });
});
