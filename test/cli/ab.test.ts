import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDocument } from '../../src/schema/read.js';
import { type Workspace, workspace } from '../support/cli.js';
import { writeTinyModel } from '../support/tiny-gguf.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
});
afterEach(() => space.remove());

const LENGTHS = ['--input-length', '8', '--output-length', '4'];
const COMMON = ['--device', 'cpu', '--model', 'llama-7b', ...LENGTHS, '--output', 'pair'];
const SIDES = ['--a', '--threads 1', '--b', '--threads 2'];

describe('an A/B session', () => {
  it('takes turns in fresh processes and keeps the order in both documents', async () => {
    const result = await space.run(['ab', ...SIDES, ...COMMON, '--iterations', '4']);
    expect(result.stderr).toBe('');
    // The stand-in is a simulated device: nothing is judged.
    expect(result.code).toBe(3);
    expect(result.stdout).toContain('Order: A B B A B A A B');
    expect(result.stdout).toContain('benchmark_config.threads: 1 → 2');
    const documents = ['a', 'b'].map((side) =>
      parseDocument(readFileSync(space.path(`pair.${side}.json`), 'utf8'), side),
    );
    for (const [i, document] of documents.entries()) {
      expect(document.status).toBe('complete');
      expect(document.metadata.benchmark_config.threads).toBe(i + 1);
      expect(document.iterations.map(({ process }) => process)).toEqual([1, 2, 3, 4]);
      const { steps } = document.ab as { steps: { side: string; place: number }[] };
      expect(steps.map(({ side }) => side).join('')).toBe('ABBABAAB');
      for (const iteration of document.iterations) {
        expect(iteration.reference).toMatchObject({ f32_gflop_s: expect.any(Number) });
      }
    }
    expect(documents[0]?.iterations.map(({ place }) => place)).toEqual([0, 3, 5, 6]);
    expect(documents[1]?.iterations.map(({ place }) => place)).toEqual([1, 2, 4, 7]);
  });

  it('gives documents that compare reads as any other', async () => {
    await space.run(['ab', ...SIDES, ...COMMON, '--iterations', '4']);
    const files = ['pair.a.json', 'pair.b.json'];
    expect((await space.run(['compare', ...files])).code).toBe(3);
    const looked = await space.run(['compare', ...files, '--allow-mismatch']);
    expect(looked.stdout).toContain('4 processes');
  });

  it('finds on the built addon that a longer prompt takes longer', async () => {
    writeTinyModel(space.path('tiny.gguf'));
    writeFileSync(space.path('b.json'), '{"input-length": 480}');
    const common = ['--device', 'cpu', '--model', 'tiny.gguf', '--output-length', '4'];
    const sides = ['--a', '--input-length 8', '--b', 'b.json', '--metric', 'first_token_ms'];
    const more = ['--iterations', '6', '--cold-start', 'off', '--output', 'pair', '--json'];
    const args = ['ab', ...sides, ...common, ...more];
    const result = await space.run(args, { NPU_BENCH_TEST_BINDING: '' });
    expect(result.stderr).toBe('');
    expect(result.code).toBe(1);
    const comparison = JSON.parse(result.stdout);
    expect(comparison.verdict).toBe('regression');
    expect(comparison.cases[0].mismatches[0].key).toBe('benchmark_config.input_length');
  });

  it('with a side that crashes keeps the other and tells', async () => {
    const result = await space.run(['ab', ...SIDES, ...COMMON, '--iterations', '2'], {
      NPU_BENCH_FAKE_FAULT: '2:1:segv',
    });
    expect(result.code).toBe(5);
    expect(result.stderr).toMatch(/^npu-bench: B: /);
    expect(space.document('pair.a.json').iterations).toHaveLength(2);
    expect(space.document('pair.b.json').iterations).toHaveLength(1);
  });

  it.each([
    [['--a', '--theads 1', '--b', ''], /--a "--theads 1" is not understood: unknown option/],
    [['--a', '--threads x', '--b', ''], /Side A \(--a\): --threads must be a whole number/],
    [['--a', '--iterations 2', '--b', ''], /A has 2 processes and B has 10/],
    [['--a', 'missing.json', '--b', ''], /missing\.json cannot be read/],
    [['--a', ''], /required option '--b <options>'/],
  ])('%o is a usage error', async (args, message) => {
    const result = await space.run(['ab', ...args, ...COMMON]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(message);
  });
});
