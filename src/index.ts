/** Library interface: measure, read documents, compare and export them. Only `runBenchmark` needs the addon. */
export { type AbHooks, type AbOutcome, type AbSpec, runAb } from './ab/ab.js';
export * from './compare/index.js';
export { compareDocuments as compare } from './compare/index.js';
export { mergeRunOptions } from './config/file.js';
export { parseRunOptions, type RawOptions, type RunOptions } from './config/options.js';
export { NpuBenchError } from './errors.js';
export {
  type CsvLevel,
  type ExportFormat,
  type ExportOptions,
  exportReport,
  type ReportInput,
} from './export/index.js';
export * from './history/index.js';
export { type ImportOptions, type ImportTool, importResult } from './import/index.js';
export type { RunEvent, RunHooks, RunOutcome } from './run/index.js';
export * from './schema/index.js';
export * as schema from './schema/index.js';
export * as stats from './stats/index.js';
export { axesOf } from './sweep/axes.js';
export { runSweep, type SweepHooks, type SweepOutcome, type SweepSpec } from './sweep/sweep.js';
export { toolVersion } from './version.js';

import { parseRunOptions, type RunOptions } from './config/options.js';
import { type RunHooks, type RunOutcome, runBenchmark as run } from './run/index.js';

/**
 * Measures a model, with the options of `npu-bench run` by their names there; what is left out has
 * its default. Throws NpuBenchError for what the caller can put right; a crash or a hang while
 * measuring is a fault in the document.
 */
export function runBenchmark(
  options: Partial<RunOptions> & { model: string },
  hooks?: RunHooks,
): Promise<RunOutcome> {
  return run(parseRunOptions(options), hooks);
}
