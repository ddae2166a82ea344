import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDocument } from '../../src/schema/read.js';
import { finished, SMALL, type Workspace, workspace } from '../support/cli.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
});
afterEach(() => space.remove());

const iterationNumbers = (document: { iterations: { iteration: number }[] }) =>
  document.iterations.map((entry) => entry.iteration);

describe('a run', () => {
  it('gives each iteration a process of its own: cold start, warm-up, recorded iteration', async () => {
    const result = await space.run([...SMALL, '--iterations', '2', '--warmup', '1']);
    expect(result.code).toBe(0);
    const once = [
      'sampler start',
      'open xnnpack',
      'run 1',
      'run 4',
      'run 4',
      'sampler stop',
      'close',
    ];
    const idle = ['sampler start', 'sampler stop'];
    expect(space.log()).toEqual([...idle, ...once, ...once]);
    const document = space.document('out.json');
    expect(document.status).toBe('complete');
    expect(document.iterations.map((entry: { process: number }) => entry.process)).toEqual([1, 2]);
  });

  it('measures everything in one process with --processes 1', async () => {
    await space.run([...SMALL, '--iterations', '3', '--warmup', '2', '--processes', '1']);
    const log = space.log();
    expect(log.filter((line) => line === 'open xnnpack')).toHaveLength(1);
    expect(log.filter((line) => line === 'run 4')).toHaveLength(5);
    const document = space.document('out.json');
    expect(document.metadata.benchmark_config.processes).toBe(1);
    const starts = document.iterations.map(
      (entry: { cold_start_ms: unknown }) => entry.cold_start_ms,
    );
    expect(starts).toEqual([expect.any(Number), null, null]);
  });

  it('leaves the cold start out with --cold-start off, and says why it is null', async () => {
    await space.run([...SMALL, '--iterations', '1', '--cold-start', 'off']);
    expect(space.log()).not.toContain('run 1');
    const document = space.document('out.json');
    expect(document.results.latency.cold_start_ms).toBeNull();
    expect(document.unavailable).toContainEqual(
      expect.objectContaining({ metric: 'latency.cold_start_ms' }),
    );
  });

  it('drops the model file from the page cache before every process', async () => {
    writeFileSync(space.path('m.gguf'), 'GGUF');
    await space.run([...SMALL, '--model', 'm.gguf', '--iterations', '2']);
    expect(space.log().filter((line) => line === 'drop m.gguf')).toHaveLength(2);
    const [first] = space.document('out.json').iterations;
    expect(first.cold_start.page_cache).toBe('dropped');
    await space.run([...SMALL, '--model', 'm.gguf', '--iterations', '1', '--cache', 'keep']);
    expect(space.log().filter((line) => line === 'drop m.gguf')).toHaveLength(2);
    expect(space.document('out.json').iterations[0].cold_start.page_cache).toBe('kept');
  });

  it('writes a packed cache in a process of its own first', async () => {
    await space.run([...SMALL, '--iterations', '1', '--packed-cache', 'on']);
    const opens = space.log().filter((line) => line === 'open xnnpack');
    expect(opens).toHaveLength(2);
    expect(space.log().indexOf('close')).toBeLessThan(space.log().indexOf('run 1'));
  });

  it('makes a document that its own reader accepts and that says it is fake', async () => {
    const { stdout } = await space.run([...SMALL, '--iterations', '1']);
    const document = parseDocument(JSON.stringify(space.document('out.json')), 'out.json');
    expect(document.metadata.device_info.simulated).toBe(true);
    expect(document.warnings.map((warning) => warning.code)).toContain('fake-addon');
    expect(stdout).toContain('mean nothing');
  });

  it('prints the document alone with --json and writes no file of its own accord', async () => {
    const args = SMALL.slice(0, -2);
    const { stdout, stderr } = await space.run([...args, '--iterations', '1', '--json']);
    expect(JSON.parse(stdout).status).toBe('complete');
    expect(stderr).toBe('');
    await expect(space.run(['compare', 'results', 'results'])).resolves.toMatchObject({ code: 2 });
  });

  it('adds up the phases of a cold start to its whole', async () => {
    await space.run([...SMALL, '--iterations', '1']);
    const [{ cold_start: start, cold_start_ms: whole }] = space.document('out.json').iterations;
    const sum = Object.entries(start)
      .filter(([key]) => key.endsWith('_ms'))
      .reduce((total, [, value]) => total + (value as number), 0);
    expect(sum).toBeCloseTo(whole, 6);
  });

  it('follows a text prompt, and says when it was fitted to a length', async () => {
    writeFileSync(space.path('m.gguf'), 'GGUF');
    const args = [...SMALL.slice(0, 3), '--model', 'm.gguf', '--output', 'out.json'];
    const prompt = ['--iterations', '1', '--output-length', '2', '--prompt', 'one three five'];
    await space.run([...args, ...prompt]);
    const plain = space.document('out.json');
    expect(plain.metadata.benchmark_config.input_length).toBe(4);
    expect(plain.metadata.benchmark_config.prompt_tokens).toEqual([1, 13, 15, 14]);
    await space.run([...args, ...prompt, '--input-length', '6']);
    const fitted = space.document('out.json');
    expect(fitted.metadata.benchmark_config.prompt_tokens).toEqual([1, 13, 15, 14, 13, 15]);
    expect(fitted.warnings.map((warning: { code: string }) => warning.code)).toContain(
      'prompt-fitted',
    );
  });

  it('reports queries per second for an embedding model', async () => {
    const args = ['run', '--device', 'cpu', '--model', 'bge-small', '--output', 'out.json'];
    const { stdout } = await space.run([...args, '--iterations', '1', '--batch-size', '4']);
    const { results } = space.document('out.json');
    expect(results.throughput.queries_per_second.mean).toBeGreaterThan(0);
    expect(results.throughput.tokens_per_second).toBeNull();
    expect(stdout).toContain('queries/sec');
  });

  it('warns when the same prompt gives different tokens', async () => {
    await space.run([...SMALL, '--iterations', '2'], { NPU_BENCH_FAKE_MODE: 'unstable' });
    const codes = space
      .document('out.json')
      .warnings.map((warning: { code: string }) => warning.code);
    expect(codes).toContain('unstable-results');
  });

  it('measures nothing on a device that computes something else, and says so', async () => {
    const result = await space.run([...SMALL, '--iterations', '2'], {
      NPU_BENCH_FAKE_MODE: 'wrong-result',
    });
    expect(result.code).toBe(5);
    expect(space.log()).not.toContain('open xnnpack');
    const document = space.document('out.json');
    expect(document.status).toBe('failed');
    expect(document.iterations).toEqual([]);
    expect(document.results.proof.passed).toBe(false);
    expect(document.results.throughput.tokens_per_second ?? null).toBeNull();
    expect(document.faults).toEqual([expect.objectContaining({ code: 'wrong-result' })]);
    expect(`${result.stdout}${result.stderr}`).toContain('computes something else');
  });

  it('adds the profile of a run of its own', async () => {
    await space.run([...SMALL, '--iterations', '1', '--profile']);
    expect(space.log().filter((line) => line === 'open xnnpack')).toHaveLength(2);
    expect(space.document('out.json').results.profile).toEqual([
      expect.objectContaining({ node: 'blk.0.attn_q', total_ms: 0.001 }),
    ]);
  });
});

describe('a missing device', () => {
  it('is one sentence with what is missing and what can be used, without a fallback', async () => {
    const { code, stderr, stdout } = await space.run(['run', '--model', 'llama-7b']);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/NPU cannot be measured.*libQnnHtp\.so was not found\. Install the QNN/);
    expect(stderr).toContain('--device cpu (Fake CPU)');
  });
});

describe('a failing child', () => {
  const kinds = [
    ['segv', 'crash', /SIGSEGV/],
    ['abort', 'crash', /SIGABRT/],
    ['exit', 'exit', /exited with code 3/],
    ['kill', 'killed', /SIGKILL/],
    ['hang', 'timeout', /--timeout/],
    ['device_lost', 'device-lost', /device_lost/],
  ] as const;
  it.each(kinds)('%s in iteration 2 of 3 costs that iteration only', async (kind, code, words) => {
    // Long enough for a process to start on a busy machine.
    const result = await space.run([...SMALL, '--iterations', '3', '--timeout', '10'], {
      NPU_BENCH_FAKE_FAULT: `2:3:${kind}`,
    });
    expect(result.code).toBe(5);
    const document = space.document('out.json');
    expect(document.status).toBe('partial');
    expect(iterationNumbers(document)).toEqual([1, 3]);
    expect(document.faults).toEqual([expect.objectContaining({ code, iterations: [2] })]);
    expect(document.faults[0].message).toMatch(words);
    expect(result.stdout).toContain('Fault (');
  });

  it('ends the run when memory ran out, because the next process would meet the same', async () => {
    const result = await space.run([...SMALL, '--iterations', '5'], {
      NPU_BENCH_FAKE_FAULT: '2:3:out_of_memory',
    });
    expect(result.code).toBe(5);
    expect(iterationNumbers(space.document('out.json'))).toEqual([1]);
  });

  it('gives up after two failures in a row', async () => {
    // No log: every process takes itself for the first one.
    const result = await space.run([...SMALL, '--iterations', '5'], {
      NPU_BENCH_FAKE_FAULT: '1:1:segv',
      NPU_BENCH_FAKE_LOG: '',
    });
    expect(result.code).toBe(5);
    const document = space.document('out.json');
    expect(document.status).toBe('failed');
    expect(document.faults).toHaveLength(2);
  });

  it('that cannot open the model is a usage error, not a document', async () => {
    const result = await space.run(SMALL, { NPU_BENCH_FAKE_FAULT: '1:0:invalid_model' });
    expect(result.code).toBe(2);
    expect(result.stderr).toBe('npu-bench: The fake device says invalid_model.\n');
    expect(() => space.document('out.json')).toThrow(/ENOENT/);
  });
});

describe('an interrupted run', () => {
  async function interruptInThird(): Promise<Awaited<ReturnType<typeof finished>>> {
    const child = space.start([...SMALL, '--iterations', '5'], {
      NPU_BENCH_FAKE_FAULT: '3:3:hang',
    });
    const end = finished(child);
    const watch = setInterval(() => {
      if (space.log().includes('fault hang')) {
        clearInterval(watch);
        child.kill('SIGINT');
      }
    }, 50);
    return end;
  }

  it('keeps the finished iterations and goes on with --resume', async () => {
    // The log appears with the first call.
    await space.run([...SMALL, '--iterations', '1']);
    writeFileSync(space.path('calls.log'), '');
    const result = await interruptInThird();
    expect(result.code).toBe(130);
    const partial = space.document('out.json');
    expect(partial.status).toBe('partial');
    expect(iterationNumbers(partial)).toEqual([1, 2]);

    const resumed = await space.run([...SMALL, '--iterations', '5', '--resume']);
    expect(resumed.code).toBe(0);
    const whole = space.document('out.json');
    expect(whole.status).toBe('complete');
    expect(iterationNumbers(whole)).toEqual([1, 2, 3, 4, 5]);
    expect(whole.iterations.slice(0, 2)).toEqual(partial.iterations);
  }, 180_000);

  it('is left in peace by a Ctrl-C that reaches every process of the terminal', async () => {
    await space.run([...SMALL, '--iterations', '1']);
    writeFileSync(space.path('calls.log'), '');
    const child = space.start([...SMALL, '--iterations', '5'], {
      NPU_BENCH_FAKE_FAULT: '2:3:hang',
    });
    const end = finished(child);
    const watch = setInterval(() => {
      if (!space.log().includes('fault hang')) return;
      clearInterval(watch);
      process.kill(-(child.pid as number), 'SIGINT');
    }, 50);
    expect(await end).toMatchObject({ code: 130, stderr: expect.stringContaining('are kept') });
    expect(iterationNumbers(space.document('out.json'))).toEqual([1]);
  });

  it('is not resumed with other settings', async () => {
    await space.run([...SMALL, '--iterations', '1']);
    const result = await space.run([...SMALL, '--iterations', '2', '--resume', '--seed', '5']);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/another seed/);
  });
});
