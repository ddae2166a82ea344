import { describe, expect, it } from 'vitest';
import { noiseWarnings, samplerWarnings } from '../../src/telemetry/findings.js';
import { noiseOf } from '../../src/telemetry/noise.js';
import { scoreOf, snapshotWarnings } from '../../src/telemetry/soundness.js';
import { makeRecording, makeSeries, makeSnapshot, SECOND } from './make.js';

const window = { beginNs: SECOND, endNs: 3 * SECOND };

function counter(quantity: string, perSecond: number) {
  const points = Array.from({ length: 101 }, (_, i): [number, number] => [
    i * 1e8,
    i * 0.1 * perSecond,
  ]);
  return makeSeries(points, { quantity, counter: true, periodNs: 1e8 });
}

describe('noise', () => {
  it('a spinning neighbour is found and named', () => {
    const recording = makeRecording([counter('others_cpu_ns', 0.97e9)]);
    const after = makeSnapshot(
      { logical_cpus: 2, busiest_other_cores: 0.95 },
      { busiest_other_process: 'yes (4711)' },
    );
    const noise = noiseOf(recording, window, after);
    expect(noise.othersCores).toBeCloseTo(0.97, 2);
    const [warning] = noiseWarnings(noise);
    expect(warning?.code).toBe('noisy-neighbour');
    expect(warning?.message).toMatch(/0\.97 processors busy .* most of all yes \(4711\)/);
  });

  it('a quiet machine gets no warning', () => {
    const recording = makeRecording([
      counter('others_cpu_ns', 0.04e9),
      counter('steal_ns', 0.001e9),
      counter('pressure_memory_us', 10),
      counter('major_faults', 1),
    ]);
    expect(noiseWarnings(noiseOf(recording, window, makeSnapshot({ logical_cpus: 2 })))).toEqual(
      [],
    );
  });

  it('a window shorter than the kernel counts in is widened to the readings around it', () => {
    const recording = makeRecording([counter('others_cpu_ns', 0.5e9)]);
    const noise = noiseOf(recording, { beginNs: SECOND, endNs: SECOND + 20e6 });
    expect(noise.othersCores).toBeCloseTo(0.5, 1);
    expect(noiseOf(makeRecording([]), window)).toEqual({});
  });

  it('memory pressure, faults and steal have their words', () => {
    const recording = makeRecording([
      counter('pressure_memory_us', 2e5),
      counter('major_faults', 300),
      counter('steal_ns', 0.2e9),
    ]);
    const codes = noiseWarnings(noiseOf(recording, window)).map(({ code }) => code);
    expect(codes).toEqual(['steal', 'memory-pressure']);
  });

  it("the sampler's own cost and lateness are told", () => {
    const recording = makeRecording([], SECOND, {
      samplerCpuNs: 0.05e9,
      ticks: 100,
      lateTicks: 60,
    });
    expect(samplerWarnings(recording).map(({ code }) => code)).toEqual([
      'sampler-cost',
      'sampler-late',
    ]);
    expect(samplerWarnings(makeRecording([], SECOND))).toEqual([]);
  });
});

describe('before a run', () => {
  it('a phone that is throttling already is told so, with its battery', () => {
    const codes = snapshotWarnings(
      makeSnapshot(
        {
          'throttle_level.thermal-cpufreq-7.0': 3,
          'temperature_mc.skin.skin-therm': 43e3,
          'battery_capacity_percent.battery': 81,
        },
        { power_source: 'battery', 'governor.policy0': 'walt' },
      ),
    ).map(({ code }) => code);
    expect(codes).toEqual(['throttling', 'hot', 'on-battery']);
  });

  it('powersave is slow except under the drivers that mean something else by it', () => {
    const texts = { 'governor.policy0': 'powersave' };
    expect(snapshotWarnings(makeSnapshot({}, texts))[0]?.code).toBe('powersave-governor');
    const pstate = { ...texts, 'scaling_driver.policy0': 'intel_pstate' };
    expect(snapshotWarnings(makeSnapshot({}, pstate))).toEqual([]);
  });

  it('a quiet machine on the mains is sound', () => {
    const warnings = snapshotWarnings(
      makeSnapshot(
        { others_cpu_cores: 0.05, memory_total_bytes: 16e9, memory_available_bytes: 9e9 },
        { power_source: 'mains', virtual_machine: 'no' },
      ),
    );
    expect(scoreOf(warnings)).toEqual({ score: 100, verdict: 'sound', reasons: [] });
  });
});

describe('the score', () => {
  const one = (code: string) => ({ code, message: `${code}.` });

  it('falls with each named reason, heaviest first, and never rises by adding one', () => {
    const codes = [
      'on-battery',
      'noisy-neighbour',
      'throttling',
      'high-variation',
      'unstable-results',
    ];
    let last = 100;
    for (let n = 1; n <= codes.length; n += 1) {
      const { score, reasons } = scoreOf(codes.slice(0, n).map(one));
      expect(score).toBeLessThanOrEqual(last);
      expect(reasons).toHaveLength(n);
      last = score;
    }
    expect(scoreOf(codes.map(one)).reasons[0]?.code).toBe('unstable-results');
    expect(last).toBe(0);
  });

  it('counts a repeated warning once, and what has no bearing not at all', () => {
    expect(scoreOf([one('throttling'), one('throttling')]).score).toBe(60);
    expect(scoreOf([one('prompt-fitted')]).verdict).toBe('sound');
    expect(scoreOf([one('throttling'), one('noisy-neighbour')]).verdict).toBe('unsound');
    expect(scoreOf([one('noisy-neighbour')]).verdict).toBe('usable');
  });
});
