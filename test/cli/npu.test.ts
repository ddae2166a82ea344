import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDocument } from '../../src/schema/read.js';
import { program, type Workspace, workspace } from '../support/cli.js';
import { writeTinyModel } from '../support/tiny-gguf.js';

const REAL = { NPU_BENCH_TEST_BINDING: '' };
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
