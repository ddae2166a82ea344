import { Marked, type Token, type Tokens } from 'marked';
import { describe, expect, test } from 'vitest';
import { exportReport } from '../../src/export/index.js';
import { escapeMarkdown } from '../../src/export/markdown.js';
import { HOSTILE, hostileInput, input, specification } from '../support/reports.js';

const marked = new Marked({ gfm: true });

function tables(text: string): Tokens.Table[] {
  return marked.lexer(text).filter((token): token is Tokens.Table => token.type === 'table');
}

function table(text: string, title: RegExp): string[][] {
  const tokens = marked.lexer(text);
  const at = tokens.findIndex((token) => token.type === 'heading' && title.test(token.text));
  const found = tokens.slice(at).find((token): token is Tokens.Table => token.type === 'table');
  return [found?.header ?? [], ...(found?.rows ?? [])].map((row) =>
    row.map(({ text: cell }) => cell),
  );
}

const decodeEntities = (html: string) =>
  html.replace(/&(?:lt|gt|quot|amp|#39|#64|#36|#58|#46);/gu, (entity) => {
    const code = /#(\d+)/u.exec(entity)?.[1];
    if (code) return String.fromCharCode(Number(code));
    return { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&amp;': '&' }[entity] ?? entity;
  });

describe('escapeMarkdown', () => {
  test.each(HOSTILE)('%j renders as itself', (text) => {
    const rendered = marked.parseInline(escapeMarkdown(text), { async: false });
    expect(rendered).not.toMatch(/<[a-z]/iu);
    expect(decodeEntities(rendered)).toBe(text.replace(/[\r\n\t]+/gu, ' '));
  });
});

describe('Markdown export', () => {
  test("prints the specification's ratios and its scaling", () => {
    const devices = exportReport(['cpu', 'npu', 'gpu'].map(specification), { format: 'markdown' });
    expect(table(devices, /Performance ratios/u).map((row) => row.join(' '))).toEqual([
      'Metric NPU GPU',
      'Cold Start Speedup 7.5× 3.6×',
      'First Token Speedup 7.5× 3.3×',
      'Throughput Speedup 10.2× 4.5×',
      'Power Efficiency 2.0× 1.3×',
      'Energy Efficiency 20.7× 5.6×',
      'Memory per Token 0.75× 1.31×',
    ]);
    const batches = [1, 2, 4, 8, 16].map((size) => specification(`batch-${size}`));
    const scaling = table(exportReport(batches, { format: 'markdown' }), /Scaling/u);
    const throughput = scaling[0]?.findIndex((label) => label.startsWith('Throughput')) ?? 0;
    expect(scaling.slice(1).map((row) => [row[0], row[throughput]])).toEqual([
      ['1', '54.10'],
      ['2', '105.3'],
      ['4', '187.5'],
      ['8', '285.2'],
      ['16', '312.1'],
    ]);
  });

  test('shows the published figures of one device', () => {
    const text = exportReport([specification('example')], { format: 'markdown' });
    expect(table(text, /All metrics/u)).toContainEqual([
      'Cold start (ms)',
      '245.3',
      '12.50',
      '232.1',
      '243.2',
      '265.8',
      '–',
    ]);
    expect(table(text, /Iterations/u)[1]?.[1]).toBe('247.2');
  });

  test('metadata of the system only where it is asked for', () => {
    const source = input('a.json');
    expect(exportReport([source], { format: 'markdown' })).not.toContain('6.1.75');
    expect(exportReport([source], { format: 'markdown', includeMetadata: true })).toContain(
      '6.1.75',
    );
  });

  test('simulated, synthetic and made-up figures are announced', () => {
    const text = exportReport([input('a.json', { simulated: true, synthetic: true })], {
      format: 'markdown',
    });
    for (const title of ['Simulated device', 'Synthetic weights', 'Example data']) {
      expect(text).toContain(`> **${title}.**`);
    }
  });

  test.each(HOSTILE)('%j breaks no table and runs nothing', (text) => {
    const output = exportReport([hostileInput(text), input('b.json', { seed: 5 })], {
      format: 'markdown',
      includeMetadata: true,
    });
    for (const found of tables(output)) {
      for (const row of found.rows) expect(row).toHaveLength(found.header.length);
    }
    const kinds = new Set<string>();
    void marked.walkTokens(marked.lexer(output), (token: Token) => {
      kinds.add(token.type);
    });
    for (const kind of ['link', 'image', 'html', 'code', 'codespan', 'del']) {
      expect(kinds).not.toContain(kind);
    }
  });
});
