import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serializeDocument, writeDocument, writeFileAtomic } from '../../src/schema/index.js';
import { makeDocument } from '../fixtures/make.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npu-bench-write-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('replaces the whole file and leaves nothing beside it', async () => {
  const path = join(folder, 'out.json');
  await writeFile(path, 'old');
  const document = makeDocument({ processes: 2 });
  await writeDocument(path, document);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(document);
  expect(await readdir(folder)).toEqual(['out.json']);
});

test('a folder in the way is one sentence, and nothing is left behind', async () => {
  await expect(writeFileAtomic(join(folder, 'no', 'out.json'), 'x')).rejects.toThrow(
    /out\.json cannot be written: its folder does not exist/,
  );
  await expect(writeFileAtomic(folder, 'x')).rejects.toThrow(/cannot be written/);
  expect(await readdir(folder)).toEqual([]);
});

test('token lists stand on one line, and text that looks like a list is not touched', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, min: 0 })), fc.string(), (values, text) => {
      const document = makeDocument({ processes: 1 });
      const iteration = document.iterations[0];
      if (!iteration) throw new Error('no iteration');
      iteration.token_ms = values;
      document.metadata.model.name = `[ 1, 2 ]\n[\n 3 ]${text}`;
      const written = serializeDocument(document);
      expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(document)));
    }),
    { numRuns: 100 },
  );
  expect(serializeDocument(makeDocument({ processes: 1, tokens: 3 }))).toMatch(
    /"token_ids": \[100, 101\]/,
  );
});
