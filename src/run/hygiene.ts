import type { NativeSnapshot } from '../native/binding.js';
import type { HygieneSnapshot } from '../schema/iteration.js';

/** Entries `prefix.NAME` of a snapshot, scaled, by NAME; undefined without any. */
function group(
  numbers: Record<string, number>,
  prefix: string,
  scale: number,
): Record<string, number> | undefined {
  const entries = Object.entries(numbers).flatMap(([key, value]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), value * scale] as const] : [],
  );
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function worst(values: Record<string, number> | undefined): number | undefined {
  return values === undefined ? undefined : Math.max(...Object.values(values));
}

/**
 * A look at the machine in the document's terms; what could not be read is left out. The load of
 * others comes from the sampler, which knows the measured process.
 */
export function hygieneOf({ numbers, texts }: NativeSnapshot): HygieneSnapshot {
  const governors = new Set(
    Object.entries(texts).flatMap(([key, value]) => (key.startsWith('governor.') ? [value] : [])),
  );
  const swap = numbers.swap_used_bytes;
  const all: Record<string, unknown> = {
    temperatures_c: group(numbers, 'temperature_mc.', 1e-3),
    frequencies_mhz: group(numbers, 'frequency_hz.', 1e-6),
    frequency_limits_mhz: group(numbers, 'frequency_limit_hz.', 1e-6),
    governor: governors.size === 0 ? undefined : [...governors].sort().join(', '),
    thermal_pressure: worst(group(numbers, 'throttle_level.', 1)),
    memory_pressure_percent: numbers.pressure_memory_avg10_percent,
    system_major_faults: numbers.system_major_faults,
    swap_used_mb: swap === undefined ? undefined : swap / 1e6,
    memory_available_mb:
      numbers.memory_available_bytes === undefined
        ? undefined
        : numbers.memory_available_bytes / 1e6,
    load_average_1min: numbers.load_average_1min,
    steal_percent: numbers.steal_percent,
    turbo: numbers.turbo_enabled === undefined ? undefined : numbers.turbo_enabled > 0,
    address_randomization: numbers.aslr,
    clock_source: texts.clock_source,
    screen: texts.screen,
    timer_overshoot_us:
      numbers.sleep_overshoot_ns === undefined ? undefined : numbers.sleep_overshoot_ns / 1e3,
    on_battery: texts.power_source === undefined ? undefined : texts.power_source === 'battery',
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
