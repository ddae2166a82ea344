import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { NpuBenchError } from '../errors.js';
import type { ResultDocument } from './document.js';

/**
 * Lists of plain numbers, such as token times, go on one line: a document stays readable. A line
 * feed after the bracket cannot occur inside a JSON string, so no text is touched.
 */
function joinNumberLists(json: string): string {
  return json.replace(
    /\[\n\s+((?:[-\d.eE+]+|null)(?:,\s+(?:[-\d.eE+]+|null))*)\s+\]/g,
    (_, body) => {
      return `[${(body as string).replace(/\s+/g, ' ')}]`;
    },
  );
}

/** The document as it is written to disk: indented JSON with a final newline. */
export function serializeDocument(document: ResultDocument): string {
  return `${joinNumberLists(JSON.stringify(document, null, 2))}\n`;
}

/**
 * Replaces `path` by `text` in one step: written beside it, synced, renamed. A reader sees the old
 * file or the whole new one; on failure the old one is left and the message names the path.
 */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch((cleanup: NodeJS.ErrnoException) => {
      if (cleanup.code !== 'ENOENT') throw cleanup;
    });
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    const advice = code === 'ENOENT' ? 'its folder does not exist' : code;
    throw new NpuBenchError(
      'OUTPUT_WRITE',
      `${path} cannot be written: ${advice}; choose another --output.`,
      2,
      {
        cause: error,
      },
    );
  }
}

export function writeDocument(path: string, document: ResultDocument): Promise<void> {
  return writeFileAtomic(path, serializeDocument(document));
}
