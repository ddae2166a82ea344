import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Workspace, workspace } from '../support/cli.js';

/** The real models, where `./scripts/setup.sh test` has put them. */
const cache =
  process.env.NPU_BENCH_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'npu-bench');
const MINILM = join(cache, 'models', 'all-MiniLM-L6-v2');
const MODEL = join(cache, 'models', 'SmolLM2-135M-Instruct.Q4_1.gguf');
const REAL = { NPU_BENCH_TEST_BINDING: '' };

let space: Workspace;
beforeEach(() => {
  space = workspace();
});
afterEach(() => space.remove());

describe('SmolLM2-135M on the CPU', () => {
  it('says " Paris." first', async () => {
    const prompt = ['--prompt', 'The capital of France is', '--output-length', '16', '--verbose'];
    const result = await space.run(
      [
        'run',
        '--device',
        'cpu',
        '--model',
        MODEL,
        ...prompt,
        '--iterations',
        '2',
        '--output',
        'out.json',
      ],
      REAL,
    );
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/\nGenerated text:\n Paris\./);
    const document = space.document('out.json');
    expect(document.metadata.model).toMatchObject({
      name: 'SmolLM2-135M-Instruct.Q4_1',
      architecture: 'llama',
      quantization: 'Q4_1',
      weights: 'file',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(document.metadata.benchmark_config.prompt_tokens).toHaveLength(5);
    const [first, second] = document.iterations;
    expect(second.token_ids).toEqual(first.token_ids);
    expect(first.cold_start.weight_read_mb).toBeGreaterThan(90);
    expect(document.results.harness.outside_graph_percent).toBeLessThan(0.1);
  });

  it('agrees with the exact reference at f32 at every position of real text', async () => {
    const args = ['verify', '--device', 'cpu', '--model', MODEL, '--precision', 'f32', '--json'];
    const { code, stdout } = await space.run(args, REAL);
    expect(code).toBe(0);
    const accuracy = JSON.parse(stdout);
    expect(accuracy).toMatchObject({ top1_agreement: 1, positions: 256 });
    expect(accuracy.normalized_logit_error).toBeLessThan(1e-4);
    expect(accuracy.perplexity).toBeCloseTo(accuracy.reference_perplexity, 3);
  });
});

describe('MiniLM from its safetensors folder', () => {
  it('is measured in queries per second', async () => {
    const lengths = ['--batch-size', '2', '--input-length', '64', '--iterations', '1'];
    const args = ['run', '--device', 'cpu', '--model', MINILM, ...lengths, '--output', 'out.json'];
    expect((await space.run(args, REAL)).code).toBe(0);
    const { metadata, results } = space.document('out.json');
    expect(metadata.model).toMatchObject({ format: 'safetensors', family: 'encoder' });
    expect(results.throughput.queries_per_second.mean).toBeGreaterThan(0);
  });

  it.each([
    ['f32', 0.9999],
    ['int8', 0.99],
  ])('%s: cosine to the exact embedding', async (precision, least) => {
    const args = [
      'verify',
      '--device',
      'cpu',
      '--model',
      MINILM,
      '--precision',
      precision,
      '--json',
    ];
    const { code, stdout } = await space.run(args, REAL);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).embedding_cosine).toBeGreaterThan(least);
  });
});
