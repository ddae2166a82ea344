import { describe, expect, test } from 'vitest';
import { axesOf, casesOfAxes } from '../../src/sweep/axes.js';
import { repeatabilityOf, varianceParts } from '../../src/sweep/repeatability.js';

describe('the cases of a sweep', () => {
  test('are every combination, the batch size varying fastest', () => {
    const axes = axesOf({ 'batch-sizes': '1, 4', 'threads-list': '1,2' }, { model: 'x' });
    expect(casesOfAxes(axes).map(({ id }) => id)).toEqual([
      'threads=1 batch_size=1',
      'threads=1 batch_size=4',
      'threads=2 batch_size=1',
      'threads=2 batch_size=4',
    ]);
    expect(casesOfAxes(axes)[2]).toMatchObject({
      label: '2 threads, batch 1',
      changes: { threads: '2', 'batch-size': '1' },
      values: ['2', '1'],
    });
  });

  test('without a list there is one', () => {
    expect(casesOfAxes(axesOf({}, {}))).toMatchObject([{ id: 'single', changes: {} }]);
  });

  test.each([
    [{ 'batch-sizes': '1,,2' }, {}, /--batch-sizes must be values with commas/],
    [{ 'batch-sizes': '1,2,1' }, {}, /--batch-sizes names 1 twice/],
    [{ 'input-lengths': '8' }, { 'input-length': '9' }, /--input-lengths and --input-length both/],
  ])('%o with %o is refused', (lists, common, message) => {
    expect(() => axesOf(lists as Record<string, string>, common)).toThrow(message);
  });
});

describe('variance between and within runs', () => {
  test('known figures of a one-way table', () => {
    // Means 10, 12, 14; within 1: between = (8 − 1) / 2 by hand.
    const parts = varianceParts([[9, 10, 11].map((x) => x), [11, 12, 13], [13, 14, 15]]);
    expect(parts?.mean).toBe(12);
    expect(parts?.within).toBeCloseTo(1, 12);
    expect(parts?.between).toBeCloseTo((12 - 1) / 3, 12);
  });

  test('equal runs differ by nothing, and one run says nothing', () => {
    expect(
      varianceParts([
        [1, 2, 3],
        [1, 2, 3],
      ])?.between,
    ).toBe(0);
    expect(varianceParts([[1, 2, 3], []])).toBeUndefined();
  });

  test('single samples show the runs alone', () => {
    expect(varianceParts([[1], [3]])).toEqual({ mean: 2, between: 2, within: undefined });
  });

  test('simulated runs: both deviations are found again', async () => {
    const { seededRandom } = await import('../../src/stats/random.js');
    const random = seededRandom(5);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const runs = Array.from({ length: 2000 }, () => {
      const level = 100 + 3 * normal();
      return Array.from({ length: 5 }, () => level + 2 * normal());
    });
    const parts = varianceParts(runs);
    expect(Math.sqrt(parts?.between ?? 0)).toBeCloseTo(3, 0);
    expect(Math.abs(Math.sqrt(parts?.between ?? 0) - 3)).toBeLessThan(0.15);
    expect(Math.abs(Math.sqrt(parts?.within ?? 0) - 2)).toBeLessThan(0.06);
  });

  test('cases are told apart by their label', () => {
    const entry = (label: string, run: number, values: number[]) => ({
      id: `${label} run=${run}`,
      label,
      run,
      iterations: values.map((value, i) => ({ iteration: i + 1, first_token_ms: value })),
    });
    const cases = [entry('x', 1, [1, 3]), entry('y', 1, [5]), entry('x', 2, [11, 13])];
    const found = repeatabilityOf(cases as unknown as Parameters<typeof repeatabilityOf>[0]);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ case: 'x', runs: 2, run_means: [2, 12], mean: 7 });
  });
});
