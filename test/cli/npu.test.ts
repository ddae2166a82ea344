import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseDocument } from '../../src/schema/read.js';
import { program, type Workspace, workspace } from '../support/cli.js';
import { writeTinyModel } from '../support/tiny-gguf.js';

const REAL = { NPU_BENCH_TEST_BINDING: '' };
/** A loaded machine takes long to start processes. */
const HOOK_MS = 120_000;
const TINY = ['--model', 'tiny.gguf', '--output-length', '8'];

/** The fake QNN runtime, which the native tests build in the addon's tree; absent without them. */
const root = resolve(dirname(program), '../..');
const trees = join(root, 'build/cmake');
const fake = [
  process.env.NPB_FAKE_QNN_DIR ?? '',
  ...(existsSync(trees) ? readdirSync(trees) : []).map((tree) =>
    join(trees, tree, 'native/test/qnn/fake'),
  ),
].find((folder) => existsSync(join(folder, 'libQnnHtp.so')));

let space: Workspace;
beforeEach(() => {
  space = workspace();
  writeTinyModel(space.path('tiny.gguf'));
});
afterEach(() => space.remove());

const run = (args: string[], env: Record<string, string> = {}) =>
  space.run(['run', '--device', 'npu', ...TINY, '--output', 'out.json', ...args], {
    ...REAL,
    ...env,
  });
const onFake = (args: string[], env: Record<string, string> = {}) =>
  run(['--qnn-lib', fake as string, ...args], env);

it('says in one sentence what the NPU lacks, and what to do', async () => {
  const result = await run(['--qnn-lib', space.path('nowhere')]);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain('QNN runtime (libQnnHtp.so) was not found in');
  expect(result.stderr).toContain('npu-bench runtime install qnn');
});

describe.skipIf(fake === undefined)('a fake QNN runtime (built by the native tests)', () => {
  it('gives a full document that says it is simulated', async () => {
    const result = await onFake(['--iterations', '2', '--input-length', '16']);
    expect(result.code).toBe(0);
    const document = parseDocument(readFileSync(space.path('out.json'), 'utf8'), 'out.json');
    expect(document.status).toBe('complete');
    expect(document.metadata.device_info?.simulated).toBe(true);
    for (const iteration of document.iterations) expect(iteration.token_ids).toHaveLength(8);
    expect(JSON.stringify(document.results.placement)).toContain('npu:qnn (simulated)');
  });

  it('chooses the tokens of the exact reference', async () => {
    await onFake(['--iterations', '1', '--prompt-tokens', '5,9,33,7']);
    const npu = space.document('out.json').iterations[0].token_ids;
    const exact = ['run', '--backend', 'reference', '--model', 'tiny.gguf', '--iterations', '1'];
    await space.run(
      [...exact, '--prompt-tokens', '5,9,33,7', '--output-length', '8', '--output', 'exact.json'],
      REAL,
    );
    expect(npu).toEqual(space.document('exact.json').iterations[0].token_ids);
  });

  describe('a context binary', () => {
    const graphs = ['--model', 'x.bin', '--iterations', '2', '--executions', '6'];
    const execute = (args: string[], env: Record<string, string> = {}) =>
      space.run(
        ['run', '--device', 'npu', '--qnn-lib', fake as string, '--output', 'g.json', ...args],
        { ...REAL, ...env },
      );
    /** What the fake runtime keeps of a compiled model is a context binary like any other. */
    let maker: Workspace;
    let binary = '';
    beforeAll(async () => {
      maker = workspace();
      writeTinyModel(maker.path('tiny.gguf'));
      const packed = join(maker.path('cache'), 'packed');
      await maker.run(
        [
          ...['run', '--device', 'npu', '--qnn-lib', fake as string, ...TINY, '--iterations', '1'],
          ...['--input-length', '16', '--packed-cache', 'on', '--output', 'out.json'],
        ],
        { ...REAL, NPU_BENCH_CACHE: maker.path('cache') },
      );
      binary = join(packed, readdirSync(packed).find((name) => name.endsWith('.bin')) as string);
    }, HOOK_MS);
    afterAll(() => maker.remove());
    beforeEach(() => copyFileSync(binary, space.path('x.bin')));

    it('is described by `models inspect`', async () => {
      const args = ['models', 'inspect', 'x.bin', '--qnn-lib', fake as string];
      const { code, stdout } = await space.run(args, REAL);
      expect(code).toBe(0);
      expect(stdout).toMatch(/SoC\s+SM8650/);
      expect(stdout).toMatch(/Graph decode:[\s\S]*in\s+mask\s+float16 \[1, 1, 33\]/);
    });

    it('is executed graph by graph into an ordinary document', async () => {
      const result = await execute([...graphs, '--profile']);
      expect(result.code).toBe(0);
      expect(result.stdout).toMatch(/decode: .*accelerator .* RPC .* host/);
      expect(result.stdout).toContain('prefill/blk.0.attn_q');
      const document = parseDocument(readFileSync(space.path('g.json'), 'utf8'), 'g.json');
      expect(document.status).toBe('complete');
      expect(document.metadata.model.format).toBe('qnn-context');
      expect(document.metadata.benchmark_config.graphs).toEqual(['prefill', 'decode']);
      expect(document.results.graphs?.map(({ execution_ms }) => execution_ms?.n)).toEqual([12, 12]);
      const [first] = document.iterations;
      const sum = first?.graphs?.reduce((all, graph) => all + (graph.execution_ms ?? 0), 0);
      expect(first?.execution_ms).toBeCloseTo(sum ?? 0, 6);
      expect(document.results.latency.execution_ms?.n).toBe(2);
      // Generated inputs are the same in every process, and so are the results.
      expect(new Set(document.iterations.map((one) => one.logits_digest)).size).toBe(1);
      expect(JSON.stringify(document.results.placement)).toContain('shared memory');
    });

    it('is refused with a sentence where it can not be what is asked for', async () => {
      const cases: [string[], RegExp][] = [
        [[...graphs, '--graph', 'other'], /has no graph "other"; it has prefill, decode/],
        [[...graphs, '--input-length', '8'], /--input-length means nothing for a context binary/],
        [[...graphs, '--verify'], /--verify means nothing for a context binary/],
      ];
      for (const [args, message] of cases) {
        const { code, stderr } = await execute(args);
        expect(code).toBe(2);
        expect(stderr).toMatch(message);
      }
      const soc = await execute(graphs, { NPU_BENCH_QNN_SOC: 'SM8750' });
      expect(soc.code).toBe(2);
      expect(soc.stderr).toContain('made for Hexagon v75, but this chip has v79');
      const cpu = await space.run(
        ['run', '--device', 'cpu', '--qnn-lib', fake as string, ...graphs],
        REAL,
      );
      expect(cpu.stderr).toContain('which only the NPU executes, not xnnpack');
    });
  });

  it('prepares a model ahead of time, and the run on that chip starts from it', async () => {
    const shape = ['--model', 'tiny.gguf', '--input-length', '16', '--output-length', '8'];
    const env = { ...REAL, NPU_BENCH_CACHE: space.path('cache') };
    const prepared = await space.run(
      ['prepare', '--soc', 'SM8650', ...shape, '--output', 'p.bin', '--qnn-lib', fake as string],
      env,
    );
    expect(prepared.code).toBe(0);
    expect(prepared.stdout).toContain('SoC SM8650 (Snapdragon 8 Gen 3)');
    const entry = /packed[/\\](qnn-[0-9a-f]+\.bin)/.exec(prepared.stdout)?.[1] as string;
    mkdirSync(join(space.path('cache'), 'packed'), { recursive: true });
    copyFileSync(space.path('p.bin'), join(space.path('cache'), 'packed', entry));
    const run = ['--iterations', '1', '--input-length', '16', '--packed-cache', 'on'];
    const result = await onFake(run, { NPU_BENCH_CACHE: space.path('cache') });
    expect(result.code).toBe(0);
    expect(space.document('out.json').iterations[0].cold_start.packed_cache).toBe('hit');
    expect(readdirSync(join(space.path('cache'), 'packed'))).toEqual([entry]);
    const unknown = await space.run(
      ['prepare', '--soc', 'SM0', ...shape, '--output', 'q.bin', '--qnn-lib', fake as string],
      env,
    );
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('No chip is called "SM0"');
    expect(existsSync(space.path('q.bin'))).toBe(false);
  });

  it("measures a Genie bundle with our clock, and Genie's figures beside it", async () => {
    mkdirSync(space.path('bundle'));
    const dialog = { version: 1, context: { size: 128, 'n-vocab': 64 } };
    writeFileSync(space.path('bundle/genie_config.json'), JSON.stringify({ dialog }));
    const args = ['run', '--device', 'npu', '--qnn-lib', fake as string, '--model', 'bundle'];
    const lengths = ['--prompt-tokens', '5,9,20', '--output-length', '4', '--iterations', '2'];
    const result = await space.run([...args, ...lengths, '--output', 'g.json'], REAL);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/first token: ours .* ms, Genie's 1\.50? ms/);
    const document = parseDocument(readFileSync(space.path('g.json'), 'utf8'), 'g.json');
    expect(document.metadata.model.format).toBe('genie');
    expect(document.metadata.device_info.simulated).toBe(true);
    for (const iteration of document.iterations) {
      expect(iteration.token_ids).toEqual([21, 22, 23, 24]);
      expect(iteration.token_ms).toHaveLength(3);
      expect(iteration.runtime_figures).toMatchObject({ 'time-to-first-token (us)': 1500 });
    }
  });

  it('keeps a document when the library crashes', async () => {
    const crashed = await onFake(['--iterations', '1'], { NPB_FAKE_QNN_CRASH: '5' });
    expect(crashed.code).toBe(5);
    expect(space.document('out.json').status).not.toBe('complete');
  });

  it('ends a library that hangs, and says so in the document', async () => {
    const hung = await onFake(['--iterations', '1', '--timeout', '5'], { NPB_FAKE_QNN_HANG: '1' });
    expect(hung.code).toBe(5);
    expect(JSON.stringify(space.document('out.json'))).toContain('not proved within 5 s');
  });
});
