import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NpuBenchError } from '../../src/errors.js';
import {
  blockOf,
  casesOf,
  METRICS,
  parseDocument,
  readDocument,
  serializeDocument,
} from '../../src/schema/index.js';
import { makeDocument } from '../fixtures/make.js';

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
const example = fixture('specification-example.json');

function refusal(text: string): string {
  try {
    parseDocument(text, 'x.json');
  } catch (error) {
    expect(error).toBeInstanceOf(NpuBenchError);
    expect((error as NpuBenchError).exitCode).toBe(2);
    const { message } = error as NpuBenchError;
    expect(message).toMatch(/^x\.json.*\$[^\n]*\.$/u);
    return message;
  }
  throw new Error('the document was accepted');
}

describe("the specification's documents", () => {
  test('its example parses, and every value of it survives reading and writing', () => {
    const document = parseDocument(example, 'example.json');
    expect(document).toMatchObject(JSON.parse(example));
    expect(document.status).toBe('complete');
    expect(document.schema).toEqual({ id: 'npu-bench/result', version: 1 });
    expect(JSON.parse(serializeDocument(document))).toEqual(document);
  });

  test.each(['npu', 'cpu', 'gpu', 'batch-1', 'batch-16'])('published figures: %s', (name) => {
    const text = fixture(`specification-${name}.json`);
    expect(parseDocument(text, name)).toMatchObject(JSON.parse(text));
  });
});

describe('reading', () => {
  test('unknown keys are kept at every level', () => {
    const raw = JSON.parse(example);
    raw.extra = { a: [1, null] };
    raw.metadata.model.note = 'x';
    raw.results.latency.cold_start_ms.mode = 3;
    raw.iterations[0].odd = [true];
    expect(parseDocument(JSON.stringify(raw), 'x')).toMatchObject(raw);
  });

  test('an own document survives unchanged', () => {
    const document = makeDocument({ processes: 3 });
    expect(parseDocument(serializeDocument(document), 'x')).toEqual(document);
  });

  test('a byte order mark is accepted', () => {
    expect(parseDocument(`\ufeff${example}`, 'x').metadata.device).toBe('npu');
  });

  test('a newer version is refused with what to do', () => {
    const message = refusal('{"schema":{"id":"npu-bench/result","version":2},"metadata":{}}');
    expect(message).toContain('$.schema.version is 2');
    expect(message).toContain('update npu-proxy-benchmark');
  });

  test('another schema is refused', () => {
    expect(refusal('{"schema":{"id":"other/thing","version":1}}')).toContain('other/thing');
    expect(refusal('{"schema":null}')).toContain('$.schema.id');
  });

  test.each([
    [
      'NaN',
      example.replace('245.3', 'NaN'),
      '$.results.latency.cold_start_ms.mean has "NaN" at line 31',
    ],
    ['Infinity', example.replace('245.3', '-Infinity'), '$.results.latency.cold_start_ms.mean'],
    [
      'overflow',
      example.replace('245.3', '1e999'),
      '$.results.latency.cold_start_ms.mean is too large',
    ],
    [
      'negative',
      example.replace('232.1', '-232.1'),
      '$.results.latency.cold_start_ms.min must not be negative',
    ],
    [
      'negative iteration',
      example.replace('247.2', '-1'),
      '$.iterations[0].cold_start_ms must be at least 0, not -1',
    ],
    [
      'min above max',
      example.replace('232.1', '999'),
      '$.results.latency.cold_start_ms.min is larger than max',
    ],
    [
      'median outside',
      example.replace('"median": 243.2', '"median": 1'),
      'cold_start_ms.median is outside',
    ],
    ['truncated', example.slice(0, 2000), '$.results.power.peak_power_w'],
    [
      'no iterations',
      example.replace('"iterations": [', '"other": ['),
      '$.iterations is missing; it must be a list',
    ],
    [
      'text for a number',
      example.replace('512', '"512"'),
      '$.metadata.benchmark_config.input_length must be a number, not "512"',
    ],
    [
      'fraction of an iteration',
      example.replace('"iteration": 1', '"iteration": 1.5'),
      '$.iterations[0].iteration',
    ],
    [
      'no date',
      example.replace('2024-01-15T10:30:45Z', 'yesterday'),
      '$.metadata.timestamp is not an ISO 8601 date',
    ],
    ['a list', '[1, 2]', '$ must be an object'],
    ['a number', '7', '$ must be an object'],
    ['empty', '', '$ has the end of the file'],
    ['trailing text', `${example} x`, '$ has "x"'],
    ['bad string', '{"a": "\u0001"}', '$.a has'],
    ['bad escape', '{"a": ["\\x"]}', '$.a[0] has'],
    ['missing colon', '{"a" 1}', '$.a has "1"'],
    ['trailing comma', '{"a": [1,]}', '$.a[1] has'],
    ['odd key', '{"a b": {"\\"": nul}}', '$["a b"]["\\""] has "nul"'],
    ['bare word', 'hello', '$ has "hello" at line 1, column 1'],
    ['brackets', '['.repeat(100_000), 'more than 200 levels of nesting'],
    ['valid but deep', `{"x":${'['.repeat(5000)}${']'.repeat(5000)}}`, 'more than 200 levels'],
  ])('%s is refused by file and path', (_, text, expected) => {
    expect(refusal(text)).toContain(expected);
  });

  test('brackets inside text are no nesting', () => {
    const raw = JSON.parse(example);
    raw.metadata.model.name = '['.repeat(1000);
    expect(parseDocument(JSON.stringify(raw), 'x').metadata.model.name).toHaveLength(1000);
  });

  test('a __proto__ key cannot reach the prototype', () => {
    const document = parseDocument(example.replace('{', '{"__proto__": {"polluted": 1},'), 'x');
    expect((document as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('any text either parses or is refused in one sentence', () => {
    const damaged = fc
      .tuple(fc.nat(example.length), fc.nat(40), fc.string({ maxLength: 12 }))
      .map(([at, cut, insert]) => example.slice(0, at) + insert + example.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), damaged), (text) => {
        try {
          parseDocument(text, 'x.json');
        } catch (error) {
          if (!(error instanceof NpuBenchError)) throw error;
          expect(error.message).toMatch(/^x\.json[^\n]*\.$/u);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'npu-bench-read-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const put = async (name: string, content: string | Buffer) => {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  };

  test('a good one', async () => {
    const path = await put('good.json', example);
    expect((await readDocument(path)).metadata.device).toBe('npu');
  });

  test.each([
    ['zeros', Buffer.alloc(100e6)],
    ['brackets', Buffer.alloc(100e6, '[')],
    ['a long string', Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(100e6, 'x')])],
    ['nested objects', Buffer.alloc(100e6, '{"a":')],
  ])(
    '100 MB of %s end quickly in one sentence',
    async (name, content) => {
      const path = await put('garbage.json', content);
      const start = performance.now();
      await expect(readDocument(path), name).rejects.toThrow(
        /^\S+garbage\.json is not JSON: \$.*\.$/,
      );
      // About a second on an idle machine; the limit leaves room for a busy one.
      expect(performance.now() - start).toBeLessThan(20_000);
    },
    60_000,
  );

  test('missing, empty, a folder', async () => {
    await expect(readDocument(join(folder, 'none.json'))).rejects.toThrow('does not exist');
    await expect(readDocument(await put('empty.json', ''))).rejects.toThrow('is empty');
    await expect(readDocument(folder)).rejects.toThrow('is a folder');
  });
});

test('a sweep lists its cases as documents of their own', () => {
  const document = makeDocument({ processes: 2 });
  const cases = [1, 4].map((batch_size) => ({
    id: `batch_size=${batch_size}`,
    benchmark_config: { ...document.metadata.benchmark_config, batch_size },
    status: 'complete' as const,
    results: document.results,
    iterations: document.iterations,
    unavailable: [],
    warnings: [],
  }));
  const sweep = { ...document, iterations: [], cases };
  const parsed = parseDocument(serializeDocument(sweep), 'x');
  const parts = casesOf(parsed);
  expect(parts.map((part) => part.metadata.benchmark_config.batch_size)).toEqual([1, 4]);
  expect(parts[1]?.metadata.label).toBe('batch_size=4');
  expect(parts[1]?.iterations).toHaveLength(2);
  expect(parts[1]?.metadata.model.name).toBe('llama-7b');
  expect(casesOf(document)).toEqual([document]);
});

test("every place of the specification's results is in the metric table", () => {
  const document = parseDocument(example, 'x');
  const places = Object.entries(JSON.parse(example).results).flatMap(([group, metrics]) =>
    Object.keys(metrics as object).map((name) => `${group}.${name}`),
  );
  for (const place of places) {
    const metric = METRICS.find(({ id }) => id === place);
    expect(metric, place).toBeDefined();
    expect(metric && blockOf(document.results, metric), place).toBeDefined();
  }
});
