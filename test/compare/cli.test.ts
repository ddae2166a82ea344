import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { parse } from 'csv-parse/sync';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { register } from '../../src/cli/commands/compare.js';
import { NpuBenchError } from '../../src/errors.js';
import { HistoryStore } from '../../src/history/store.js';
import { type ResultDocument, serializeDocument } from '../../src/schema/index.js';
import { makeDocument } from '../fixtures/make.js';

// Property tests and synced files take their time on a machine that does other things.
vi.setConfig({ testTimeout: 60_000 });

interface Outcome {
  readonly out: string;
  readonly code: number;
  readonly error?: Error;
}

let folder: string;
const at = (name: string) => join(folder, name);
const fixture = (name: string) =>
  new URL(`../fixtures/specification-${name}.json`, import.meta.url).pathname;

async function put(name: string, document: ResultDocument | string): Promise<string> {
  const text = typeof document === 'string' ? document : serializeDocument(document);
  await writeFile(at(name), text);
  return at(name);
}

/** Runs the command as the program does, with its standard output caught. */
async function compare(...args: string[]): Promise<Outcome> {
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  process.exitCode = 0;
  try {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    register(program);
    for (const command of program.commands)
      command.exitOverride().configureOutput({ writeErr: () => undefined });
    await program.parseAsync(['compare', ...args], { from: 'user' });
    return { out, code: Number(process.exitCode) };
  } catch (error) {
    const code = error instanceof NpuBenchError ? error.exitCode : 2;
    return { out, code, error: error as Error };
  } finally {
    write.mockRestore();
    process.exitCode = 0;
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npu-bench-compare-'));
  await put('base.json', makeDocument({ seed: 1 }));
  await put('same.json', makeDocument({ seed: 2, noise: 0.01 }));
  await put('slow.json', makeDocument({ seed: 3, slowness: 1.12 }));
  await put('few.json', makeDocument({ seed: 4, processes: 2 }));
  await put('batch4.json', {
    ...makeDocument(),
    metadata: {
      ...makeDocument().metadata,
      benchmark_config: { ...makeDocument().metadata.benchmark_config, batch_size: 4 },
    },
  });
  for (const side of ['old', 'new']) {
    await mkdir(at(side));
    for (let i = 0; i < 3; i++) {
      const slowness = side === 'new' ? 1.12 : 1;
      await put(
        `${side}/${i}.json`,
        makeDocument({ seed: i + slowness * 100, slowness, processes: 5, noise: 0.01 }),
      );
    }
  }
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

describe('exit codes', () => {
  test('0, and the verdict is the last line', async () => {
    const { out, code } = await compare(at('base.json'), at('same.json'));
    expect(code).toBe(0);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(/^Verdict \(threshold 5 %\): no change: /);
  });

  test('1 on a regression, 0 with --fail-on never or a wider threshold', async () => {
    const paths = [at('base.json'), at('slow.json')];
    expect((await compare(...paths)).code).toBe(1);
    expect((await compare(...paths, '--fail-on', 'never')).code).toBe(0);
    expect((await compare(...paths, '--threshold', '30')).code).toBe(0);
    expect((await compare(...paths, '--metric', 'memory.peak_memory_usage_mb')).code).toBe(0);
  });

  test.each([
    ['a missing file', ['none.json', 'base.json'], 'does not exist'],
    ['one path', ['base.json'], 'compare needs BASELINE CURRENT'],
    ['three paths', ['base.json', 'same.json', 'slow.json'], '--baseline-run'],
    ['a bad threshold', ['base.json', 'same.json', '--threshold', 'much'], 'percentage'],
    ['an empty threshold', ['base.json', 'same.json', '--threshold', ''], 'percentage'],
    ['a negative threshold', ['base.json', 'same.json', '--threshold=-1'], 'percentage'],
    ['a bad format', ['base.json', 'same.json', '--format', 'yaml'], 'Allowed choices'],
  ])('2 on %s', async (_, args, message) => {
    const paths = args.map((arg) => (arg.endsWith('.json') ? at(arg) : arg));
    const { code, error, out } = await compare(...paths);
    expect(code).toBe(2);
    expect(error?.message).toContain(message);
    expect(out).toBe('');
  });

  test('3 on another workload, naming the key; 0 with --allow-mismatch', async () => {
    const { code, error } = await compare(at('base.json'), at('batch4.json'));
    expect(code).toBe(3);
    expect(error?.message).toContain('batch_size (1 against 4)');
    const allowed = await compare(at('base.json'), at('batch4.json'), '--allow-mismatch');
    expect(allowed.out).toContain('Mismatch  benchmark_config.batch_size: 1 → 4');
  });

  test('4 only under --strict or --fail-on inconclusive', async () => {
    const paths = [at('base.json'), at('few.json')];
    expect((await compare(...paths)).code).toBe(0);
    expect((await compare(...paths, '--strict')).code).toBe(4);
    expect((await compare(...paths, '--fail-on', 'inconclusive')).code).toBe(4);
  });

  test('between devices a difference fails only when asked for', async () => {
    const cpu = makeDocument({ seed: 9, slowness: 3 });
    cpu.metadata.device = 'cpu';
    await put('cpu.json', cpu);
    expect((await compare(at('base.json'), at('cpu.json'))).code).toBe(0);
    expect((await compare(at('base.json'), at('cpu.json'), '--fail-on', 'regression')).code).toBe(
      1,
    );
  });
});

describe('text', () => {
  test.each([
    ['the specification', [fixture('cpu'), fixture('npu')]],
    ['its example in detail', [fixture('example'), fixture('example'), '--detailed']],
    ['a regression in detail', ['base.json', 'slow.json', '--detailed']],
    ['folders in detail', ['old', 'new', '--detailed']],
  ])('%s fits 80 columns up to the verdict, without colours', async (_, args) => {
    vi.stubEnv('FORCE_COLOR', undefined);
    const paths = args.map((arg) => (arg.startsWith('/') || arg.startsWith('-') ? arg : at(arg)));
    const { out } = await compare(...paths);
    const lines = out.trimEnd().split('\n');
    for (const line of lines.slice(0, -1)) {
      // A path or another single word may be longer than the page.
      if (!/\S{68}/.test(line)) expect(line.length, line).toBeLessThanOrEqual(80);
    }
    expect(out).not.toContain('\u001b');
    expect(out).not.toMatch(/undefined|NaN|null/);
  });

  test("the specification's ratio table", async () => {
    const { out, code } = await compare(fixture('cpu'), fixture('npu'), '--detailed');
    expect(code).toBe(0);
    expect(out).toMatch(/^Cold Start Speedup\s+7\.5x/m);
    expect(out).toMatch(/^First Token Speedup\s+7\.5x/m);
    expect(out).toMatch(/^Throughput Speedup\s+10\.2x/m);
    expect(out).toMatch(/^Power Efficiency\s+2\.0x/m);
    expect(out).toMatch(/^Memory per Token\s+0\.75x/m);
  });

  test('--detailed shows the evidence', async () => {
    const { out } = await compare(at('base.json'), at('slow.json'), '--detailed');
    expect(out).toContain('ratio of medians');
    expect(out).toContain('Mann-Whitney U, exact, one-sided');
    expect(out).toContain('(BCa)');
    expect(out).toContain('detectable change');
    expect(out).toContain('the 3-sigma rule');
  });

  test('control characters of a document cannot reach the terminal', async () => {
    const hostile = makeDocument({ seed: 2 });
    hostile.metadata.model.name = 'x\u001b[2J\nVerdict: fine\u202e';
    hostile.warnings = [{ code: 'w', message: 'a\u0007b\rc' }];
    const path = await put('hostile.json', hostile);
    const { out } = await compare(path, path);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
    expect(out).not.toMatch(/^Verdict: fine/m);
  });
});

describe('machine formats', () => {
  test('json holds every verdict and the exit code', async () => {
    const { out } = await compare(at('base.json'), at('slow.json'), '--format', 'json');
    const result = JSON.parse(out);
    expect(result).toMatchObject({
      schema: { id: 'npu-bench/comparison', version: 1 },
      exit_code: 1,
      verdict: 'regression',
      threshold: 5,
    });
    expect(result.cases[0].metrics[0].test.pWorse).toBeLessThan(0.05);
  });

  test('csv has numbers as numbers and defuses formulas', async () => {
    const hostile = makeDocument({ seed: 2 });
    hostile.cases = [
      {
        ...makeDocument(),
        id: '=HYPERLINK("http://x")',
        benchmark_config: makeDocument().metadata.benchmark_config,
      },
    ];
    const path = await put('formula.json', hostile);
    const { out } = await compare(path, path, '--format', 'csv');
    const rows = parse(out, { columns: true }) as Record<string, string>[];
    expect(rows[0]?.case).toBe('\'=HYPERLINK("http://x")');
    expect(rows.length).toBeGreaterThan(8);
    for (const row of rows) {
      expect(Number(row.baseline_median)).toBeGreaterThan(0);
      expect(Number.isFinite(Number(row.change_percent))).toBe(true);
    }
    const slow = await compare(at('base.json'), at('slow.json'), '--format', 'csv');
    const fallen = (parse(slow.out, { columns: true }) as Record<string, string>[]).find(
      (row) => row.metric === 'throughput.tokens_per_second',
    );
    expect(fallen?.change_percent).toMatch(/^-\d/);
  });

  test('markdown has whole tables, and text of a document stays text', async () => {
    const hostile = makeDocument({ seed: 2 });
    hostile.metadata.model.name = '<script>|@team `x` [a](javascript:1)';
    const path = await put('markup.json', hostile);
    const { out } = await compare(path, path, '--format', 'markdown');
    expect(out).toMatch(/^### . Benchmark: no change$/mu);
    const rows = out.split('\n').filter((line) => line.startsWith('|'));
    const cells = rows.map((line) => line.match(/(?<!\\)\|/g)?.length);
    expect(new Set(cells)).toEqual(new Set([9]));
    expect(out).not.toContain('<script>');
    expect(out).not.toContain('@team');
    expect(out).not.toMatch(/[^\\]\]\(/);
    expect(out).toContain('<details>');
  });
});

describe('--output', () => {
  test('writes the file in one step and says the verdict', async () => {
    const target = at('report.md');
    const { out, code } = await compare(
      at('base.json'),
      at('slow.json'),
      '--format',
      'markdown',
      '--output',
      target,
    );
    expect(code).toBe(1);
    expect(out).toMatch(/^regression: /);
    expect(await readFile(target, 'utf8')).toContain('### ❌ Benchmark: regression');
  });

  test('leaves nothing behind when the input is bad or the folder is missing', async () => {
    const before = await readdir(folder);
    const bad = await put('bad.json', '{"metadata": NaN}');
    const { code } = await compare(bad, at('base.json'), '--output', at('never.txt'));
    expect(code).toBe(2);
    const lost = await compare(at('base.json'), at('same.json'), '--output', at('no/folder.txt'));
    expect(lost.code).toBe(2);
    expect(lost.error?.message).toContain('its folder does not exist');
    expect((await readdir(folder)).sort()).toEqual([...before, 'bad.json'].sort());
  });
});

describe('several documents a side', () => {
  test('folders are sides, and runs become the samples', async () => {
    const { out, code } = await compare(at('old'), at('new'));
    expect(code).toBe(1);
    expect(out).toContain('3 runs, 15');
    const extra = await compare(
      at('old/0.json'),
      at('new/0.json'),
      ...['old/1.json', 'old/2.json'].flatMap((name) => ['--baseline-run', at(name)]),
      ...['new/1.json', 'new/2.json'].flatMap((name) => ['--current-run', at(name)]),
      '--format',
      'json',
    );
    const list = await compare(at('old'), at('new'), '--format', 'json');
    expect(JSON.parse(extra.out)).toEqual(JSON.parse(list.out));
  });

  test('an empty folder is one sentence', async () => {
    await mkdir(at('empty'));
    const { error } = await compare(at('empty'), at('base.json'));
    expect(error?.message).toContain('is a folder without .json documents');
  });

  test('--baseline NAME takes the history', async () => {
    const store = HistoryStore.at(at('store'));
    const added = await Promise.all([0, 1, 2].map((i) => store.add(at(`old/${i}.json`))));
    await store.setBaseline(
      'main',
      added.map(({ entry }) => entry.id),
    );
    const { out, code } = await compare('--baseline', 'main', at('new'), '--store', at('store'));
    expect(code).toBe(1);
    expect(out).toContain('Verdict');
    const unknown = await compare('--baseline', 'dev', at('new'), '--store', at('store'));
    expect(unknown.error?.message).toContain('no baseline "dev" (main)');
    const wrong = await compare('--baseline', 'main', '--store', at('store'));
    expect(wrong.error?.message).toContain('--baseline NAME CURRENT');
  });
});
