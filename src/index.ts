/** Library interface: measure, read documents, compare and export them. Only `runBenchmark` needs the addon. */
export * from './compare/index.js';
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
export { type ImportOptions, type ImportTool, importResult } from './import/index.js';
export { type RunEvent, type RunHooks, type RunOutcome, runBenchmark } from './run/index.js';
export * from './schema/index.js';
export { toolVersion } from './version.js';
