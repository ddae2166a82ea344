import { expect, it } from 'vitest';
import {
  cut,
  growth,
  indexAt,
  mean,
  peak,
  updateIntervalNs,
  valueAt,
} from '../../src/telemetry/window.js';
import { makeSeries } from './make.js';

const series = makeSeries([
  [0, 0],
  [10, 10],
  [20, 10],
  [30, 40],
]);

it('finds and interpolates readings', () => {
  expect(indexAt(series.tNs, -1)).toBe(-1);
  expect(indexAt(series.tNs, 10)).toBe(1);
  expect(indexAt(series.tNs, 99)).toBe(3);
  expect(valueAt(series, 5)).toBe(5);
  expect(valueAt(series, 25)).toBe(25);
  expect(valueAt(series, 99)).toBe(40);
  expect(valueAt(makeSeries([]), 5)).toBeUndefined();
});

it('cuts, averages over time and finds the peak, edges included', () => {
  expect(cut(series, { beginNs: 10, endNs: 20 }).map(({ t }) => t)).toEqual([10, 20]);
  expect(mean(series, { beginNs: 0, endNs: 10 })).toBe(5);
  expect(mean(series, { beginNs: 0, endNs: 30 })).toBeCloseTo((50 + 100 + 250) / 30);
  expect(mean(series, { beginNs: 12, endNs: 14 })).toBe(10);
  expect(peak(series, { beginNs: 5, endNs: 25 })).toBe(25);
  expect(mean(makeSeries([]), { beginNs: 0, endNs: 10 })).toBeUndefined();
  expect(growth(series, { beginNs: 5, endNs: 25 })).toBe(20);
});

it('knows how often a source changes, and admits that it does not', () => {
  const slow = makeSeries(Array.from({ length: 100 }, (_, i) => [i * 10, Math.floor(i / 10)]));
  expect(updateIntervalNs(slow)).toBe(100);
  expect(
    updateIntervalNs(
      makeSeries([
        [0, 1],
        [10, 1],
        [20, 1],
      ]),
    ),
  ).toBeUndefined();
});
