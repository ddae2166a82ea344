import type { ResultDocument } from '../schema/index.js';
import { groupBy } from './cases.js';
import { formatNumber } from './format.js';
import type { Table } from './tables.js';

const MAX_OPERATIONS = 20;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** "92 of 100 (sound)", from the score that a run gives itself; it is no part of the schema. */
export function soundnessText(document: ResultDocument): string | undefined {
  const soundness: unknown = document.soundness;
  if (!isRecord(soundness) || typeof soundness.score !== 'number') return undefined;
  const verdict = typeof soundness.verdict === 'string' ? ` (${soundness.verdict})` : '';
  return `${formatNumber(soundness.score, 0)} of 100${verdict}`;
}

/** Which device did how much of the arithmetic. */
export function placementTable({ results }: ResultDocument): Table {
  return {
    caption: 'Where the work ran',
    columns: [
      { label: 'Device' },
      { label: 'Backend' },
      { label: 'Operations', numeric: true },
      { label: 'Share of multiply-adds', numeric: true },
    ],
    rows: (results.placement ?? []).map((entry) => [
      entry.device,
      entry.backend ?? null,
      entry.op_count == null ? null : formatNumber(entry.op_count, 0),
      entry.share_percent == null ? null : `${formatNumber(entry.share_percent, 2)} %`,
    ]),
  };
}

interface OperationTime {
  readonly op: string;
  readonly calls: number;
  readonly totalMs: number;
}

/** The profile of a run that was asked for one; entries of another shape are passed over. */
function operationTimes({ results }: ResultDocument): OperationTime[] {
  const profile: unknown = results.profile;
  if (!Array.isArray(profile)) return [];
  const entries = profile.flatMap((entry: unknown) => {
    if (!isRecord(entry)) return [];
    const { op, calls, total_ms: totalMs } = entry;
    if (typeof op !== 'string' || typeof totalMs !== 'number') return [];
    return [{ op, calls: typeof calls === 'number' ? calls : 0, totalMs }];
  });
  return [...groupBy(entries, ({ op }) => op)]
    .map(([op, group]) => ({
      op,
      calls: group.reduce((sum, { calls }) => sum + calls, 0),
      totalMs: group.reduce((sum, { totalMs }) => sum + totalMs, 0),
    }))
    .sort((a, b) => b.totalMs - a.totalMs);
}

/** Time by kind of operation, longest first. */
export function profileTable(document: ResultDocument): Table {
  const times = operationTimes(document);
  const whole = times.reduce((sum, { totalMs }) => sum + totalMs, 0);
  return {
    caption: 'Time by operation',
    columns: [
      { label: 'Operation' },
      { label: 'Calls', numeric: true },
      { label: 'Time (ms)', numeric: true },
      { label: 'Share', numeric: true },
    ],
    rows: times
      .slice(0, MAX_OPERATIONS)
      .map(({ op, calls, totalMs }) => [
        op,
        formatNumber(calls, 0),
        formatNumber(totalMs),
        `${formatNumber((100 * totalMs) / whole, 1)} %`,
      ]),
    note: 'From a run with the profiler on, which slows it down: the shares count, not the times.',
  };
}

/**
 * Memory by purpose in MB: the document's, or the largest of its iterations. What the process held at its
 * peak beyond the purposes is the last part; the peaks themselves are wholes, not parts.
 */
export function memoryByPurpose(document: ResultDocument): [name: string, mb: number][] {
  const sources = [
    document.results.memory?.by_purpose_mb,
    ...document.iterations.map(({ memory_mb: memory }) => memory),
  ];
  const largest = new Map<string, number>();
  for (const source of sources) {
    for (const [name, value] of Object.entries(source ?? {})) {
      // The high-water marks of the process are wholes and not parts.
      if (value && !/resident/u.test(name))
        largest.set(name, Math.max(value, largest.get(name) ?? 0));
    }
  }
  const peak = largest.get('peak_resident');
  const parts = [...largest].filter(([name]) => !name.startsWith('peak_resident'));
  const known = parts.reduce((sum, [, value]) => sum + value, 0);
  if (peak !== undefined && peak > known) parts.push(['rest of the process', peak - known]);
  return parts;
}
