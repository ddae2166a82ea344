import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeAddon } from '../support/cli.js';
import { codeBlocks, pageText } from '../support/docs.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** scripts/test-package.mjs runs the examples of an installed package, on the Node it is installed for. */
const installed = process.env.NPB_INSTALLED;
const node = process.env.NPB_NODE ?? process.execPath;

/** Examples in the order of the pages; TypeScript checks them, and Node runs what comes out. */
const examples = ['docs/library.md', 'README.md'].flatMap((page) =>
  codeBlocks(pageText(page))
    .filter(({ language }) => language === 'ts' || language === 'js')
    .map(({ text }, i) => ({ title: `${page}, example ${i + 1}`, text })),
);

let folder: string;

beforeAll(() => {
  // Within the package, so that its own name leads to dist as it does for those who installed it.
  const parent = installed ?? join(root, 'build');
  mkdirSync(parent, { recursive: true });
  folder = mkdtempSync(join(parent, 'docs-examples-'));
  if (installed !== undefined) writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(folder, 'results'));
  for (const name of ['baseline', 'current']) {
    cpSync(
      join(root, 'test/fixtures/specification-example.json'),
      join(folder, `results/${name}.json`),
    );
  }
  for (const [i, { text }] of examples.entries()) writeFileSync(join(folder, `e${i}.ts`), text);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        ...{ target: 'ES2022', module: 'NodeNext', lib: ['ES2023'], types: ['node'] },
        typeRoots: [join(root, 'node_modules/@types')],
        ...{ strict: true, exactOptionalPropertyTypes: true },
        ...{ noUnusedLocals: true, verbatimModuleSyntax: true, noEmitOnError: true },
      },
      include: ['*.ts'],
    }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('examples of the library', () => {
  it('are what TypeScript accepts', { timeout: 120_000 }, () => {
    expect(examples.length).toBeGreaterThan(5);
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(status).toBe(0);
    expect(existsSync(join(folder, 'e0.js'))).toBe(true);
  });

  it.each(examples.map(({ title }, i) => ({ title, i })))(
    '$title runs',
    { timeout: 120_000 },
    ({ i }) => {
      const output = execFileSync(node, [join(folder, `e${i}.js`)], {
        cwd: folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          NPU_BENCH_TEST_BINDING: fakeAddon,
          NPU_BENCH_CACHE: join(folder, 'cache'),
        },
      });
      expect(output.trim()).not.toBe('');
      expect(output).not.toMatch(/undefined|NaN/);
    },
  );
});
