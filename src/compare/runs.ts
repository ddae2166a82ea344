import { casesOf, type ResultDocument } from '../schema/document.js';
import type { Iteration } from '../schema/iteration.js';
import type { Metadata } from '../schema/metadata.js';
import { blockOf, METRICS, sampleOf } from '../schema/metrics.js';
import type { StatisticBlock, Unavailable, Warning } from '../schema/values.js';
import { median } from '../stats/basics.js';

/** The samples of one metric in one document, by the process that made them. */
export interface RunSamples {
  readonly processes: readonly (readonly number[])[];
  readonly block?: StatisticBlock | undefined;
}

/** What `compare` needs of one case of one document; token lists and telemetry are left behind. */
export interface Run {
  readonly file: string;
  readonly caseName: string;
  readonly metadata: Metadata;
  readonly status: ResultDocument['status'];
  readonly samples: ReadonlyMap<string, RunSamples>;
  readonly processCount: number;
  readonly faultyIterations: number;
  /** Whether an iteration began on battery; undefined where that is not known. */
  readonly onBattery: boolean | undefined;
  readonly warnings: readonly Warning[];
  readonly unavailable: readonly Unavailable[];
}

const COLD_START = 'latency.cold_start_ms';

/** A cold start is one process by definition, whatever its iteration's number says. */
function processKey(metric: string, iteration: Iteration, index: number): number {
  return metric === COLD_START ? index : (iteration.process ?? -1);
}

function samplesOf(document: ResultDocument, iterations: readonly Iteration[]) {
  const samples = new Map<string, RunSamples>();
  for (const metric of METRICS) {
    const groups = new Map<number, number[]>();
    iterations.forEach((iteration, index) => {
      const value = sampleOf(iteration, metric);
      if (value === undefined) return;
      const key = processKey(metric.id, iteration, index);
      const group = groups.get(key);
      if (group) group.push(value);
      else groups.set(key, [value]);
    });
    const block = blockOf(document.results, metric);
    if (groups.size > 0 || block) {
      samples.set(metric.id, { processes: [...groups.values()], block });
    }
  }
  return samples;
}

function onBattery(iterations: readonly Iteration[]): boolean | undefined {
  const known = iterations.flatMap((iteration) => iteration.hygiene?.before?.on_battery ?? []);
  return known.length > 0 ? known.includes(true) : undefined;
}

/** One run per case of the document. Iterations with a fault are left out and counted. */
export function runsOf(document: ResultDocument, file: string): Run[] {
  const several = document.cases !== undefined;
  return casesOf(document).map((entry) => {
    const sound = entry.iterations.filter((iteration) => !iteration.faults?.length);
    return {
      file,
      caseName: several ? (entry.metadata.label ?? '') : '',
      metadata: entry.metadata,
      status: entry.status,
      samples: samplesOf(entry, sound),
      processCount: new Set(sound.map((iteration) => iteration.process ?? -1)).size,
      faultyIterations: entry.iterations.length - sound.length,
      onBattery: onBattery(sound),
      warnings: entry.warnings,
      unavailable: entry.unavailable,
    };
  });
}

/** The median over a run's processes of their own medians. */
export function runMedian(samples: RunSamples): number {
  return median(samples.processes.map((values) => median(values)));
}
