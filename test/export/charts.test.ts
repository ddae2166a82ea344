import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bandOf, minMaxEnvelope } from '../../src/export/charts/downsample.js';
import { linearScale, linearTicks, logScale, tickText } from '../../src/export/charts/scale.js';
import { distributionChart, tokenLatencyChart } from '../../src/export/charts/tokens.js';
import { trendChart } from '../../src/export/charts/trend.js';
import { quantileOfSorted } from '../../src/stats/index.js';

describe('minMaxEnvelope', () => {
  test('keeps every peak, the order and the bound on points', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 2000 }),
        fc.integer({ min: 2, max: 60 }),
        (values, buckets) => {
          const points = values.map((y, x) => ({ x, y }));
          const kept = minMaxEnvelope(points, buckets);
          expect(kept.length).toBeLessThanOrEqual(2 * buckets);
          if (values.length === 0) return;
          const ys = kept.map(({ y }) => y);
          expect(Math.max(...ys)).toBe(Math.max(...values));
          expect(Math.min(...ys)).toBe(Math.min(...values));
          for (let i = 1; i < kept.length; i++) {
            expect(kept[i]?.x).toBeGreaterThan(kept[i - 1]?.x as number);
          }
        },
      ),
    );
  });
});

describe('bandOf', () => {
  test('is the spread over the series, also of different lengths', () => {
    const bands = bandOf(
      [
        [1, 2, 3, 4],
        [3, 4],
        [5, 6, 7],
      ],
      2,
      quantileOfSorted,
      0,
    );
    expect(bands).toEqual([
      { x: 0.5, low: 1, median: 3.5, high: 6 },
      { x: 2.5, low: 3, median: 4, high: 7 },
    ]);
  });
});

describe('scales', () => {
  test('ticks are round, inside the domain and evenly spaced', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        (low, span) => {
          const ticks = linearTicks(low, low + span, 5);
          expect(ticks.length).toBeGreaterThan(1);
          expect(ticks.length).toBeLessThan(12);
          const slack = span * 1e-6;
          for (const tick of ticks) {
            expect(tick).toBeGreaterThanOrEqual(low - slack);
            expect(tick).toBeLessThanOrEqual(low + span + slack);
          }
        },
      ),
    );
  });

  test('a domain without width still maps to numbers', () => {
    for (const value of [0, 5, 1e-9]) {
      const scale = linearScale(value, value, [0, 100]);
      expect(Number.isFinite(scale(value))).toBe(true);
      expect(scale.domain[0]).toBeLessThan(scale.domain[1]);
    }
  });

  test('a logarithmic scale maps factors to equal steps', () => {
    const scale = logScale(1, 1000, [0, 300]);
    expect(scale(10)).toBeCloseTo(100, 9);
    expect(scale(100)).toBeCloseTo(200, 9);
    expect(scale.ticks).toEqual([1, 10, 100, 1000]);
  });

  test('ticks of an axis share their digits', () => {
    expect([0, 0.5, 1].map((tick) => tickText(tick, [0, 0.5, 1]))).toEqual(['0.0', '0.5', '1.0']);
    expect(tickText(20_000, [0, 20_000])).toBe('20k');
  });
});

/** Every number in attributes of the drawing must be one: NaN would silently vanish. */
function expectSound(svg: string): void {
  expect(svg).not.toMatch(/NaN|Infinity|undefined/u);
  expect(svg).toMatch(/<title id="[^"]+">.+<\/title><desc id="[^"]+">.+<\/desc>/u);
}

describe('charts', () => {
  test('are sound for one value, equal values, spikes and two tokens', () => {
    const cases = [
      [[5, 5]],
      [
        [5, 5, 5],
        [5, 5, 5],
      ],
      [[1, 1, 1, 400, 1]],
      [[0, 0]],
    ];
    for (const gaps of cases) {
      const series = gaps.map((values, iteration) => ({ iteration, gaps: values }));
      expectSound(tokenLatencyChart('t', series, 440, 250).text);
      const options = { width: 440, height: 220, title: 'd', unit: 'ms', label: 'ms' };
      expectSound(distributionChart('d', gaps.flat(), options).text);
    }
  });

  test('a spike is cut off at the edge and named', () => {
    const gaps = Array.from({ length: 200 }, (_, k) => (k === 150 ? 900 : 10));
    const { text } = tokenLatencyChart('t', [{ iteration: 3, gaps }], 440, 250);
    expect(text).toContain('token 152 of iteration 3: 900.0 ms');
  });

  test('a trend marks its steps', () => {
    const points = [10, 10.2, 9.9, 13, 13.1].map((value, k) => ({ label: `c${k}`, value }));
    const { text } = trendChart(points, {
      id: 'trend',
      title: 'First token',
      unit: 'ms',
      changes: [{ index: 3, text: '+30 %', kind: 'worse' }],
    });
    expectSound(text);
    expect(text).toContain('+30 % at c3');
    expect(text).toContain('class="change worse"');
    expectSound(trendChart(points.slice(0, 1), { id: 'x', title: 't', unit: 'ms' }).text);
  });
});
