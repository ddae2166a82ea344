import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pageText } from '../support/docs.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

const sources = ['src', 'native/core', 'native/bench']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(c?ts|cc|h)$/.test(name))
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  )
  .join('\n');

/** Codes in the first cells of the tables that list codes or warnings. */
function codesOf(page: string): string[] {
  const tables = pageText(page).matchAll(/^\| (?:code|warning) \|.*\n\|[-|]+\n((?:\|.*\n)+)/gm);
  return [...tables].flatMap(([, rows]) =>
    (rows as string)
      .split('\n')
      .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g)])
      .map(([, code]) => code as string),
  );
}

describe('codes in docs/troubleshooting.md', () => {
  const codes = codesOf('docs/troubleshooting.md');

  it('are there', () => {
    expect(codes.length).toBeGreaterThan(15);
  });

  it.each(codes)('%s is one that the program gives', (code) => {
    const native = code.includes('-') && sources.includes(code.replaceAll('-', '_'));
    expect(native || sources.includes(`'${code}'`)).toBe(true);
  });
});
