import { describe, expect, it } from 'vitest';
import { parseRunOptions } from '../../src/config/options.js';
import { closest } from '../../src/config/suggest.js';

const parse = (raw: Record<string, unknown>) => parseRunOptions({ model: 'm', ...raw });

describe('run options', () => {
  it('have the defaults of the specification', () => {
    expect(parse({})).toMatchObject({
      iterations: 5,
      'batch-size': 1,
      'output-length': 128,
      warmup: 1,
      precision: 'auto',
      cache: 'drop',
      'cold-start': true,
    });
    // These depend on the prompt, the machine and the number of iterations.
    for (const key of ['device', 'input-length', 'threads', 'processes'] as const) {
      expect(parse({})[key], key).toBeUndefined();
    }
  });

  it('take text from the command line and values from a file alike', () => {
    expect(parse({ iterations: '7', 'prompt-tokens': '5,9' })).toMatchObject({
      iterations: 7,
      'prompt-tokens': [5, 9],
    });
    expect(parse({ iterations: 7, 'prompt-tokens': [5, 9], 'cold-start': false })).toMatchObject({
      iterations: 7,
      'prompt-tokens': [5, 9],
      'cold-start': false,
    });
  });

  it.each([
    ['30', { seconds: 30 }],
    ['30s', { seconds: 30 }],
    ['45C', { celsius: 45 }],
    ['45.5 °C', { celsius: 45.5 }],
  ])('--cooldown %s', (text, cooldown) => {
    expect(parse({ cooldown: text }).cooldown).toEqual(cooldown);
  });

  it.each([
    [{ warmup: '' }, /--warmup must be a whole number from 0/],
    [{ warmup: '1e9' }, /--warmup/],
    [{ 'sample-interval': '0' }, /--sample-interval must be milliseconds/],
    [{ timeout: '-1' }, /--timeout must be seconds above 0/],
    [{ quantization: 'int9' }, /--quantization must be int8, int4/],
    [{ verbose: 'yes' }, /--verbose must be true or false, not "yes"/],
    [{ prompt: ' ' }, /--prompt must not be empty/],
    [{ resume: true }, /name it with --output/],
  ])('%j is refused', (raw, message) => {
    expect(() => parse(raw)).toThrow(message);
  });
});

describe('a suggestion', () => {
  const names = ['iterations', 'input-length', 'output-length', 'warmup'];
  it.each([
    ['iteration', 'iterations'],
    ['iteratoins', 'iterations'],
    ['output-lenght', 'output-length'],
    ['WARMUP', 'warmup'],
    ['banana', undefined],
  ])('for %s is %s', (word, expected) => {
    expect(closest(word, names)).toBe(expected);
  });
});
