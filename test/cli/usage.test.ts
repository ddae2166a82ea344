import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SMALL, type Workspace, workspace } from '../support/cli.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
});
afterEach(() => space.remove());

async function refusal(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await space.run(args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  return stderr;
}

describe('usage errors', () => {
  it.each([
    [['--iterations', '0'], /--iterations must be a whole number from 1/],
    [['--iterations', 'five'], /--iterations .* not "five"/],
    [['--batch-size', '1.5'], /--batch-size/],
    [['--device', 'tpu'], /--device must be npu, cpu or gpu, not "tpu"\. Did you mean "npu"\?/],
    [['--backend', 'vulcan'], /no backend "vulcan".*Did you mean "vulkan"/],
    [['--backend', 'vulkan'], /runs on the gpu, not on the cpu/],
    [['--precision', 'int3'], /Did you mean "int8"|Did you mean "int4"/],
    [['--cache', 'clear'], /--cache must be drop or keep/],
    [['--cold-start', 'maybe'], /--cold-start must be on or off/],
    [['--prompt-tokens', '5,x'], /--prompt-tokens must be token ids/],
    [['--prompt-tokens', '5,5000'], /vocabulary ends at 4095/],
    [['--prompt-tokens', '5,6', '--input-length', '3'], /leave --input-length out/],
    [['--prompt', 'a', '--prompt-tokens', '5'], /leave one out/],
    [['--processes', '9'], /more than --iterations/],
    [['--cooldown', 'soon'], /--cooldown must be a time such as 30s/],
    [['--output-length', '5000'], /holds at most 2048 tokens/],
    [['--model', 'lama-7b'], /no model "lama-7b".*Did you mean "llama-7b"/],
    [['--model', './none.gguf'], /\.\/none\.gguf does not exist/],
    [['--output', '.'], /is a folder/],
    [['--output', '/proc/none/x.json'], /cannot be written/],
    [['--devise', 'cpu'], /unknown option '--devise'\n\(Did you mean --device\?\)/],
    [['--n-gen', '3'], /here it is called --output-length/],
  ])('%j', async (args, message) => {
    const prompt = args.some((arg) => arg.startsWith('--prompt'));
    const base = prompt ? ['run', '--device', 'cpu', '--model', 'llama-7b'] : SMALL;
    expect(await refusal([...base, ...args])).toMatch(message);
  });

  it('asks for the model', async () => {
    expect(await refusal(['run', '--device', 'cpu'])).toMatch(/--model is missing/);
  });

  it('suggests a command', async () => {
    expect(await refusal(['rnu'])).toMatch(/unknown command 'rnu'\n\(Did you mean run\?\)/);
  });
});

describe('the config file', () => {
  it('gives options by either spelling, and the command line wins', async () => {
    const file = space.path('run.json');
    writeFileSync(
      file,
      JSON.stringify({
        model: 'llama-7b',
        input_length: 8,
        'output-length': 9,
        iterations: 1,
        'cold-start': false,
      }),
    );
    const args = [
      'run',
      '--config',
      file,
      '--device',
      'cpu',
      '--output-length',
      '4',
      '--output',
      'out.json',
    ];
    expect(await space.run(args)).toMatchObject({ code: 0 });
    expect(space.document('out.json').metadata.benchmark_config).toMatchObject({
      iterations: 1,
      input_length: 8,
      output_length: 4,
      cold_start: false,
    });
  });

  it.each([
    [
      '{"model": "llama-7b", "iteration": 3}',
      /unknown key "iteration"\. Did you mean "iterations"/,
    ],
    [
      '{"model": "llama-7b", "iterations": "many"}',
      /"iterations" in .*run\.json must be a whole number/,
    ],
    ['[1]', /must hold one object/],
    ['{', /is not JSON/],
  ])('%s is refused', async (text, message) => {
    const file = space.path('run.json');
    writeFileSync(file, text);
    expect(await refusal(['run', '--config', file, '--device', 'cpu'])).toMatch(message);
  });
});

describe('models by name', () => {
  it('finds a file by its first words before a preset', async () => {
    mkdirSync(space.path('models'));
    writeFileSync(space.path('models/Llama-7B-chat.Q4_0.gguf'), 'GGUF');
    const args = [...SMALL, '--iterations', '1', '--model-dir', 'models'];
    expect(await space.run(args)).toMatchObject({ code: 0 });
    expect(space.document('out.json').metadata.model.path).toMatch(/Llama-7B-chat\.Q4_0\.gguf$/);
    writeFileSync(space.path('models/llama-7b-base.gguf'), 'GGUF');
    expect(await refusal(args)).toMatch(/fits several files/);
  });

  it('refuses --quantization for a file', async () => {
    writeFileSync(space.path('m.gguf'), 'GGUF');
    expect(await refusal([...SMALL, '--model', 'm.gguf', '--quantization', 'int4'])).toMatch(
      /holds its own/,
    );
  });
});

describe('help', () => {
  it('names every command', async () => {
    const { code, stdout } = await space.run(['--help']);
    expect(code).toBe(0);
    for (const command of ['run', 'compare', 'export', 'devices', 'doctor', 'models', 'verify']) {
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
  });

  it('is what a call without arguments prints, with exit code 2', async () => {
    expect(await space.run([])).toMatchObject({ code: 2, stdout: '' });
  });
});
