import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { register } from '../../src/cli/commands/history.js';
import { runsOf } from '../../src/compare/runs.js';
import { findChangePoints } from '../../src/history/change-points.js';
import { historySeries } from '../../src/history/series.js';
import { HistoryStore } from '../../src/history/store.js';
import { findMetric, type Metric, writeDocument } from '../../src/schema/index.js';
import { seededRandom } from '../../src/stats/random.js';
import { makeDocument, normal } from '../fixtures/make.js';

// Property tests and synced files take their time on a machine that does other things.
vi.setConfig({ testTimeout: 60_000 });

const NEXT = findMetric('latency.subsequent_token_ms') as Metric;

function series(levels: readonly number[], noise: number, seed = 1): number[] {
  const random = seededRandom(seed);
  return levels.map((level) => level * Math.exp(noise * normal(random)));
}

const level = (n: number, value: number) => new Array<number>(n).fill(value);

describe('change points', () => {
  test('a step is found where it is, with both levels', () => {
    const steps = findChangePoints(series([...level(20, 100), ...level(15, 110)], 0.01));
    expect(steps).toHaveLength(1);
    expect(steps[0]?.index).toBe(20);
    expect(steps[0]?.ratio).toBeCloseTo(1.1, 1);
  });

  test('a step in the newest two runs is found, a single bad run is not', () => {
    const values = series(level(20, 100), 0.01);
    expect(findChangePoints([...values, 112, 113])[0]?.index).toBe(20);
    expect(findChangePoints([...values, 130])).toEqual([]);
    expect(findChangePoints([...values.slice(0, 10), 150, ...values.slice(10)])).toEqual([]);
  });

  test('a bump has two steps', () => {
    const values = series([...level(12, 100), ...level(6, 120), ...level(12, 100)], 0.01);
    expect(findChangePoints(values).map((step) => step.index)).toEqual([12, 18]);
  });

  test('short, constant and flat series have none', () => {
    expect(findChangePoints([1, 2, 3, 4, 5])).toEqual([]);
    expect(findChangePoints(level(50, 7))).toEqual([]);
    expect(findChangePoints(series(level(60, 100), 0.03, 4))).toEqual([]);
  });

  test('the scale of a series does not matter', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.double({ min: 1e-3, max: 1e4, noNaN: true }), (seed, scale) => {
        const values = series([...level(15, 1), ...level(15, 1.08)], 0.02, seed);
        const scaled = findChangePoints(values.map((value) => value * scale));
        expect(scaled.map((step) => step.index)).toEqual(
          findChangePoints(values).map((step) => step.index),
        );
      }),
      { numRuns: 50 },
    );
  });
});

test('a series orders runs by time and carries their commits', () => {
  const runs = [3, 1, 2].map((day) => {
    const document = makeDocument({ seed: day, timestamp: `2026-03-0${day}T12:00:00Z` });
    const [run] = runsOf(document, `${day}.json`);
    if (!run) throw new Error('no run');
    return { id: `run-${day}`, commit: `c${day}`, run };
  });
  const { points } = historySeries(runs, NEXT);
  expect(points.map((point) => point.commit)).toEqual(['c1', 'c2', 'c3']);
  for (const point of points) {
    expect(point.low).toBeLessThan(point.value);
    expect(point.high).toBeGreaterThan(point.value);
  }
});

describe('the store', () => {
  let folder: string;
  let root: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'npu-bench-history-'));
    root = join(folder, 'store');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const put = async (day: number, slowness = 1) => {
    const path = join(folder, `${day}.json`);
    const timestamp = new Date(Date.UTC(2026, 2, day, 12)).toISOString();
    await writeDocument(path, makeDocument({ seed: day, slowness, timestamp, noise: 0.01 }));
    return path;
  };

  async function history(...args: string[]): Promise<string> {
    let out = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    });
    try {
      const program = new Command().exitOverride();
      register(program);
      await program.parseAsync(['history', ...args, '--store', root], { from: 'user' });
      return out;
    } finally {
      write.mockRestore();
    }
  }

  test('adds once, lists in order of time, names baselines', async () => {
    const [second, first] = [await put(2), await put(1)];
    expect(await history('add', second, first, '--commit', 'abc123', '--label', 'nightly')).toMatch(
      /added\n.*added\n$/,
    );
    expect(await history('add', first)).toContain('already there');
    const ids = (await history('list')).split('\n').map((line) => line.split(' ')[0]);
    expect(ids[0]).toMatch(/^20260301T120000Z-[0-9a-f]{8}$/);
    expect(ids[1]).toMatch(/^20260302/);
    await history('baseline', 'set', 'main', ids[0] ?? '');
    expect(await history('list')).toMatch(/^20260301.* abc123 nightly \[main\]$/m);
    const listed = JSON.parse(await history('list', '--json'));
    expect(listed.baselines.main).toEqual([ids[0]]);
    await history('baseline', 'set', 'latest', '--last', '2');
    const store = HistoryStore.at(root);
    expect(await store.baselineFiles('latest')).toHaveLength(2);
  });

  test('show says in which run a metric stepped', async () => {
    for (let day = 1; day <= 14; day++) {
      await history('add', await put(day, day > 8 ? 1.15 : 1), '--commit', `commit${day}`);
    }
    const out = await history('show', '--metric', 'subsequent_token_ms');
    expect(out).toContain('llama-7b int8 b1 512+16, npu Qualcomm Hexagon NPU (qnn)');
    expect(out).toMatch(/got worse by \+1[456]\.\d % .* in 20260309T\S+ \(commit9\)/);
    expect(out.match(/got worse/g)).toHaveLength(1);
    const [json] = JSON.parse(
      await history('show', '--metric', 'subsequent_token_ms', '--format', 'json'),
    );
    expect(json.changePoints[0].index).toBe(8);
    const page = join(folder, 'trend.html');
    await history('show', '--format', 'html', '--output', page);
    const html = await readFile(page, 'utf8');
    expect(html.match(/<svg/g)?.length).toBeGreaterThanOrEqual(5);
    expect(html).toContain('commit9');
    expect(html).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  });

  test('parallel writers lose nothing', async () => {
    const paths = await Promise.all([1, 2, 3, 4, 5, 6].map((day) => put(day)));
    await Promise.all(paths.map(async (path) => HistoryStore.at(root).add(path)));
    const store = HistoryStore.at(root);
    expect((await store.index()).entries).toHaveLength(6);
    expect((await readdir(root)).sort()).toEqual(['documents', 'index.json']);
  });

  test('a lock left behind by a dead process is taken over', async () => {
    await mkdir(join(root, 'lock'), { recursive: true });
    const old = new Date(Date.now() - 120_000);
    await utimes(join(root, 'lock'), old, old);
    expect(await history('add', await put(1))).toContain('added');
  });

  test('bad input is one sentence', async () => {
    const broken = join(folder, 'broken.json');
    await writeFile(broken, '{"a":');
    await expect(history('add', broken)).rejects.toThrow(/broken\.json is not JSON/);
    await expect(history('baseline', 'set', 'x')).rejects.toThrow('is empty');
    await expect(history('baseline', 'set', 'x', 'nothing')).rejects.toThrow('no entry');
    await expect(history('show', '--metric', 'speed')).rejects.toThrow('is no metric');
    await history('add', await put(1));
    await expect(history('baseline', 'set', 'x', '--last', '0')).rejects.toThrow('whole number');
    await writeFile(join(root, 'index.json'), '{"entries": 3}');
    await expect(history('list')).rejects.toThrow('is no history index');
    await writeFile(join(root, 'index.json'), 'garbage');
    await expect(history('list')).rejects.toThrow('it is not JSON');
  });

  test('an empty history says what to do', async () => {
    expect(await history('list')).toContain('history add FILE');
    await expect(history('show')).rejects.toThrow('history add FILE');
  });
});
