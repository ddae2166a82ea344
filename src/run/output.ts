import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { NpuBenchError } from '../errors.js';

/** Room that a document of a few iterations needs; tried before anything is measured. */
const NEEDED_BYTES = 256 * 1024;

const REASONS: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'there is no permission',
  EPERM: 'there is no permission',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file',
  ENAMETOOLONG: 'the name is too long',
};

function refuse(path: string, error: unknown): never {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  throw new NpuBenchError(
    'OUTPUT_WRITE',
    `The output ${path} cannot be written: ${REASONS[code] ?? code}; nothing was measured, choose another --output.`,
    2,
    { cause: error },
  );
}

/**
 * Makes the folder of the output and proves that a document can be written there, before a
 * measurement that may take an hour. Throws NpuBenchError, exit code 2.
 */
export function proveWritable(output: string): void {
  const path = resolve(output);
  const probe = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    makeFolder(dirname(path));
    const existing = statSync(path, { throwIfNoEntry: false });
    if (existing?.isDirectory()) {
      throw new NpuBenchError(
        'OUTPUT_WRITE',
        `The output ${output} is a folder; name a file in it.`,
      );
    }
    if (existing !== undefined && !existing.isFile()) {
      throw new NpuBenchError(
        'OUTPUT_WRITE',
        `The output ${output} is not a regular file; name another one.`,
      );
    }
    const file = openSync(probe, 'wx');
    try {
      writeFileSync(file, Buffer.alloc(NEEDED_BYTES, 0x20));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof NpuBenchError) throw error;
    removeQuietly(probe);
    refuse(output, error);
  }
  removeQuietly(probe);
}

/** Node's own recursive mkdir never returns on file systems that refuse folders, such as /proc. */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  mkdirSync(folder);
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}

/** results/<model>_<device>_<time>.json in the current folder, for a run without --output. */
export function defaultOutput(model: string, device: string, now: Date): string {
  const stamp = now
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.\d+Z$/, 'Z');
  const name = model.replace(/[^\w.-]+/g, '-').slice(0, 80);
  return join('results', `${name}_${device}_${stamp}.json`);
}
