import type { NativeRecording, NativeSeries } from '../native/binding.js';
import type { Iteration } from '../schema/iteration.js';
import type { Unavailable, Warning } from '../schema/values.js';
import type { SampleMessage } from './messages.js';
import { uncountedDeviceBytes } from './metrics.js';

/** What the telemetry adds to an iteration, and what it could not tell. */
export interface Observation {
  iteration: Partial<Iteration>;
  unavailable: Unavailable[];
  warnings: Warning[];
  /** How power was taken, for `results.power`. */
  power?: Record<string, unknown>;
}

function meanWithin(series: NativeSeries, beginNs: number, endNs: number): number | undefined {
  let sum = 0;
  let count = 0;
  let last: number | undefined;
  for (let i = 0; i < series.tNs.length; i += 1) {
    const t = series.tNs[i] as number;
    if (t > endNs) break;
    last = series.values[i] as number;
    if (t < beginNs) continue;
    sum += last;
    count += 1;
  }
  return count > 0 ? sum / count : last;
}

export function observe(
  sample: SampleMessage,
  recording: NativeRecording,
  _idle: NativeRecording,
): Observation {
  const { warm, session } = sample;
  const endNs = warm.tokenNs[warm.tokenNs.length - 1] as number;
  const resident = recording.series.find((one) => one.quantity === 'memory_rss_bytes');
  const mean = resident && meanWithin(resident, warm.beginNs, endNs);
  return {
    iteration:
      mean === undefined ? {} : { average_memory_mb: (mean + uncountedDeviceBytes(session)) / 1e6 },
    unavailable: [],
    warnings: [],
  };
}
