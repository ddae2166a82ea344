import { describe, expect, test } from 'vitest';
import { abbaOrder } from '../../src/ab/order.js';
import { adjustForSpeed, type SpeedSample } from '../../src/ab/reference.js';
import { splitWords } from '../../src/ab/words.js';
import { seededRandom } from '../../src/stats/random.js';
import { normal } from '../fixtures/make.js';

const letters = (n: number) =>
  abbaOrder(n)
    .map((side) => 'AB'[side])
    .join('');

describe('the order of an A/B session', () => {
  test('begins A B B A and turns later blocks', () => {
    expect(letters(2)).toBe('ABBA');
    expect(letters(8)).toBe('ABBABAABBAABABBA');
    expect(letters(1)).toBe('AB');
    expect(letters(3)).toBe('ABBABA');
  });

  test('has both sides equally often', () => {
    for (let n = 1; n < 60; n += 1) {
      const order = abbaOrder(n);
      expect(order).toHaveLength(2 * n);
      expect(order.filter((side) => side === 0)).toHaveLength(n);
    }
  });

  test('meets a steady drift alike on both sides, and a curved one from four samples on', () => {
    const moment = (n: number, power: number) =>
      abbaOrder(n).reduce<number>(
        (sum, side, place) => sum + (side === 0 ? 1 : -1) * place ** power,
        0,
      );
    for (const n of [2, 4, 6, 8, 10, 20]) expect(moment(n, 1)).toBe(0);
    for (const n of [4, 8, 12, 16]) expect(moment(n, 2)).toBe(0);
  });
});

describe('the reference kernel as a covariate', () => {
  const random = seededRandom(3);
  /** Times of a machine whose speed wanders by `wander`, and of a reference that sees it. */
  const side = (n: number, base: number, wander: number): SpeedSample[] =>
    Array.from({ length: n }, () => {
      const speed = Math.exp(wander * normal(random));
      return {
        value: (base / speed) * Math.exp(0.005 * normal(random)),
        speed: { read_bandwidth_gb_s: 30 * speed, f32_gflop_s: 300 },
      };
    });

  test('takes a common slowness out of the effect', () => {
    const adjusted = adjustForSpeed(side(20, 10, 0.1), side(20, 10.3, 0.1));
    expect(adjusted?.by).toBe('read_bandwidth_gb_s');
    expect(adjusted?.adjustedRatio).toBeGreaterThan(1.02);
    expect(adjusted?.adjustedRatio).toBeLessThan(1.04);
    expect(adjusted?.adjustedDeviation).toBeLessThan(0.01);
  });

  test('is left alone where it only adds noise of its own', () => {
    const noisy = (base: number) =>
      side(20, base, 0).map(({ value }) => ({
        value,
        speed: {
          read_bandwidth_gb_s: 30 * Math.exp(0.1 * normal(random)),
          f32_gflop_s: 300 * Math.exp(0.1 * normal(random)),
        },
      }));
    expect(adjustForSpeed(noisy(10), noisy(10.3))).toBeUndefined();
  });

  test('needs a few samples', () => {
    expect(adjustForSpeed(side(3, 10, 0.1), side(3, 10, 0.1))).toBeUndefined();
  });
});

describe('words of a side', () => {
  test.each([
    ['--threads 1', ['--threads', '1']],
    ['  --prompt "a b"  --label=\'x "y"\' ""', ['--prompt', 'a b', '--label=x "y"', '']],
    ['', []],
  ])('%s', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test('an open quote is told', () => {
    expect(() => splitWords('--prompt "a b')).toThrow(/quote is not closed/);
  });
});
