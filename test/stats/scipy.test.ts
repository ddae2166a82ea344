import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as stats from '../../src/stats/index.js';

interface Pair {
  kind: string;
  baseline: number[];
  current: number[];
  summary: Record<'mean' | 'std' | 'min' | 'max' | 'median', number>;
  quantiles: Record<string, number>;
  meanInterval: [number, number];
  welch: { t: number; df: number; pGreater: number; pLess: number; interval: [number, number] };
  uNormal: { greater: number; less: number };
  uExact?: { greater: number; less: number };
  u: number;
  hodgesLehmann: number;
  cliffsDelta: number;
  autocorrelation: number;
  theilSen: number;
  kendallP?: number;
}

const FUNCTIONS = {
  studentUpper: stats.studentUpper,
  studentQuantile: stats.studentQuantile,
  normalUpper: stats.normalUpper,
  normalQuantile: stats.normalQuantile,
  logGamma: stats.logGamma,
  incompleteBeta: stats.incompleteBeta,
  fisherExact: stats.fisherExact,
};

const goldens = JSON.parse(
  readFileSync(new URL('./scipy-goldens.json', import.meta.url), 'utf8'),
) as {
  pairs: Pair[];
  distributions: { f: keyof typeof FUNCTIONS; args: number[]; value: number }[];
  bca: { baseline: number[]; current: number[]; ratioOfMeans: [number, number] }[];
};

/** Relative to the figure itself, so that small p-values are held to as many digits. */
function agrees(actual: number | undefined, expected: number, tolerance = 1e-9): void {
  expect(actual).toBeDefined();
  const scale = Math.max(Math.abs(expected), 1e-300);
  const error =
    expected === 0 ? Math.abs(actual as number) : Math.abs((actual as number) - expected) / scale;
  expect(error, `${actual} against ${expected}`).toBeLessThanOrEqual(tolerance);
}

test('there are at least 40 cases', () => {
  expect(goldens.pairs.length).toBeGreaterThanOrEqual(40);
});

describe.each(goldens.pairs.map((pair, index) => ({ name: `${index} ${pair.kind}`, pair })))(
  'pair $name',
  ({ pair }) => {
    const { baseline, current } = pair;

    test('summary and quantiles', () => {
      const block = stats.summarize(current);
      for (const [key, value] of Object.entries(pair.summary)) {
        agrees(block?.[key] as number, value);
      }
      for (const [p, value] of Object.entries(pair.quantiles)) {
        agrees(stats.quantile(current, Number(p)), value);
      }
      const interval = stats.meanInterval(current);
      agrees(interval.low, pair.meanInterval[0]);
      agrees(interval.high, pair.meanInterval[1]);
    });

    test('Welch', () => {
      const result = stats.welch(baseline, current);
      agrees(result.t, pair.welch.t);
      agrees(result.df, pair.welch.df);
      agrees(result.pGreater, pair.welch.pGreater);
      agrees(result.pLess, pair.welch.pLess);
      const interval = stats.welchInterval(result);
      agrees(interval.low, pair.welch.interval[0]);
      agrees(interval.high, pair.welch.interval[1]);
    });

    test('Mann-Whitney', () => {
      const normal = stats.mannWhitney(baseline, current, { method: 'normal' });
      expect(normal.u).toBe(pair.u);
      agrees(normal.pGreater, pair.uNormal.greater);
      agrees(normal.pLess, pair.uNormal.less);
      if (pair.uExact) {
        const exact = stats.mannWhitney(baseline, current, { method: 'exact' });
        agrees(exact.pGreater, pair.uExact.greater);
        agrees(exact.pLess, pair.uExact.less);
      }
    });

    test('effects, trend and autocorrelation', () => {
      agrees(stats.hodgesLehmann(baseline, current).estimate, pair.hodgesLehmann);
      agrees(stats.cliffsDelta(baseline, current), pair.cliffsDelta);
      if (current.length >= 4) {
        agrees(stats.autocorrelation(current), pair.autocorrelation);
        const trend = stats.drift(current);
        const slope = (pair.theilSen * (current.length - 1)) / pair.summary.median;
        agrees(trend?.relativeChange, slope);
        if (pair.kendallP !== undefined) agrees(trend?.p, pair.kendallP);
      }
    });
  },
);

test.each(goldens.distributions)('$f($args)', ({ f, args, value }) => {
  const call = FUNCTIONS[f] as (...values: number[]) => number;
  agrees(call(...args), value);
});

test.each(goldens.bca)('BCa interval agrees within resampling error', (entry) => {
  const interval = stats.bootstrapInterval(
    [entry.baseline, entry.current],
    ([b, c]) => stats.mean(c as Float64Array) / stats.mean(b as Float64Array),
    { resamples: 100_000, seed: 3 },
  );
  const width = entry.ratioOfMeans[1] - entry.ratioOfMeans[0];
  expect(Math.abs(interval.low - entry.ratioOfMeans[0])).toBeLessThan(0.02 * width);
  expect(Math.abs(interval.high - entry.ratioOfMeans[1])).toBeLessThan(0.02 * width);
});
