export * from './document.js';
export * from './iteration.js';
export * from './metadata.js';
export * from './metrics.js';
export { migrate } from './migrate.js';
export { checkDocument, MAX_DOCUMENT_BYTES, parseDocument, readDocument } from './read.js';
export * from './results.js';
export * from './values.js';
export { serializeDocument, writeDocument, writeFileAtomic } from './write.js';
