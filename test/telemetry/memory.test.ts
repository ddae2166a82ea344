import { expect, it } from 'vitest';
import { documentSeries, MOST_POINTS } from '../../src/telemetry/chart-series.js';
import { memoryOf } from '../../src/telemetry/memory.js';
import { makeRecording, makeSeries, SECOND } from './make.js';

const window = { beginNs: 1 * SECOND, endNs: 3 * SECOND };

it('peak, time-weighted mean and device memory of a window', () => {
  const resident = makeSeries(
    [
      [0, 900],
      [SECOND, 100],
      [2 * SECOND, 300],
      [3 * SECOND, 100],
      [4 * SECOND, 999],
    ],
    { quantity: 'memory_rss_bytes' },
  );
  const device = makeSeries(
    [
      [0, 50],
      [2 * SECOND, 70],
    ],
    {
      quantity: 'memory_device_bytes',
      source: 'kgsl:kgsl-3d0',
      label: 'gpumem_unmapped',
    },
  );
  const report = memoryOf(makeRecording([resident, device]), window);
  expect(report.peakResidentBytes).toBe(300);
  expect(report.averageResidentBytes).toBe(200);
  expect(report.deviceBytes).toEqual({ 'kgsl:kgsl-3d0 gpumem_unmapped': 70 });
  expect(report.highWaterBytes).toBeUndefined();
  expect(memoryOf(makeRecording([]), window)).toEqual({ deviceBytes: {} });
});

it('the series of the document keep spikes, turn counters into watts, and stay small', () => {
  const spiky = makeSeries(
    Array.from({ length: 5000 }, (_, i) => [i * 1e6, i === 2500 ? 20e6 : 4e6]),
    { label: 'VDD_IN' },
  );
  const energy = makeSeries(
    Array.from({ length: 5000 }, (_, i) => [i * 1e6, i * 6000]),
    { counter: true, quantity: 'energy_uj', label: 'package-0', component: 'cpu' },
  );
  const faults = makeSeries([[0, 1]], { quantity: 'major_faults' });
  const series = documentSeries(makeRecording([spiky, energy, faults]), window, SECOND);
  expect(series.map(({ name, label, unit }) => [name, label, unit])).toEqual([
    ['power', 'system VDD_IN', 'W'],
    ['power', 'cpu package-0', 'W'],
  ]);
  for (const one of series) expect(one.t_ms.length).toBeLessThanOrEqual(MOST_POINTS);
  expect(Math.max(...((series[0]?.values ?? []) as number[]))).toBe(20);
  expect(series[0]?.t_ms[0]).toBe(0);
  for (const watts of series[1]?.values ?? [0]) expect(watts).toBeCloseTo(6, 3);
});
