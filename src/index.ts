/** Library interface: measure, read documents, compare them. Only `runBenchmark` needs the addon. */
export * from './compare/index.js';
export { mergeRunOptions } from './config/file.js';
export { parseRunOptions, type RawOptions, type RunOptions } from './config/options.js';
export { NpuBenchError } from './errors.js';
export { type RunEvent, type RunHooks, type RunOutcome, runBenchmark } from './run/index.js';
export * from './schema/index.js';
export { toolVersion } from './version.js';
