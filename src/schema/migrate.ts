import { NpuBenchError } from '../errors.js';
import { SCHEMA_ID, SCHEMA_VERSION } from './document.js';

/**
 * Brings a parsed document of any known age to the present form, without checking the rest of it.
 * The specification's own form carries no `schema`; it is the present form with nothing added.
 */
export function migrate(raw: Record<string, unknown>, fileName: string): Record<string, unknown> {
  const schema = raw.schema;
  if (schema === undefined) return raw;
  const { id, version } = (schema ?? {}) as { id?: unknown; version?: unknown };
  if (id !== SCHEMA_ID) {
    const own = typeof id === 'string' && id.startsWith('npu-bench/');
    const remedy = own
      ? 'give the document that `npu-bench run` wrote'
      : 'use `npu-bench import` for results of other tools';
    throw new NpuBenchError(
      'DOCUMENT_SCHEMA',
      `${fileName}: $.schema.id is ${JSON.stringify(id) ?? 'missing'} where "${SCHEMA_ID}" is read; ${remedy}.`,
    );
  }
  if (typeof version === 'number' && version > SCHEMA_VERSION) {
    throw new NpuBenchError(
      'DOCUMENT_NEWER',
      `${fileName}: $.schema.version is ${version}, but this npu-bench reads up to version ${SCHEMA_VERSION}; update npu-proxy-benchmark to read it.`,
    );
  }
  return raw;
}
