import { describe, expect, it } from 'vitest';
import { faultOfEnd, isHopeless } from '../../src/run/faults.js';
import { hygieneOf } from '../../src/run/hygiene.js';
import { syntheticPrompt, textPrompt, tokenPrompt } from '../../src/run/prompt.js';
import { processGroups } from '../../src/run/schedule.js';

describe('processes', () => {
  const numbers = (...args: Parameters<typeof processGroups>) =>
    processGroups(...args).map((group) => group.iterations);

  it('one each by default, all in one, or spread evenly', () => {
    expect(numbers(3, 3, new Set())).toEqual([[1], [2], [3]]);
    expect(numbers(3, 1, new Set())).toEqual([[1, 2, 3]]);
    expect(numbers(5, 2, new Set())).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('leave finished iterations out', () => {
    expect(numbers(4, 4, new Set([1, 3]))).toEqual([[2], [4]]);
    expect(numbers(2, 2, new Set([1, 2]))).toEqual([]);
  });
});

describe('prompts', () => {
  it('are the same for the same seed, differ between sequences, and avoid control tokens', () => {
    const prompt = syntheticPrompt(49152, 512, 2, 7);
    expect(syntheticPrompt(49152, 512, 2, 7).ids).toEqual(prompt.ids);
    expect(syntheticPrompt(49152, 512, 2, 8).ids).not.toEqual(prompt.ids);
    expect(prompt.ids.slice(0, 512)).not.toEqual(prompt.ids.slice(512));
    expect(Math.min(...prompt.ids)).toBeGreaterThanOrEqual(1024);
    expect(Math.max(...prompt.ids)).toBeLessThan(49152 - 1024);
  });

  it('of text are cut or repeated to an explicit length', () => {
    const encoded = Int32Array.of(1, 5, 6);
    expect(textPrompt('x', encoded, 1, 2, undefined)).toMatchObject({ length: 3 });
    expect(Array.from(textPrompt('x', encoded, 1, 2, undefined).ids)).toEqual([1, 5, 6, 1, 5, 6]);
    expect(Array.from(textPrompt('x', encoded, 1, 1, 2).ids)).toEqual([1, 5]);
    const long = textPrompt('x', encoded, 1, 1, 7);
    expect(Array.from(long.ids)).toEqual([1, 5, 6, 5, 6, 5, 6]);
    expect(long.fitted).toBe('repeated');
    expect(Array.from(textPrompt('x', encoded, undefined, 1, 5).ids)).toEqual([1, 5, 6, 1, 5]);
  });

  it('of ids stay inside the vocabulary', () => {
    expect(() => tokenPrompt([3, 100], 100, 1)).toThrow(/id 100.*ends at 99/);
  });
});

describe('the end of a child', () => {
  const end = {
    exitCode: null,
    signal: 'SIGKILL',
    phase: 'load' as const,
    oomKilled: false,
    stderr: '',
  };

  it('by the kernel for memory is told from another kill', () => {
    expect(faultOfEnd({ ...end, oomKilled: true }).code).toBe('out-of-memory');
    expect(faultOfEnd(end).code).toBe('killed');
  });

  it('for lack of memory is known by its last words, too', () => {
    const fault = faultOfEnd({ ...end, signal: 'SIGABRT', stderr: 'what(): std::bad_alloc\n' });
    expect(fault.code).toBe('out-of-memory');
    expect(isHopeless(fault)).toBe(true);
  });

  it('quotes the driver, not the stack', () => {
    const stderr =
      'driver: assertion failed: x > 0.\n 1: 0xabc node::Abort\n    at run (worker.cjs:3)\n';
    const { message } = faultOfEnd({ ...end, signal: 'SIGABRT', stderr });
    expect(message).toContain('its last words: driver: assertion failed: x > 0.');
    expect(message).not.toContain('node::Abort');
  });

  it('on Windows shows a crash as an exit code', () => {
    const fault = faultOfEnd({ ...end, signal: null, exitCode: 0xc0000005 });
    expect(fault.code).toBe('crash');
  });
});

it('a snapshot becomes the hygiene block, without what could not be read', () => {
  const hygiene = hygieneOf({
    tNs: 0,
    numbers: {
      'temperature_mc.cpu.x86_pkg_temp': 45000,
      'frequency_hz.policy0': 2.4e9,
      swap_used_bytes: 0,
    },
    texts: {
      'governor.policy0': 'schedutil',
      'governor.policy4': 'schedutil',
      power_source: 'battery',
    },
  });
  expect(hygiene).toEqual({
    temperatures_c: { 'cpu.x86_pkg_temp': 45 },
    frequencies_mhz: { policy0: 2400 },
    governor: 'schedutil',
    swap_used_mb: 0,
    on_battery: true,
  });
});
