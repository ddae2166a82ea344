import type { NativeSnapshot } from '../native/binding.js';
import type { Warning } from '../schema/values.js';

/** One thing that makes figures less believable, and by how much. */
export interface SoundnessReason extends Warning {
  /** Points off a score of 100. */
  points: number;
}

export interface Soundness {
  /** 100: nothing found that would make the figures misleading; 0: don't use them. */
  score: number;
  verdict: 'sound' | 'usable' | 'unsound';
  reasons: SoundnessReason[];
}

/** What each warning takes off; those that aren't listed don't bear on the figures' soundness. */
const POINTS: Readonly<Record<string, number>> = {
  'unstable-results': 100,
  'wrong-result': 100,
  'simulated-device': 100,
  'fake-addon': 100,
  'fake-telemetry': 50,
  throttling: 40,
  'cpu-quota': 40,
  stalled: 40,
  'noisy-neighbour': 35,
  'memory-pressure': 35,
  steal: 30,
  'launch-states': 25,
  'high-variation': 20,
  drift: 20,
  'slowing-down': 20,
  'frequency-limited': 15,
  'powersave-governor': 15,
  'busy-machine': 25,
  hot: 15,
  'low-battery': 15,
  'little-memory': 15,
  'screen-off': 10,
  'coarse-timer': 10,
  'sampler-cost': 10,
  'stale-power': 10,
  'virtual-machine': 5,
  'on-battery': 5,
  'turbo-on': 0,
  'energy-unresolved': 5,
  'sampler-late': 5,
};

const UNSOUND_BELOW = 50;
const SOUND_FROM = 80;

/** Score of a set of conditions. The order of the reasons is that of their weight. */
export function scoreOf(warnings: readonly Warning[]): Soundness {
  const byCode = new Map(warnings.map((warning) => [warning.code, warning]));
  const reasons = [...byCode.values()]
    .map((warning) => ({ ...warning, points: POINTS[warning.code] ?? 0 }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points);
  const lost = reasons.reduce((sum, { points }) => sum + points, 0);
  const score = Math.max(0, 100 - lost);
  return {
    score,
    verdict: score >= SOUND_FROM ? 'sound' : score >= UNSOUND_BELOW ? 'usable' : 'unsound',
    reasons,
  };
}

const HOT_BEFORE_MC: Readonly<Record<string, number>> = {
  cpu: 75e3,
  gpu: 75e3,
  npu: 75e3,
  skin: 40e3,
};
const COARSE_SLEEP_NS = 1e6;
const LOW_BATTERY_PERCENT = 20;

function keys(values: Record<string, unknown>, prefix: string): string[] {
  return Object.keys(values).flatMap((key) =>
    key.startsWith(prefix) ? [key.slice(prefix.length)] : [],
  );
}

function governorWarnings({ texts }: NativeSnapshot): Warning[] {
  const slow = keys(texts, 'governor.').filter((policy) => {
    const governor = texts[`governor.${policy}`];
    // Under intel_pstate and amd-pstate-epp "powersave" is the ordinary, load-driven governor.
    const ordinary = /^(intel_pstate|amd[-_]pstate)/.test(texts[`scaling_driver.${policy}`] ?? '');
    return governor === 'conservative' || (governor === 'powersave' && !ordinary);
  });
  if (slow.length === 0) return [];
  return [
    {
      code: 'powersave-governor',
      message: `The clock of ${slow.join(', ')} is governed by "${texts[`governor.${slow[0]}`]}", which holds it low.`,
      action:
        'As root: echo performance > /sys/devices/system/cpu/cpufreq/policy*/scaling_governor.',
    },
  ];
}

function limitWarnings({ numbers }: NativeSnapshot): Warning[] {
  const lowered = keys(numbers, 'frequency_limit_hz.').filter((policy) => {
    const full = numbers[`frequency_maximum_hz.${policy}`];
    return full !== undefined && (numbers[`frequency_limit_hz.${policy}`] as number) < 0.97 * full;
  });
  const levels = keys(numbers, 'throttle_level.').filter(
    (name) => (numbers[`throttle_level.${name}`] as number) > 0,
  );
  if (levels.length > 0) {
    return [
      {
        code: 'throttling',
        message: `The device is throttling already: ${levels.join(', ')} at work.`,
        action: 'Let it cool before measuring.',
      },
    ];
  }
  if (lowered.length === 0) return [];
  return [
    {
      code: 'frequency-limited',
      message: `The clock of ${lowered.join(', ')} is limited below the hardware's maximum.`,
      action: 'Let the device cool, plug it in, or raise scaling_max_freq.',
    },
  ];
}

function heatWarnings({ numbers }: NativeSnapshot): Warning[] {
  const hot = keys(numbers, 'temperature_mc.').filter((key) => {
    const limit = HOT_BEFORE_MC[key.slice(0, key.indexOf('.'))];
    return limit !== undefined && (numbers[`temperature_mc.${key}`] as number) > limit;
  });
  if (hot.length === 0) return [];
  const worst = hot.reduce((a, b) =>
    (numbers[`temperature_mc.${a}`] as number) >= (numbers[`temperature_mc.${b}`] as number)
      ? a
      : b,
  );
  return [
    {
      code: 'hot',
      message: `The device is hot: ${worst.slice(worst.indexOf('.') + 1)} shows ${((numbers[`temperature_mc.${worst}`] as number) / 1000).toFixed(1)} °C.`,
      action: 'Let it cool, or wait with --cooldown 45C.',
    },
  ];
}

/** A device on its battery with a dark screen is a phone or tablet that is about to save power. */
function screenWarnings({ texts }: NativeSnapshot): Warning[] {
  if (texts.screen !== 'off' || texts.power_source !== 'battery') return [];
  return [
    {
      code: 'screen-off',
      message: 'The screen is off: Android lowers clocks and may let the device doze.',
      action: 'Keep the screen on while measuring (adb shell svc power stayon true).',
    },
  ];
}

function powerSourceWarnings({ numbers, texts }: NativeSnapshot): Warning[] {
  if (texts.power_source !== 'battery') return [];
  const charges = keys(numbers, 'battery_capacity_percent.').map(
    (name) => numbers[`battery_capacity_percent.${name}`] as number,
  );
  const lowest = Math.min(100, ...charges);
  if (lowest < LOW_BATTERY_PERCENT) {
    return [
      {
        code: 'low-battery',
        message: `The battery is at ${lowest} %: many devices hold their clocks low there.`,
        action: 'Charge it first.',
      },
    ];
  }
  return [
    {
      code: 'on-battery',
      message: 'The device runs from its battery, and may limit its clocks for that.',
      action: 'Plug it in unless the battery is what you measure power with.',
    },
  ];
}

function machineWarnings({ numbers, texts }: NativeSnapshot): Warning[] {
  const warnings: Warning[] = [];
  const others = numbers.others_cpu_cores;
  if (others !== undefined && others > 0.25) {
    const who = texts.busiest_other_process;
    warnings.push({
      code: 'busy-machine',
      message: `Other processes keep ${others.toFixed(2)} processors busy${who === undefined ? '' : `, most of all ${who}`}.`,
      action: 'Close or stop them before measuring.',
    });
  }
  const { memory_total_bytes: total, memory_available_bytes: free } = numbers;
  if (total !== undefined && free !== undefined && free < 0.1 * total) {
    warnings.push({
      code: 'little-memory',
      message: `Only ${(free / 1e9).toFixed(1)} GB of ${(total / 1e9).toFixed(1)} GB of memory are free.`,
      action: 'Close other programs.',
    });
  }
  if ((numbers.sleep_overshoot_ns ?? 0) > COARSE_SLEEP_NS) {
    warnings.push({
      code: 'coarse-timer',
      message: `Timers of this system are late by ${((numbers.sleep_overshoot_ns as number) / 1e6).toFixed(1)} ms.`,
      action: 'Switch its power saver off; the tokens themselves are timed by an exact clock.',
    });
  }
  if (texts.virtual_machine !== undefined && texts.virtual_machine !== 'no') {
    warnings.push({
      code: 'virtual-machine',
      message: `This is a virtual machine (${texts.virtual_machine}): other guests share its hardware.`,
      action: 'Measure on the hardware itself for figures that others shall rely on.',
    });
  }
  return warnings;
}

/** What a look at the machine says against measuring now, in the order in which to mend it. */
export function snapshotWarnings(snapshot: NativeSnapshot): Warning[] {
  return [
    ...limitWarnings(snapshot),
    ...heatWarnings(snapshot),
    ...governorWarnings(snapshot),
    ...machineWarnings(snapshot),
    ...powerSourceWarnings(snapshot),
    ...screenWarnings(snapshot),
  ];
}
