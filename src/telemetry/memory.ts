import type { NativeRecording } from '../native/binding.js';
import { cut, mean, peak, seriesOf, type Window } from './window.js';

/** Memory of one window, in bytes; a figure that was not told is absent. */
export interface MemoryReport {
  averageResidentBytes?: number;
  /** Largest reading in the window; a peak between two readings is in the kernel's own mark only. */
  peakResidentBytes?: number;
  /** The kernel's high-water mark at the end of the window, since its last reset. */
  highWaterBytes?: number;
  averageProportionalBytes?: number;
  /** GPU or dma-buf memory of this process, by label, at its highest. */
  deviceBytes: Record<string, number>;
  lowestAvailableBytes?: number;
}

/** Peaks and time-weighted means of this process's memory in a window. */
export function memoryOf(recording: NativeRecording, window: Window): MemoryReport {
  const report: MemoryReport = { deviceBytes: {} };
  const [resident] = seriesOf(recording, 'memory_rss_bytes');
  if (resident !== undefined) {
    const average = mean(resident, window);
    const highest = peak(resident, window);
    if (average !== undefined) report.averageResidentBytes = average;
    if (highest !== undefined) report.peakResidentBytes = highest;
  }
  const [mark] = seriesOf(recording, 'memory_rss_peak_bytes');
  const marks = mark === undefined ? [] : cut(mark, window);
  const lastMark = marks.at(-1)?.value;
  if (lastMark !== undefined) report.highWaterBytes = lastMark;
  const [proportional] = seriesOf(recording, 'memory_pss_bytes');
  const pss = proportional === undefined ? undefined : mean(proportional, window);
  if (pss !== undefined) report.averageProportionalBytes = pss;
  for (const one of seriesOf(recording, 'memory_device_bytes')) {
    const highest = peak(one, window);
    if (highest !== undefined) report.deviceBytes[`${one.source} ${one.label}`] = highest;
  }
  const [available] = seriesOf(recording, 'memory_available_bytes');
  const left = available === undefined ? [] : cut(available, window).map(({ value }) => value);
  if (left.length > 0) report.lowestAvailableBytes = Math.min(...left);
  return report;
}
