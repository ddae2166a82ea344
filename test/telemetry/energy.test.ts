import { describe, expect, it } from 'vitest';
import { energyOf } from '../../src/telemetry/energy.js';
import { type Curve, makeSeries, observeCurve, random, SECOND, truth } from './make.js';

const CURVES: Record<string, Curve> = {
  constant: () => 5,
  step: (t) => (t < 4 * SECOND ? 2 : 9),
  ramp: (t) => 2 + (6 * t) / (10 * SECOND),
  spike: (t) => (Math.abs(t - 5 * SECOND) < 0.2 * SECOND ? 20 : 3),
};

/** load, prefill and decode of a run of ten seconds. */
const PHASES: [string, number, number][] = [
  ['load', 0.35 * SECOND, 2.1 * SECOND],
  ['prefill', 2.1 * SECOND, 4.6 * SECOND],
  ['decode', 4.6 * SECOND, 9.7 * SECOND],
];

const SOURCES = {
  '1 Hz': SECOND,
  '10 Hz': SECOND / 10,
  '1 kHz': SECOND / 1000,
};

describe.each(Object.entries(CURVES))('%s power', (_name, curve) => {
  describe.each(Object.entries(SOURCES))('from a source of %s', (_rate, intervalNs) => {
    it.each([
      ['counter', true, 0, 0],
      ['counter with jitter and drops', true, 0.4, 0.1],
      ['samples', false, 0, 0],
      ['samples with jitter and drops', false, 0.4, 0.1],
    ])('%s: every phase within a hundredth or the stated bound', (_kind, counter, jitter, drop) => {
      const series = observeCurve(curve, 10 * SECOND, { intervalNs, jitter, drop, counter });
      for (const [, beginNs, endNs] of PHASES) {
        const energy = energyOf(series, { beginNs, endNs });
        const joules = truth(curve, beginNs, endNs);
        expect(energy).toBeDefined();
        const error = Math.abs((energy?.joules ?? Number.NaN) - joules);
        expect(error).toBeLessThanOrEqual(Math.max(0.01 * joules, energy?.boundJ ?? 0) + 1e-9);
      }
    });
  });

  it('is within 1 % per phase from 1 kHz, and the bound is small there', () => {
    for (const counter of [true, false]) {
      const options = { intervalNs: SECOND / 1000, jitter: 0.4, drop: 0.1, counter };
      const series = observeCurve(curve, 10 * SECOND, options);
      for (const [, beginNs, endNs] of PHASES) {
        const energy = energyOf(series, { beginNs, endNs });
        const joules = truth(curve, beginNs, endNs);
        expect(energy?.resolved).toBe(true);
        expect(Math.abs((energy?.joules ?? Number.NaN) - joules)).toBeLessThan(0.01 * joules);
        expect(energy?.boundJ).toBeLessThan(0.02 * joules);
      }
    }
  });
});

describe('the bound', () => {
  /** Piecewise constant power with random levels and lengths: what a device really does. */
  function randomCurve(next: () => number): Curve {
    const edges: number[] = [];
    const levels: number[] = [];
    let t = 0;
    while (t < 10 * SECOND) {
      edges.push(t);
      levels.push(0.5 + 12 * next());
      t += (0.05 + next()) * SECOND;
    }
    return (at) => {
      let i = edges.length - 1;
      while (i > 0 && (edges[i] as number) > at) i -= 1;
      return levels[i] as number;
    };
  }

  it.each([
    ['counters', true, 1],
    ['samples', false, 0.95],
  ])('holds for random curves, rates and windows: %s', (_name, counter, least) => {
    const next = random(7);
    let inside = 0;
    const cases = 300;
    for (let i = 0; i < cases; i += 1) {
      const curve = randomCurve(next);
      const intervalNs = 10 ** (6 + 3 * next());
      const readNs = next() < 0.5 ? Math.min(intervalNs, 10e6) : undefined;
      const series = observeCurve(curve, 10 * SECOND, {
        intervalNs,
        jitter: 0.3 * next(),
        drop: 0.1 * next(),
        counter,
        seed: i + 1,
        ...(readNs === undefined ? {} : { readNs }),
      });
      const beginNs = (0.5 + 4 * next()) * SECOND;
      const endNs = beginNs + (0.1 + 4 * next()) * SECOND;
      const energy = energyOf(series, { beginNs, endNs });
      const error = Math.abs((energy?.joules ?? Number.NaN) - truth(curve, beginNs, endNs));
      // The reference sum and the counter's own text are exact to about a thousandth.
      if (error <= (energy?.boundJ ?? 0) + 0.002 * (energy?.joules ?? 0)) inside += 1;
    }
    expect(inside / cases).toBeGreaterThanOrEqual(least);
  });

  it('is said to be unresolved where the window holds fewer than ten updates', () => {
    const series = observeCurve(() => 4, 10 * SECOND, { intervalNs: SECOND, counter: true });
    const short = energyOf(series, { beginNs: 2.3 * SECOND, endNs: 2.6 * SECOND });
    expect(short?.resolved).toBe(false);
    expect(short?.joules).toBeCloseTo(1.2, 6);
    // All 4 J of that second may have been spent inside the window.
    expect(short?.boundJ).toBeGreaterThan(2);
  });
});

describe('a source that is read more often than it changes', () => {
  it('counts a level that holds and then jumps as a step, not as a ramp', () => {
    const curve: Curve = (t) => (t < 6 * SECOND ? 5 : 8);
    const series = observeCurve(curve, 10 * SECOND, {
      intervalNs: SECOND / 2,
      readNs: SECOND / 100,
    });
    const energy = energyOf(series, { beginNs: 0, endNs: 10 * SECOND });
    expect(Math.abs((energy?.joules ?? 0) - 62)).toBeLessThan(0.03 * 62);
  });

  it('does not mistake the steps of a counter for bursts', () => {
    const series = observeCurve(() => 6, 10 * SECOND, {
      intervalNs: SECOND / 10,
      readNs: SECOND / 200,
      counter: true,
    });
    // Half-way between two updates: the raw readings would be off by half an update.
    const energy = energyOf(series, { beginNs: 1.05 * SECOND, endNs: 8.95 * SECOND });
    expect(energy?.joules).toBeCloseTo(6 * 7.9, 1);
    expect(energy?.intervalNs).toBeCloseTo(SECOND / 10, -6);
  });
});

it('a source with too little to tell gives nothing, not zero', () => {
  expect(energyOf(makeSeries([]), { beginNs: 0, endNs: 1 })).toBeUndefined();
  expect(
    energyOf(makeSeries([[0, 1]], { counter: true }), { beginNs: 0, endNs: 1 }),
  ).toBeUndefined();
});
