import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { register } from '../../src/cli/commands/export.js';
import { NpuBenchError } from '../../src/errors.js';
import { serializeDocument } from '../../src/schema/index.js';
import { makeReportDocument } from '../support/make-document.js';

let folder: string;
let written: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npu-bench-export-'));
  written = [];
  const keep = (chunk: unknown) => {
    written.push(String(chunk));
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  await writeFile(join(folder, 'a.json'), serializeDocument(makeReportDocument()));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function run(...words: string[]): Promise<void> {
  const program = new Command().exitOverride();
  program.configureOutput({ writeErr: () => undefined });
  register(program);
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync(['export', ...words], { from: 'user' });
}

async function failure(...words: string[]): Promise<NpuBenchError> {
  const error = await run(...words).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NpuBenchError);
  return error as NpuBenchError;
}

const path = (name: string) => join(folder, name);

describe('export', () => {
  test.each(['json', 'csv', 'markdown', 'html'])('writes %s, making the folder', async (format) => {
    await run(path('a.json'), '--format', format, '--output', path(`reports/out.${format}`));
    expect((await readFile(path(`reports/out.${format}`), 'utf8')).length).toBeGreaterThan(500);
    expect(await readdir(path('reports'))).toEqual([`out.${format}`]);
  });

  test('JSON is the default, and - is standard output', async () => {
    await run(path('a.json'), '--output', '-');
    expect(JSON.parse(written.join('')).schema.id).toBe('npu-bench/result');
  });

  test('--output is required', async () => {
    await expect(run(path('a.json'))).rejects.toThrow(/--output/);
  });

  test('--normalize takes a file or a device', async () => {
    const cpu = makeReportDocument({ device: 'cpu' });
    await writeFile(path('cpu.json'), serializeDocument(cpu));
    const words = [path('a.json'), '--normalize', '--output', '-'];
    await run(...words, '--reference', path('cpu.json'));
    const { metrics } = JSON.parse(written.join('')).normalized;
    expect(metrics['latency.cold_start_ms'].improvement).toBeGreaterThan(1.5);
    written = [];
    await run(path('cpu.json'), ...words, '--reference', 'cpu');
    expect(JSON.parse(written.join('')).documents).toHaveLength(2);
  });

  const bad: [name: string, content: string | undefined, message: RegExp][] = [
    ['missing.json', undefined, /missing\.json does not exist/],
    ['text.json', 'hello', /text\.json is not JSON: \$ has/],
    ['cut.json', '{"metadata": {"timestamp": "2024', /cut\.json is not JSON: \$\.metadata/],
    ['other.json', '{"schema": {"id": "x/y", "version": 1}}', /other\.json: \$\.schema\.id/],
    ['shape.json', '{"metadata": {}, "results": {}, "iterations": []}', /shape\.json: \$\./],
  ];
  test.each(bad)(
    '%s is one sentence, exit code 2 and no output',
    async (name, content, message) => {
      if (content !== undefined) await writeFile(path(name), content);
      const error = await failure(path('a.json'), path(name), '--output', path('out.json'));
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain('\n');
      expect(error.exitCode).toBe(2);
      expect(await readdir(folder)).not.toContain('out.json');
    },
  );

  test('negative times, NaN and Infinity are refused with their JSON path', async () => {
    const text = serializeDocument(makeReportDocument());
    for (const [value, message] of [
      ['-1', /\$\.iterations\[0\]\.cold_start_ms/],
      ['NaN', /is not JSON: \$\.iterations\[0\]\.cold_start_ms/],
      ['1e999', /\$\.iterations\[0\]\.cold_start_ms/],
    ] as const) {
      const broken = text.replace(/("iteration": 1,[^}]*?"cold_start_ms": )[\d.]+/u, `$1${value}`);
      expect(broken).not.toBe(text);
      await writeFile(path('bad.json'), broken);
      const error = await failure(path('bad.json'), '--output', path('out.json'));
      expect(error.message).toMatch(message);
    }
  });

  test('an old export survives a failing one', async () => {
    await writeFile(path('out.html'), 'old');
    await failure(
      path('a.json'),
      '--format',
      'html',
      '--filter',
      'nope',
      '--output',
      path('out.html'),
    );
    expect(await readFile(path('out.html'), 'utf8')).toBe('old');
  });

  test('refuses to replace its input, and options without effect', async () => {
    const a = path('a.json');
    expect((await failure(a, '--output', a)).message).toMatch(/is also an input/);
    expect((await failure(a, '--output', '-', '--level', 'tokens')).message).toMatch(/is for CSV/);
    expect((await failure(a, '--output', '-', '--reference', 'cpu')).message).toMatch(
      /add --normalize/,
    );
    expect((await failure(a, '--output', join(a, 'x.json'))).message).toMatch(/cannot be made/);
    if (process.platform === 'linux') {
      const error = await failure(a, '--output', '/proc/none/deep/x.json');
      expect(error.message).toMatch(/cannot be made \(ENOENT\)/);
    }
  });
});
