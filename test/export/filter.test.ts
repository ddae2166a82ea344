import { describe, expect, test } from 'vitest';
import { selectMetrics } from '../../src/export/filter.js';

const ids = (...patterns: string[]) => selectMetrics(patterns).map(({ id }) => id);

describe('selectMetrics', () => {
  test('takes a dotted path, with or without results, and the last part', () => {
    expect(ids('latency.cold_start_ms')).toEqual(['latency.cold_start_ms']);
    expect(ids('results.latency.cold_start_ms')).toEqual(['latency.cold_start_ms']);
    expect(ids('cold_start_ms')).toEqual(['latency.cold_start_ms']);
  });

  test("takes an iteration's name of a metric", () => {
    expect(ids('peak_memory_mb')).toEqual(['memory.peak_memory_usage_mb']);
  });

  test('takes groups and globs, each metric once and in the usual order', () => {
    expect(ids('power')).toEqual([
      'power.average_power_w',
      'power.peak_power_w',
      'power.idle_power_w',
    ]);
    expect(ids('memory.*', '*memory_usage*')).toEqual([
      'memory.peak_memory_usage_mb',
      'memory.average_memory_usage_mb',
    ]);
    expect(ids('*joule*', 'latency.first_token_ms')[0]).toBe('latency.first_token_ms');
  });

  test('a dot is a dot and not any character', () => {
    expect(() => ids('latencyXcold_start_ms')).toThrow(/matches no metric/);
  });

  test('suggests what was meant', () => {
    expect(() => ids('frist_token')).toThrow(
      /--filter "frist_token" matches no metric; did you mean latency\.first_token_ms/,
    );
    expect(() => ids('tokens_per_secnd')).toThrow(/did you mean throughput\.tokens_per_second/);
    expect(() => ids('frist')).toThrow(/did you mean latency\.first_token_ms/);
    expect(() => ids('zzzz')).toThrow(/use a path such as/);
    expect(() => ids('latency.first_token_ms.mean')).toThrow(
      /use --filter "latency.first_token_ms"/,
    );
    expect(() => ids('')).toThrow(/matches no metric/);
  });
});
