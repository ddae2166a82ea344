import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ResultDocument } from '../schema/document.js';
import { checkDocument } from '../schema/read.js';
import { writeDocument } from '../schema/write.js';

/** Writes the document; if its place fails during a run, to the temporary folder instead. */
export class DocumentFile {
  #rescued: string | undefined;

  constructor(readonly path: string | undefined) {}

  get place(): string | undefined {
    return this.#rescued ?? this.path;
  }

  get moved(): boolean {
    return this.#rescued !== undefined;
  }

  async save(document: ResultDocument): Promise<void> {
    const valid = checkDocument(document, 'the new document');
    const place = this.place;
    if (place === undefined) return;
    try {
      await writeDocument(place, valid);
    } catch (error) {
      if (this.#rescued !== undefined) throw error;
      this.#rescued = join(tmpdir(), `npu-bench-rescued-${process.pid}-${basename(place)}`);
      document.warnings.push({
        code: 'output-moved',
        message: `${(error as Error).message.replace(/; choose another --output\.$/, '')}, so the document went to ${this.#rescued}.`,
        action: 'Make room, and move it to where you want it.',
      });
      await writeDocument(this.#rescued, document);
    }
  }
}
