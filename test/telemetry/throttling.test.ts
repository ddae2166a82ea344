import { describe, expect, it } from 'vitest';
import type { NativeSeries } from '../../src/native/binding.js';
import { throttlingWarning } from '../../src/telemetry/findings.js';
import { slowdownOf, throttlingOf } from '../../src/telemetry/throttling.js';
import { makeRecording, makeSeries, random, SECOND } from './make.js';

const window = { beginNs: SECOND, endNs: 9 * SECOND };

function level(quantity: string, at: (t: number) => number, more: Partial<NativeSeries> = {}) {
  const points = Array.from({ length: 101 }, (_, i): [number, number] => [i * 1e8, at(i * 1e8)]);
  return makeSeries(points, { quantity, component: 'cpu', periodNs: 1e8, ...more });
}

/** Token times of a decode whose gaps grow from `first` to `last`, with a little noise. */
function tokens(first: number, last: number, count = 90): number[] {
  const next = random(3);
  const times = [SECOND];
  for (let k = 0; k < count; k += 1) {
    const gap = first + ((last - first) * k) / count;
    times.push((times.at(-1) as number) + gap * (0.98 + 0.04 * next()));
  }
  return times;
}

const steady = tokens(80e6, 80e6);
const falling = tokens(60e6, 100e6);

describe('throttling', () => {
  it('is heat when a cooling device is at work, with figures and marks', () => {
    const recording = makeRecording([
      level('throttle_level', (t) => (t > 5 * SECOND ? 3 : 0), {
        label: 'thermal-cpufreq-7',
        hardwareLimit: 12,
      }),
      level('frequency_limit_hz', (t) => (t > 5 * SECOND ? 2.4e9 : 3.3e9), {
        label: 'cpus 7',
        hardwareLimit: 3.3e9,
      }),
    ]);
    const found = throttlingOf(recording, window, falling);
    expect(found?.cause).toBe('heat');
    expect(found?.evidence[0]).toBe('the cooling device thermal-cpufreq-7 is at level 3 of 12');
    expect(found?.evidence[1]).toBe('the clock of cpus 7 is limited to 2.40 GHz of 3.30 GHz');
    expect(found?.evidence[2]).toMatch(/^tokens became \d+ % slower$/);
    expect(found?.marks[0]?.beginNs).toBeCloseTo(5.1 * SECOND, -6);
    expect(found?.marks[0]?.endNs).toBe(window.endNs);
    expect(throttlingWarning(found)[0]?.code).toBe('throttling');
  });

  it('is heat when a hot zone and falling speed come together', () => {
    const hot = level('temperature_mc', (t) => 70e3 + t / 3e5, {
      label: 'nsp0-thermal',
      component: 'npu',
    });
    expect(throttlingOf(makeRecording([hot]), window, falling)?.cause).toBe('heat');
    expect(throttlingOf(makeRecording([hot]), window, falling)?.component).toBe('npu');
    expect(throttlingOf(makeRecording([hot]), window, steady)).toBeUndefined();
  });

  it('is a clock limit when the limit is low and nothing is hot', () => {
    const limited = level('frequency_limit_hz', () => 2e9, { hardwareLimit: 3e9 });
    const found = throttlingOf(makeRecording([limited]), window, steady);
    expect(found?.cause).toBe('clock limit');
    expect(throttlingWarning(found)[0]?.code).toBe('frequency-limited');
  });

  it('is a quota when the control group says so', () => {
    const waited = level('cpu_quota_wait_us', (t) => 0.4 * (t / 1e3), { counter: true });
    const found = throttlingOf(makeRecording([waited]), window, steady);
    expect(found?.cause).toBe('cpu quota');
    expect(found?.evidence[0]).toMatch(/40 %/);
  });

  it('is a stopped process when the sampler, too, fell silent again and again', () => {
    const ticks: [number, number][] = [];
    // 60 ms at work, 40 ms stopped, as cpulimit does.
    for (let t = 0; t < 10 * SECOND; t += 10e6) if (t % 100e6 < 60e6) ticks.push([t, 1e8]);
    const resident = makeSeries(ticks, { quantity: 'memory_rss_bytes', periodNs: 5e6 });
    const found = throttlingOf(makeRecording([resident]), window, steady);
    expect(found?.cause).toBe('stopped');
    expect(found?.marks.length).toBeGreaterThan(50);
  });

  it('is falling speed without a cause when nothing else is seen', () => {
    expect(throttlingOf(makeRecording([]), window, falling)?.cause).toBe('unknown');
  });

  it('is not seen on quiet machines', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const next = random(seed);
      const recording = makeRecording([
        level('throttle_level', () => 0, { label: 'Processor' }),
        level('frequency_limit_hz', () => 3.3e9, { hardwareLimit: 3.3e9 }),
        level('temperature_mc', () => 55e3 + 5e3 * next(), { label: 'cpu-0-0' }),
        level('memory_rss_bytes', () => 1e8),
      ]);
      let t = SECOND;
      const noisy = Array.from({ length: 64 }, () => (t += 60e6 * (1 + 0.1 * (next() - 0.5))));
      expect(throttlingOf(recording, window, noisy)).toBeUndefined();
    }
  });
});

it('compares the last third of the tokens with the first by medians', () => {
  expect(slowdownOf(steady)).toBeCloseTo(1, 1);
  expect(slowdownOf(falling)).toBeGreaterThan(1.3);
  expect(slowdownOf([1, 2, 3])).toBeUndefined();
});
