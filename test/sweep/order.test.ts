import { describe, expect, test } from 'vitest';
import { interleave, type Turn } from '../../src/run/interleave.js';
import { sweepOrder } from '../../src/sweep/order.js';

describe('the order of a sweep', () => {
  test('has every process of every case exactly once', () => {
    for (const kind of ['random', 'interleaved', 'sequential'] as const) {
      expect(sweepOrder(kind, [3, 0, 1, 2], 7).sort()).toEqual([0, 0, 0, 2, 3, 3]);
    }
  });

  test('sequential finishes a case first; interleaved goes round', () => {
    expect(sweepOrder('sequential', [2, 3], 0)).toEqual([0, 0, 1, 1, 1]);
    expect(sweepOrder('interleaved', [2, 3], 0)).toEqual([0, 1, 0, 1, 1]);
  });

  test('random shuffles within rounds, by its seed alone', () => {
    const order = sweepOrder('random', [4, 4, 4, 4], 1);
    for (let round = 0; round < 4; round += 1) {
      expect(order.slice(4 * round, 4 * round + 4).sort()).toEqual([0, 1, 2, 3]);
    }
    expect(sweepOrder('random', [4, 4, 4, 4], 1)).toEqual(order);
    const others = [2, 3, 4, 5].map((seed) => sweepOrder('random', [4, 4, 4, 4], seed).join());
    expect(new Set([order.join(), ...others]).size).toBeGreaterThan(3);
  });

  test('no case is favoured: each comes first in its round equally often', () => {
    const firsts = [0, 0, 0];
    for (let seed = 0; seed < 3000; seed += 1) {
      firsts[sweepOrder('random', [1, 1, 1], seed)[0] as number] += 1;
    }
    for (const count of firsts) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});

describe('taking turns', () => {
  function player(log: string[], name: string, turns: number, fail = false) {
    return async (turn: Turn) => {
      log.push(`${name} ready`);
      for (let k = 0; k < turns; k += 1) {
        const place = await turn();
        log.push(`${name}${k} begins at ${place}`);
        await new Promise((resolve) => setTimeout(resolve, 3));
        log.push(`${name}${k} ends`);
        if (fail) throw new Error('broken');
      }
      return name;
    };
  }

  test('runs one process at a time, in the order given', async () => {
    const log: string[] = [];
    const result = await interleave([0, 1, 1, 0], [player(log, 'a', 2), player(log, 'b', 2)]);
    expect(result).toEqual(['a', 'b']);
    const steps = ['a0', 'b0', 'b1', 'a1'].flatMap((name, place) => [
      `${name} begins at ${place}`,
      `${name} ends`,
    ]);
    expect(log).toEqual(['a ready', 'b ready', ...steps]);
  });

  test('one that ends early is passed over; one that needs more gets it', async () => {
    const log: string[] = [];
    await interleave([0, 1, 0, 1], [player(log, 'a', 1), player(log, 'b', 3)]);
    expect(log.filter((line) => line.includes('begins'))).toEqual([
      'a0 begins at 0',
      'b0 begins at 1',
      'b1 begins at 2',
      'b2 begins at 3',
    ]);
  });

  test('a failure ends the whole', async () => {
    const log: string[] = [];
    const both = [player(log, 'a', 2, true), player(log, 'b', 2)];
    await expect(interleave([0, 1, 0, 1], both)).rejects.toThrow('broken');
    expect(log).not.toContain('b0 begins at 1');
  });
});
