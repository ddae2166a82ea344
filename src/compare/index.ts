export {
  compareDocuments,
  compareRuns,
  DEFAULT_THRESHOLD,
  type NamedDocument,
} from './compare.js';
export { combineVerdicts } from './describe.js';
export { type ExitPolicy, exitCodeOf, type FailOn } from './exit.js';
export { renderCsv, renderJson } from './machine.js';
export { escapeMarkdown, renderMarkdown } from './markdown.js';
export { ratioTable } from './ratios.js';
export { type Run, runsOf } from './runs.js';
export { renderText, type TextOptions } from './text.js';
export * from './types.js';
