import type { NativeRecording } from '../native/binding.js';
import type { Warning } from '../schema/values.js';
import type { Noise } from './noise.js';
import { isStuck, type PowerReport } from './power.js';
import type { Throttling } from './throttling.js';

/** Bounds above which a condition is worth a warning; a quiet machine stays below all of them. */
export const BOUNDS = {
  othersCores: 0.25,
  /** A few of the kernel's ticks, so that one of them in a short window is no neighbour. */
  othersNs: 60e6,
  /** Time given to other guests that held tokens up: see `lostShare`. */
  stealShare: 0.02,
  lostShare: 0.02,
  /** So much of it disturbs whatever the tokens show. */
  heavyStealShare: 0.1,
  memoryPressure: 0.02,
  majorFaults: 50,
  swapGrowthBytes: 16e6,
  samplerShare: 0.02,
  lateShare: 0.2,
} as const;

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

const THROTTLING_ACTIONS: Record<Throttling['cause'], string> = {
  heat: 'Cool the device or wait between iterations (--cooldown 60s, or a temperature such as --cooldown 45C).',
  'clock limit': 'Set the performance governor or power profile, or plug the device in.',
  'cpu quota': 'Raise the quota of the container or control group, or run outside of it.',
  stopped:
    'End what stops and continues the process (cpulimit, a debugger, a power saver), and run again.',
  unknown: 'Repeat with --cooldown, and close other programs; look at the clocks in the report.',
};

const THROTTLING_CODES: Record<Throttling['cause'], string> = {
  heat: 'throttling',
  'clock limit': 'frequency-limited',
  'cpu quota': 'cpu-quota',
  stopped: 'stalled',
  unknown: 'slowing-down',
};

export function throttlingWarning(throttling: Throttling | undefined): Warning[] {
  if (throttling === undefined) return [];
  const what = {
    heat: 'The device throttled because of heat',
    'clock limit': 'A clock was held below its maximum',
    'cpu quota': 'The processor was rationed',
    stopped: 'The process was stopped and continued',
    unknown: 'The speed fell during the iteration',
  }[throttling.cause];
  return [
    {
      code: THROTTLING_CODES[throttling.cause],
      message: `${what}: ${throttling.evidence.join('; ')}.`,
      action: THROTTLING_ACTIONS[throttling.cause],
    },
  ];
}

/** Steal that no token felt is a fact of the document, not an alarm. */
function stealDisturbs(stealShare: number, lostShare: number | undefined): boolean {
  if (stealShare > BOUNDS.heavyStealShare) return true;
  return (
    stealShare > BOUNDS.stealShare && (lostShare === undefined || lostShare > BOUNDS.lostShare)
  );
}

export function noiseWarnings(noise: Noise): Warning[] {
  const warnings: Warning[] = [];
  const { othersCores, stealShare, memoryPressure, majorFaults, swapGrowthBytes } = noise;
  if (
    othersCores !== undefined &&
    othersCores > BOUNDS.othersCores &&
    (noise.othersNs ?? 0) > BOUNDS.othersNs
  ) {
    const named =
      noise.busiest !== undefined && (noise.busiestCores ?? 0) > 0.5 * BOUNDS.othersCores
        ? `, most of all ${noise.busiest}`
        : '';
    warnings.push({
      code: 'noisy-neighbour',
      message: `Other processes kept ${othersCores.toFixed(2)} processors busy while the device was measured${named}.`,
      action: 'Close or stop them, and run again.',
    });
  }
  if (stealShare !== undefined && stealDisturbs(stealShare, noise.lostShare)) {
    const held =
      noise.lostShare === undefined ? '' : `; held-up tokens cost ${percent(noise.lostShare)}`;
    warnings.push({
      code: 'steal',
      message: `The hypervisor gave ${percent(stealShare)} of the processors' time to other guests${held}.`,
      action: 'Measure on a machine of its own, or when the host is quiet.',
    });
  }
  if (
    (memoryPressure !== undefined && memoryPressure > BOUNDS.memoryPressure) ||
    (majorFaults !== undefined && majorFaults > BOUNDS.majorFaults) ||
    (swapGrowthBytes !== undefined && swapGrowthBytes > BOUNDS.swapGrowthBytes)
  ) {
    const parts = [
      ...(memoryPressure ? [`tasks waited for memory ${percent(memoryPressure)} of the time`] : []),
      ...(majorFaults ? [`${majorFaults} page faults went to the disk`] : []),
      ...(swapGrowthBytes && swapGrowthBytes > 0
        ? [`swap grew by ${(swapGrowthBytes / 1e6).toFixed(0)} MB`]
        : []),
    ];
    warnings.push({
      code: 'memory-pressure',
      message: `The model doesn't fit in the free memory: ${parts.join(', ')}.`,
      action: 'Close other programs, or choose a smaller model or quantisation.',
    });
  }
  return warnings;
}

/** What should be known about the power figures themselves. */
export function powerWarnings(
  recording: NativeRecording,
  report: PowerReport | undefined,
): Warning[] {
  if (isStuck(recording)) {
    return [
      {
        code: 'stale-power',
        message:
          'The energy counter of this machine did not move during the run, so no power is given.',
        action: 'Check its driver, or name an external meter with --meter-command.',
      },
    ];
  }
  if (report === undefined || report.total.resolved) return [];
  const { joules, boundJ, durationNs } = report.total;
  return [
    {
      code: 'energy-unresolved',
      message: `The power source updates every ${(report.intervalNs / 1e6).toFixed(0)} ms, too slowly for an iteration of ${(durationNs / 1e6).toFixed(0)} ms: its energy is ${joules.toPrecision(3)} J ± ${boundJ.toPrecision(2)} J.`,
      action: 'Raise --output-length, or use a faster source such as an external meter.',
    },
  ];
}

/** What the sampler cost and whether it kept its pace. */
export function samplerWarnings(recording: NativeRecording): Warning[] {
  const wallNs = recording.endNs - recording.beginNs;
  const share = wallNs > 0 ? recording.samplerCpuNs / wallNs : 0;
  const late = recording.ticks > 0 ? recording.lateTicks / recording.ticks : 0;
  const warnings: Warning[] = [];
  if (share > BOUNDS.samplerShare) {
    warnings.push({
      code: 'sampler-cost',
      message: `Reading the telemetry took ${percent(share)} of one processor.`,
      action: 'Raise --sample-interval.',
    });
  }
  if (late > BOUNDS.lateShare && recording.ticks >= 20) {
    warnings.push({
      code: 'sampler-late',
      message: `${percent(late)} of the telemetry's readings came late: all processors were busy.`,
      action: 'Leave a processor free with --threads, or raise --sample-interval.',
    });
  }
  return warnings;
}
