import type { ResultDocument } from '../schema/index.js';
import { buildImported, type ImportedFile } from './build.js';
import { importError } from './checks.js';
import { importExecutorch, isExecutorch } from './executorch.js';
import { importGeniex } from './geniex.js';
import type { ImportOverrides } from './ledger.js';
import { importLitertLm, isLitertLm } from './litert-lm.js';
import { importLlamaBench } from './llama-bench.js';

export type { ImportOverrides, LedgerEntry, LedgerKind } from './ledger.js';

export const IMPORT_TOOLS = ['llama-bench', 'geniex-bench', 'executorch', 'litert-lm'] as const;
export type ImportTool = (typeof IMPORT_TOOLS)[number];

export interface ImportOptions extends ImportOverrides {
  /** The tool that wrote the text; found out from the text if absent. */
  readonly from?: ImportTool;
  /** When it was measured, for tools that don't say; such as the file's own time. */
  readonly timestamp?: string;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not an error yet: the text may be lines of JSON or a log.
    return undefined;
  }
}

/** The objects of a JSON list, or of JSON lines. */
function jsonRows(text: string): unknown[] | undefined {
  const whole = parseJson(text);
  if (Array.isArray(whole)) return whole;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const rows = lines.map(parseJson);
  return rows.length > 0 && rows.every((row) => row !== undefined) ? rows : undefined;
}

function isRecordWith(value: unknown, ...keys: string[]): boolean {
  return (
    typeof value === 'object' && value !== null && keys.every((key) => Object.hasOwn(value, key))
  );
}

function detect(text: string): ImportTool | undefined {
  const whole = parseJson(text);
  if (isRecordWith(whole, 'plugin', 'runs')) return 'geniex-bench';
  if (isRecordWith(jsonRows(text)?.[0], 'n_prompt', 'n_gen')) return 'llama-bench';
  if (isExecutorch(text)) return 'executorch';
  return isLitertLm(text) ? 'litert-lm' : undefined;
}

function translate(
  tool: ImportTool,
  text: string,
  file: string,
  options: ImportOptions,
): ImportedFile {
  const timestamp = options.timestamp ?? new Date(0).toISOString();
  switch (tool) {
    case 'llama-bench': {
      const rows = jsonRows(text);
      if (!rows) throw importError(`${file} is not JSON or JSONL; run llama-bench with -o json.`);
      return importLlamaBench(rows, file, options);
    }
    case 'geniex-bench': {
      const cell = parseJson(text);
      if (cell === undefined) {
        throw importError(`${file} is not JSON; run geniex-bench with --output-json.`);
      }
      return importGeniex(cell, file, options, timestamp);
    }
    case 'executorch':
      return importExecutorch(text, file, options);
    case 'litert-lm':
      return importLitertLm(text, file, options, timestamp);
  }
}

/**
 * Translates another tool's results into a result document. What was lost, computed or means
 * something else is listed in `metadata.imported.ledger`. Throws NpuBenchError (exit code 2).
 */
export function importResult(
  text: string,
  file: string,
  options: ImportOptions = {},
): ResultDocument {
  const clean = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  const tool = options.from ?? detect(clean);
  if (tool === undefined) {
    throw importError(
      `${file} is of no tool that can be imported (${IMPORT_TOOLS.join(', ')}); name the tool with --from.`,
    );
  }
  return buildImported(translate(tool, clean, file, options), file);
}
