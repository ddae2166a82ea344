import { describe, expect, it } from 'vitest';
import { powerWarnings } from '../../src/telemetry/findings.js';
import { idlePowerW, powerOf, totalSeries } from '../../src/telemetry/power.js';
import { makeRecording, makeSeries, observeCurve, SECOND } from './make.js';

const window = { beginNs: 2 * SECOND, endNs: 8 * SECOND };
const phases = [
  { name: 'prefill', beginNs: 2 * SECOND, endNs: 4 * SECOND },
  { name: 'decode', beginNs: 4 * SECOND, endNs: 8 * SECOND },
];
const load = (t: number) => (t < 2 * SECOND || t > 8 * SECOND ? 1 : t < 4 * SECOND ? 10 : 6);

function rail(watts: (t: number) => number, label: string, inTotal = true) {
  const series = observeCurve(watts, 10 * SECOND, { intervalNs: 1e6, counter: true });
  return { ...series, source: 'powercap:intel-rapl:0', label, inTotal };
}

describe('power of a run', () => {
  const parts = [rail(load, 'package-0'), rail(() => 0.5, 'dram'), rail(load, 'core', false)];
  const idleSeries = observeCurve(() => 1, SECOND, { intervalNs: 1e6, counter: true });
  const idle = makeRecording(
    ['package-0', 'dram'].map((label) => ({
      ...idleSeries,
      source: 'powercap:intel-rapl:0',
      label,
    })),
    SECOND,
  );

  it('sums the rails of the total once, by phase, with the idle baseline taken off', () => {
    const report = powerOf(makeRecording(parts), window, phases, idle);
    expect(report?.rails).toEqual([
      'powercap:intel-rapl:0 (package-0)',
      'powercap:intel-rapl:0 (dram)',
    ]);
    expect(report?.method).toBe('energy counters (powercap)');
    expect(report?.total.joules).toBeCloseTo(2 * 10 + 4 * 6 + 6 * 0.5, 1);
    expect(report?.phases.map(({ averageW }) => averageW)).toEqual([
      expect.closeTo(10.5, 1),
      expect.closeTo(6.5, 1),
    ]);
    expect(report?.idleW).toBeCloseTo(2, 3);
    expect(report?.total.netJoules).toBeCloseTo(47 - 12, 1);
    expect(report?.peakW).toBeCloseTo(10.5, 1);
  });

  it('takes no baseline from other rails, or from too short a rest', () => {
    const rails = totalSeries(makeRecording(parts));
    expect(idlePowerW(makeRecording([rail(load, 'psys')]), rails)).toBeUndefined();
    expect(idlePowerW({ ...idle, endNs: 1e6 }, rails)).toBeUndefined();
  });
});

it('is nothing without a source, beyond its readings, or from a counter that is stuck', () => {
  expect(powerOf(makeRecording([]), window, phases)).toBeUndefined();
  const early = makeSeries(
    [
      [0, 1e6],
      [SECOND, 1e6],
    ],
    { inTotal: true },
  );
  expect(powerOf(makeRecording([early]), window, phases)).toBeUndefined();
  const stuck = makeSeries(
    Array.from({ length: 100 }, (_, i) => [i * 1e8, 7]),
    { inTotal: true, counter: true, quantity: 'energy_uj' },
  );
  const recording = makeRecording([stuck]);
  expect(powerOf(recording, window, phases)).toBeUndefined();
  expect(powerWarnings(recording, undefined)[0]?.code).toBe('stale-power');
});

it('tells the peak of samples at their own rate', () => {
  const spiky = makeSeries(
    Array.from({ length: 101 }, (_, i) => [i * 1e8, i === 50 ? 20e6 : 4e6]),
    { inTotal: true },
  );
  const report = powerOf(makeRecording([spiky]), window, phases);
  expect(report?.peakW).toBe(20);
  expect(report?.method).toBe('power sensors (hwmon)');
});

it('warns where the source is too slow, with the figure and its bound', () => {
  const slow = observeCurve(() => 4, 10 * SECOND, { intervalNs: SECOND, counter: true });
  const recording = makeRecording([slow]);
  const report = powerOf(recording, { beginNs: 3e9, endNs: 3.4e9 }, []);
  const [warning] = powerWarnings(recording, report);
  expect(warning?.code).toBe('energy-unresolved');
  expect(warning?.message).toMatch(/every 1000 ms, too slowly for an iteration of 400 ms/);
  expect(warning?.message).toMatch(/±/);
});
