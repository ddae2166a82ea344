import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDocument } from '../../src/schema/read.js';
import { type Workspace, workspace } from '../support/cli.js';
import { writeTinyModel } from '../support/tiny-gguf.js';

/** The program with the addon that was built here: no stand-in. */
const REAL = { NPU_BENCH_TEST_BINDING: '' };
const TINY = ['--model', 'tiny.gguf', '--input-length', '16', '--output-length', '8'];

let space: Workspace;
beforeEach(() => {
  space = workspace();
  writeTinyModel(space.path('tiny.gguf'));
});
afterEach(() => space.remove());

const run = (...args: string[]) => space.run(['run', ...args, '--output', 'out.json'], REAL);

describe('the built addon', () => {
  it('measures a tiny model on the CPU, from a cold start to the last token', async () => {
    const result = await run('--device', 'cpu', ...TINY, '--iterations', '2');
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    const document = parseDocument(readFileSync(space.path('out.json'), 'utf8'), 'out.json');
    expect(document.status).toBe('complete');
    expect(document.warnings.map((warning) => warning.code)).not.toContain('unstable-results');
    for (const iteration of document.iterations) {
      expect(iteration.cold_start_ms).toBeGreaterThan(iteration.first_token_ms as number);
      expect(iteration.token_ids).toHaveLength(8);
      expect(iteration.token_ms).toHaveLength(7);
      expect(iteration.peak_memory_mb).toBeGreaterThanOrEqual(
        iteration.average_memory_mb as number,
      );
      const parts = Object.entries(iteration.cold_start ?? {});
      for (const [name, value] of parts) {
        if (name.endsWith('_ms')) expect(value, name).toBeGreaterThanOrEqual(0);
      }
    }
    expect(document.results.placement?.[0]?.share_percent).toBe(100);
  });

  it('gives the same tokens on the fast backend at f32 and on the exact one', async () => {
    const args = [...TINY, '--iterations', '1', '--prompt', 'hello there'].filter(
      (arg, i, all) => arg !== '--input-length' && all[i - 1] !== '--input-length',
    );
    await run('--backend', 'xnnpack', '--precision', 'f32', ...args);
    const fast = space.document('out.json').iterations[0].token_ids;
    await run('--backend', 'reference', ...args);
    expect(space.document('out.json').iterations[0].token_ids).toEqual(fast);
  });

  it('repeats one prompt over a batch with equal outputs', async () => {
    await run(
      '--device',
      'cpu',
      '--model',
      'tiny.gguf',
      '--prompt',
      'abc',
      '--output-length',
      '4',
      ...['--batch-size', '3', '--iterations', '1'],
    );
    const document = space.document('out.json');
    expect(document.iterations[0].token_ids).toHaveLength(3);
    const codes = document.warnings.map((warning: { code: string }) => warning.code);
    expect(codes).not.toContain('unequal-sequences');
  });

  it('says whether packed weights came from disk', async () => {
    await run('--device', 'cpu', ...TINY, '--iterations', '2', '--packed-cache', 'on');
    const { iterations, warnings } = space.document('out.json');
    const hits = iterations.map(
      (entry: { cold_start: { packed_cache: string } }) => entry.cold_start.packed_cache === 'hit',
    );
    const told = warnings.some((warning: { code: string }) => warning.code === 'packed-cache');
    const written = readdirSync(space.path('cache/packed')).length > 0;
    // A backend that wrote its packed weights must use them; one that has none must be told of.
    expect(hits).toEqual([written, written]);
    expect(told).toBe(!written);
  });

  it('verifies itself against the exact reference', async () => {
    const args = [
      'verify',
      '--device',
      'cpu',
      '--model',
      'tiny.gguf',
      '--precision',
      'f32',
      '--json',
    ];
    const { code, stdout } = await space.run(args, REAL);
    expect(code).toBe(0);
    const accuracy = JSON.parse(stdout);
    expect(accuracy.top1_agreement).toBe(1);
    expect(accuracy.normalized_logit_error).toBeLessThan(1e-4);
  });

  it('refuses a damaged model in one sentence', async () => {
    truncateSync(space.path('tiny.gguf'), 1000);
    const result = await run('--device', 'cpu', ...TINY);
    expect(result.code).toBe(2);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    writeFileSync(space.path('tiny.gguf'), 'not a model');
    expect((await run('--device', 'cpu', ...TINY)).code).toBe(2);
    expect(existsSync(space.path('out.json'))).toBe(false);
  });

  it('that finds too little memory says so, and keeps the document', async () => {
    const limited = `ulimit -v 1400000; exec "$0" "$@"`;
    const args = ['run', '--device', 'cpu', '--model', 'llama-7b', '--iterations', '1'];
    const { program } = await import('../support/cli.js');
    const shell = ['-c', limited, process.execPath, program, ...args, '--output', 'out.json'];
    const environment = { ...process.env, ...REAL, NPU_BENCH_CACHE: space.path('cache') };
    const end = (() => {
      try {
        execFileSync('bash', shell, { cwd: space.folder, env: environment, stdio: 'pipe' });
        return { status: 0, stderr: '' };
      } catch (error) {
        return error as { status: number; stderr: Buffer };
      }
    })();
    expect([2, 5]).toContain(end.status);
    if (existsSync(space.path('out.json'))) {
      expect(space.document('out.json').faults[0].code).toBe('out-of-memory');
    } else {
      expect(String(end.stderr)).toMatch(/memory/i);
    }
  });
});
