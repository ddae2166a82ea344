import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { register } from '../../src/cli/commands/compare.js';
import { serializeDocument } from '../../src/schema/index.js';
import { makeDocument } from '../fixtures/make.js';

const PER_SIDE = 500;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npu-bench-scale-'));
  for (const [index, side] of ['old', 'new'].entries()) {
    await mkdir(join(folder, side));
    for (let i = 0; i < PER_SIDE; i++) {
      const seed = index * PER_SIDE + i;
      const document = makeDocument({
        seed,
        processes: 20,
        tokens: 128,
        slowness: 1 + 0.1 * index,
      });
      await writeFile(join(folder, side, `${i}.json`), serializeDocument(document));
    }
  }
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

test('1,000 documents of 20 iterations and 128 tokens compare in seconds', async () => {
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const program = new Command().exitOverride();
  register(program);
  const before = process.cpuUsage();
  const memoryBefore = process.memoryUsage().rss;
  await program.parseAsync(['compare', join(folder, 'old'), join(folder, 'new')], { from: 'user' });
  const { user, system } = process.cpuUsage(before);
  const grown = process.memoryUsage().rss - memoryBefore;
  write.mockRestore();
  process.exitCode = 0;
  expect(out).toContain('500 runs, 10000 processes');
  expect(out).toMatch(/Verdict \(threshold 5 %\): regression: cold start \+\d/);
  // Processor time, which other programs on the machine change less than elapsed time.
  expect((user + system) / 1e6).toBeLessThan(6);
  expect(grown).toBeLessThan(400e6);
}, 120_000);
