import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { exportReport } from '../../src/export/index.js';
import { hostileInput, input } from '../support/reports.js';

const PLACES = ['/usr/bin/soffice', '/usr/bin/libreoffice'];
const soffice = process.env.SOFFICE_PATH ?? PLACES.find((place) => existsSync(place));

if (soffice === undefined) {
  console.warn('Skipped: no LibreOffice found; install it or set SOFFICE_PATH to check the CSV.');
}

/** Cells of a flat OpenDocument table, as type and text or value. */
function cellsOf(fods: string): { type: string; value?: string | undefined; formula: boolean }[] {
  return [...fods.matchAll(/<table:table-cell([^>]*?)\/?>/gu)].map(([, attributes = '']) => ({
    type: /office:value-type="(\w+)"/u.exec(attributes)?.[1] ?? 'empty',
    value: /office:value="([^"]+)"/u.exec(attributes)?.[1],
    formula: attributes.includes('table:formula'),
  }));
}

test.skipIf(soffice === undefined)(
  'LibreOffice reads numbers as numbers and no text as a formula',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'npu-bench-csv-'));
    try {
      const source = input('a.json');
      const inputs = [source, hostileInput('=1+1'), hostileInput('@SUM(A1)')];
      const csv = exportReport(inputs, { format: 'csv', level: 'iterations' });
      await writeFile(join(folder, 'out.csv'), csv);
      await promisify(execFile)(
        soffice as string,
        [
          `-env:UserInstallation=file://${folder}/profile`,
          '--headless',
          '--convert-to',
          'fods',
          '--outdir',
          folder,
          join(folder, 'out.csv'),
        ],
        { timeout: 110_000 },
      );
      const cells = cellsOf(await readFile(join(folder, 'out.fods'), 'utf8'));
      const numbers = cells
        .filter(({ type }) => type === 'float')
        .map(({ value }) => Number(value));
      for (const { cold_start_ms: cold, peak_memory_mb: memory } of source.document.iterations) {
        expect(numbers).toContain(cold);
        expect(numbers).toContain(memory);
      }
      expect(numbers.length).toBeGreaterThan(9 * 15);
      expect(cells.filter(({ formula }) => formula)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  120_000,
);
