import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { z } from 'zod';
import { NpuBenchError } from '../errors.js';
import { type ResultDocument, ResultDocumentSchema } from './document.js';
import {
  formatPath,
  locateSyntaxFault,
  MAX_DEPTH,
  nestingBound,
  type SyntaxFault,
} from './locate.js';
import { migrate } from './migrate.js';

/** A thousand iterations of four thousand tokens with telemetry stay well below this. */
export const MAX_DOCUMENT_BYTES = 256e6;
const PROBE_BYTES = 4096;

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  return value;
}

/** The deepest issue of a union is the one that names the real fault. */
function firstIssue(error: z.ZodError): z.core.$ZodIssue {
  const issue = error.issues[0] as z.core.$ZodIssue;
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
  return inner ? { ...inner, path: [...issue.path, ...inner.path] } : issue;
}

/** One clause for an issue, without the path: "must be a number, not \"fast\"". */
function describeIssue(issue: z.core.$ZodIssue, root: unknown): string {
  const value = valueAt(root, issue.path);
  switch (issue.code) {
    case 'invalid_type': {
      const expected = {
        object: 'an object',
        array: 'a list',
        string: 'text',
        record: 'an object',
      };
      const name = expected[issue.expected as keyof typeof expected] ?? `a ${issue.expected}`;
      if (value === undefined) return `is missing; it must be ${name}`;
      if (value === Infinity || value === -Infinity) return 'is too large for a number';
      return `must be ${name}, not ${typeName(value)}`;
    }
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at least ${issue.minimum}, not ${typeName(value)}`
        : 'must not be empty';
    case 'invalid_value':
      return `must be ${issue.values.map((entry) => JSON.stringify(entry)).join(', ')}, not ${typeName(value)}`;
    case 'custom':
      return issue.message;
    default:
      return `${issue.message}, not ${typeName(value)}`;
  }
}

function parseJson(text: string, fileName: string): unknown {
  let fault: SyntaxFault | undefined;
  if (nestingBound(text) > MAX_DEPTH) fault = locateSyntaxFault(text);
  if (fault === undefined) {
    try {
      return JSON.parse(text);
    } catch (error) {
      fault = locateSyntaxFault(text);
      if (fault === undefined) throw error;
    }
  }
  throw new NpuBenchError(
    'DOCUMENT_SYNTAX',
    `${fileName} is not JSON: ${fault.path} has ${fault.found} at line ${fault.line}, column ${fault.column}.`,
  );
}

/**
 * Parses and checks one document. `fileName` is used in messages only. Throws NpuBenchError (exit
 * code 2) with file and JSON path in one sentence.
 */
export function parseDocument(text: string, fileName: string): ResultDocument {
  const raw = parseJson(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text, fileName);
  return checkDocument(raw, fileName);
}

/** The same for a value that is already parsed, such as one that an importer has built. */
export function checkDocument(raw: unknown, fileName: string): ResultDocument {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw new NpuBenchError(
      'DOCUMENT_SCHEMA',
      `${fileName}: $ must be an object with metadata, results and iterations, not ${typeName(raw)}.`,
    );
  }
  const migrated = migrate(raw as Record<string, unknown>, fileName);
  const result = ResultDocumentSchema.safeParse(migrated);
  if (result.success) return result.data;
  const issue = firstIssue(result.error);
  throw new NpuBenchError(
    'DOCUMENT_SCHEMA',
    `${fileName}: ${formatPath(issue.path)} ${describeIssue(issue, migrated)}.`,
  );
}

/** Refuses by size, and by the first bytes, before anything large is held in memory. */
async function readGuarded(handle: FileHandle, path: string): Promise<string> {
  const stat = await handle.stat();
  if (stat.isDirectory()) {
    throw new NpuBenchError('DOCUMENT_READ', `${path} is a folder; name a result document in it.`);
  }
  if (stat.size > MAX_DOCUMENT_BYTES) {
    throw new NpuBenchError(
      'DOCUMENT_TOO_LARGE',
      `${path} has ${(stat.size / 1e6).toFixed(0)} MB; result documents are read up to ${MAX_DOCUMENT_BYTES / 1e6} MB.`,
    );
  }
  if (stat.isFile()) {
    const probe = Buffer.alloc(PROBE_BYTES);
    const { bytesRead } = await handle.read(probe, 0, PROBE_BYTES, 0);
    const head = probe.subarray(0, bytesRead).toString('utf8');
    if (bytesRead === 0) throw new NpuBenchError('DOCUMENT_SYNTAX', `${path} is empty.`);
    if (!/^\ufeff?\s*(\{|$)/u.test(head) || head.includes('\0')) parseJson(head, path);
  }
  return handle.readFile('utf8');
}

/** Reads one document from disk; every failure is one sentence that names the file. */
export async function readDocument(path: string): Promise<ResultDocument> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'ENOENT' ? 'does not exist' : `cannot be opened (${code})`;
    throw new NpuBenchError(
      'DOCUMENT_READ',
      `${path} ${reason}; give the path of a result document.`,
      2,
      {
        cause: error,
      },
    );
  }
  let text: string;
  try {
    text = await readGuarded(handle, path);
  } catch (error) {
    if (error instanceof NpuBenchError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new NpuBenchError('DOCUMENT_READ', `${path} cannot be read (${code}).`, 2, {
      cause: error,
    });
  } finally {
    await handle.close();
  }
  return parseDocument(text, path);
}
