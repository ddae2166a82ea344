import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  autocorrelation,
  bootstrapInterval,
  cliffsDelta,
  drift,
  findLaunchStates,
  fisherExact,
  hodgesLehmann,
  holm,
  isAutocorrelated,
  madOutliers,
  mannWhitney,
  mean,
  median,
  minimumDetectableRatio,
  normalCdf,
  normalQuantile,
  quantile,
  ratioOfMediansInterval,
  samplesNeeded,
  seededRandom,
  sigmaOutliers,
  smallestP,
  studentQuantile,
  studentUpper,
  sum,
  summarize,
  welch,
  welchInterval,
} from '../../src/stats/index.js';

const value = fc.double({ min: 0.001, max: 1e6, noNaN: true });
const sample = fc.array(value, { minLength: 2, maxLength: 30 });

describe('summary', () => {
  test('orders its figures and does not depend on the order of samples', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), (values) => {
        const block = summarize(values);
        if (!block) throw new Error('no block');
        const slack = 1e-12 * block.max;
        const order = [block.min, block.median, block.p90, block.p95, block.p99, block.max];
        const present = order.filter((entry) => entry !== undefined);
        expect(present).toEqual([...present].sort((a, b) => a - b));
        expect(block.mean).toBeGreaterThanOrEqual(block.min - slack);
        expect(block.mean).toBeLessThanOrEqual(block.max + slack);
        const { outliers: _, ...figures } = block;
        const { outliers: __, ...reversed } = summarize([...values].reverse()) ?? {};
        for (const [key, figure] of Object.entries(figures)) {
          expect(reversed[key]).toBeCloseTo(figure as number, 6);
        }
      }),
    );
  });

  test('of nothing is nothing, of one value has no interval', () => {
    expect(summarize([])).toBeUndefined();
    expect(summarize([3])).toEqual({ mean: 3, std: 0, min: 3, max: 3, median: 3, n: 1 });
  });

  test('tells a percentile only when samples lie beyond it', () => {
    expect(summarize([1, 2, 3, 4, 5])).not.toHaveProperty('p90');
    expect(summarize(Array.from({ length: 10 }, (_, i) => i))).toHaveProperty('p90', 8.1);
    expect(summarize(Array.from({ length: 99 }, (_, i) => i))).not.toHaveProperty('p99');
    expect(summarize(Array.from({ length: 100 }, (_, i) => i))).toHaveProperty('p99');
  });

  test('names outliers by the given labels', () => {
    expect(summarize([10, 11, 10.5, 10.2, 50, 10.4], [3, 4, 5, 6, 7, 8])?.outliers).toEqual([7]);
  });

  test('a sum keeps what plain addition loses', () => {
    expect(sum([1e100, 1, -1e100])).toBe(1);
    expect(mean(new Float64Array(10).fill(0.1))).toBe(0.1);
  });
});

describe('outliers', () => {
  test('the 3 σ rule cannot fire for n ≤ 10, and can for 11', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 10 }), (values) => {
        expect(sigmaOutliers(values)).toEqual([]);
      }),
    );
    expect(sigmaOutliers([...new Array(10).fill(1), 100])).toEqual([10]);
  });

  test('median absolute deviation marks one slow launch among five', () => {
    expect(madOutliers([18.1, 18.3, 18.2, 25, 18.25])).toEqual([3]);
    expect(madOutliers([5, 5, 5, 5, 9, 5])).toEqual([4]);
    expect(madOutliers([5, 5, 5])).toEqual([]);
  });
});

describe('distributions', () => {
  test('quantiles invert', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }),
        fc.integer({ min: 1, max: 200 }),
        (p, df) => {
          expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 12);
          expect(1 - studentUpper(studentQuantile(p, df), df)).toBeCloseTo(p, 9);
        },
      ),
    );
  });
});

describe('rank tests', () => {
  test('swapping the sides mirrors everything', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const forth = mannWhitney(a, b);
        const back = mannWhitney(b, a);
        expect(forth.u + back.u).toBe(a.length * b.length);
        expect(forth.pGreater).toBeCloseTo(back.pLess, 12);
        expect(cliffsDelta(a, b)).toBeCloseTo(-cliffsDelta(b, a), 12);
        expect(hodgesLehmann(a, b).estimate).toBeCloseTo(-hodgesLehmann(b, a).estimate, 6);
        expect(cliffsDelta(a, b)).toBeCloseTo((2 * forth.u) / (a.length * b.length) - 1, 12);
      }),
    );
  });

  test('both tails overlap exactly at the observed value', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const { pGreater, pLess, method } = mannWhitney(a, b, { method: 'exact' });
        expect(method).toBe('exact');
        expect(pGreater + pLess).toBeGreaterThan(1 - 1e-9);
        expect(Math.min(pGreater, pLess)).toBeGreaterThan(0);
      }),
    );
  });

  test('complete separation gives the smallest p', () => {
    for (const [m, n] of [
      [3, 3],
      [5, 5],
      [4, 9],
      [20, 20],
    ] as const) {
      const a = Array.from({ length: m }, (_, i) => i);
      const b = Array.from({ length: n }, (_, i) => 100 + i);
      expect(mannWhitney(a, b).pGreater).toBeCloseTo(smallestP(m, n), 14);
    }
    expect(smallestP(3, 3)).toBeCloseTo(0.05, 12);
    expect(smallestP(5, 5)).toBeCloseTo(1 / 252, 12);
  });

  test('differences that are counted equal those that are listed', () => {
    const random = seededRandom(21);
    const draw = (n: number) => Array.from({ length: n }, () => Math.round(random() * 1e4) / 100);
    const [a, b] = [draw(90), draw(70)];
    const all = b.flatMap((y) => a.map((x) => y - x)).sort((x, y) => x - y);
    const { estimate, intervals } = hodgesLehmann(a, b, [0.95]);
    expect(estimate).toBeCloseTo(median(all), 10);
    const cut = all.findIndex((entry) => Math.abs(entry - (intervals[0]?.low ?? NaN)) < 1e-10);
    expect(cut).toBeGreaterThan(0);
    const mirrored = all.findLastIndex(
      (entry) => Math.abs(entry - (intervals[0]?.high ?? NaN)) < 1e-10,
    );
    expect(mirrored).toBeGreaterThan(all.length / 2);
  });

  test('the interval of the shift holds its confidence, and needs enough samples', () => {
    const random = seededRandom(11);
    let covered = 0;
    for (let i = 0; i < 2000; i++) {
      const draw = () => Array.from({ length: 8 }, () => normalQuantile(random() * 0.999 + 5e-4));
      const [interval] = hodgesLehmann(draw(), draw(), [0.9]).intervals;
      if (interval && interval.low <= 0 && interval.high >= 0) covered += 1;
    }
    expect(covered / 2000).toBeGreaterThan(0.885);
    expect(covered / 2000).toBeLessThan(0.945);
    expect(hodgesLehmann([1, 2, 3], [4, 5, 6], [0.95]).intervals).toEqual([undefined]);
  });
});

test('Welch of two constant sides is certain of a difference and silent without one', () => {
  expect(welch([5, 5, 5], [6, 6, 6]).pGreater).toBe(0);
  expect(welch([5, 5, 5], [5, 5, 5]).pGreater).toBeCloseTo(0.5, 12);
  const { low, high } = welchInterval(welch([5, 5, 5], [6, 6, 6]));
  expect([low, high]).toEqual([1, 1]);
});

test('Holm: known case, monotone, never below the raw p', () => {
  expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }), (p) => {
      const adjusted = holm(p);
      p.forEach((raw, i) => {
        expect(adjusted[i]).toBeGreaterThanOrEqual(raw);
        expect(adjusted[i]).toBeLessThanOrEqual(1);
      });
      const order = p.map((_, i) => i).sort((i, j) => (p[i] as number) - (p[j] as number));
      const inOrder = order.map((i) => adjusted[i]);
      expect(inOrder).toEqual([...inOrder].sort((a, b) => (a as number) - (b as number)));
    }),
  );
});

describe('bootstrap', () => {
  test('the same seed gives the same interval, which holds the estimate', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 8, maxLength: 20 }), (values) => {
        const once = ratioOfMediansInterval(values, values, { resamples: 300, seed: 5 });
        expect(ratioOfMediansInterval(values, values, { resamples: 300, seed: 5 })).toEqual(once);
        expect(once.low).toBeLessThanOrEqual(1);
        expect(once.high).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 30 },
    );
  });

  test('a constant sample has a point as its interval', () => {
    const interval = bootstrapInterval([[4, 4, 4, 4]], ([a]) => quantile(a as Float64Array, 0.5));
    expect(interval).toEqual({ low: 4, high: 4 });
  });
});

describe('series', () => {
  test('a rising series drifts, a shuffled one does not', () => {
    const rising = Array.from({ length: 10 }, (_, i) => 100 + i);
    const trend = drift(rising);
    expect(trend?.relativeChange).toBeCloseTo(9 / 104.5, 12);
    expect(trend?.p).toBeLessThan(0.001);
    expect(drift([5, 1, 4, 2, 3])?.p).toBeGreaterThan(0.4);
    expect(drift([1, 2, 3])).toBeUndefined();
    expect(drift([7, 7, 7, 7])?.p).toBe(1);
  });

  test('dependence is told from eight samples on', () => {
    const wave = Array.from({ length: 40 }, (_, i) => Math.sin(i / 4));
    expect(autocorrelation(wave)).toBeGreaterThan(0.8);
    expect(isAutocorrelated(wave)).toBe(true);
    expect(isAutocorrelated(wave.slice(0, 7))).toBe(false);
    expect(autocorrelation([3, 3, 3, 3])).toBeUndefined();
  });
});

describe('power', () => {
  test('more samples resolve finer changes', () => {
    const at = (n: number) => minimumDetectableRatio(0.02, n, n);
    expect(at(5)).toBeGreaterThan(at(10));
    expect(at(10)).toBeGreaterThan(at(40));
    expect(at(40)).toBeGreaterThan(1);
  });

  test('what is detectable at n is what n samples are needed for', () => {
    const n = 60;
    const distance = Math.log(minimumDetectableRatio(0.03, n, n));
    expect(samplesNeeded(0.03, distance)).toBeGreaterThan(0.94 * n);
    expect(samplesNeeded(0.03, distance)).toBeLessThanOrEqual(n);
    expect(samplesNeeded(0.03, 0)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('launch states', () => {
  test('two of ten slow launches are named with their ratio', () => {
    const states = findLaunchStates([18, 18.1, 32.5, 17.9, 18.2, 18, 32.4, 18.1, 17.8, 18.05]);
    expect(states).toMatchObject({ lowerCount: 8, upperCount: 2 });
    expect(states?.ratio).toBeCloseTo(1.8, 1);
  });

  test('one state is none', () => {
    expect(findLaunchStates([18, 18.1, 18.2, 17.9, 18.2, 18, 18.4, 18.1])).toBeUndefined();
    expect(findLaunchStates([18, 40])).toBeUndefined();
  });

  test('shares: Fisher is symmetric and bounded', () => {
    fc.assert(
      fc.property(fc.nat(12), fc.nat(12), fc.nat(12), fc.nat(12), (a, b, c, d) => {
        const p = fisherExact(a, b, c, d);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(fisherExact(c, d, a, b)).toBeCloseTo(p, 9);
      }),
    );
  });
});

test('random numbers are uniform enough and repeatable', () => {
  const random = seededRandom(9);
  const values = Array.from({ length: 20_000 }, random);
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...values)).toBeLessThan(1);
  expect(mean(values)).toBeCloseTo(0.5, 2);
  expect(median(values)).toBeCloseTo(0.5, 1);
  const again = seededRandom(9);
  expect(values.slice(0, 5)).toEqual(Array.from({ length: 5 }, again));
  expect(seededRandom(10)()).not.toBe(values[0]);
});
