import { existsSync } from 'node:fs';
import { NpuBenchError } from '../errors.js';
import type { CaseRecord, ResultDocument } from '../schema/document.js';
import { readDocument } from '../schema/read.js';
import type { SweepRecord } from './document.js';

export interface EarlierSweep {
  readonly document: ResultDocument;
  readonly cases: readonly CaseRecord[];
  readonly sweep: SweepRecord;
}

/** Options that change no figure: another value is the same sweep. */
const FREE = new Set(['timeout', 'verbose', 'model-dir', 'cooldown', 'label']);

function settings(options: Readonly<Record<string, unknown>>): string {
  const kept = Object.entries(options).filter(([key]) => !FREE.has(key));
  return JSON.stringify(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The unfinished sweep at `path` to go on with; undefined if there is none yet. Throws
 * NpuBenchError where the file is no sweep, or one with other options.
 */
export async function readEarlierSweep(
  path: string,
  options: Readonly<Record<string, unknown>>,
  runs: number,
): Promise<EarlierSweep | undefined> {
  if (!existsSync(path)) return undefined;
  const document = await readDocument(path);
  const sweep = document.sweep as SweepRecord | undefined;
  if (document.cases === undefined || sweep?.steps === undefined) {
    throw new NpuBenchError('RESUME', `${path} is no sweep; name another --output.`);
  }
  if (settings(sweep.options) !== settings(options)) {
    throw new NpuBenchError(
      'RESUME',
      `${path} cannot be resumed: its common options are ${JSON.stringify(sweep.options)}; use the same, or another --output.`,
    );
  }
  if (sweep.runs > 1 !== runs > 1) {
    throw new NpuBenchError(
      'RESUME',
      `${path} cannot be resumed: it was made with --runs ${sweep.runs}; use the same, or another --output.`,
    );
  }
  return { document, cases: document.cases, sweep };
}
