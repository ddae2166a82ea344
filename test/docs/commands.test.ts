import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { rawOf, runOptions } from '../../src/cli/run-options.js';
import { COMMANDS } from '../../src/cli/table.js';
import { mergeRunOptions } from '../../src/config/file.js';
import { parseRunOptions } from '../../src/config/options.js';
import {
  codeBlocks,
  commandLines,
  dryParse,
  pages,
  pageText,
  shellWords,
  wholeProgram,
} from '../support/docs.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Fails where the program itself would refuse the command line, before it looks for files. */
async function accept(args: readonly string[]): Promise<void> {
  const { command, options } = await dryParse(args);
  const { config, ...rest } = options;
  if (command === 'run' && config === undefined) mergeRunOptions(rawOf(rest), undefined);
  if (command === 'ab') {
    for (const side of [options.a, options.b] as string[]) {
      if (!side.endsWith('.json')) sideOptions(shellWords(side));
    }
  }
}

function sideOptions(words: string[]): void {
  const parser = new Command('side').exitOverride();
  parser.configureOutput({ writeErr: () => {} });
  for (const option of runOptions()) parser.addOption(option);
  parser.parse(words, { from: 'user' });
  parseRunOptions({ model: 'any', ...rawOf(parser.opts()) });
}

describe('shellWords', () => {
  it('splits as a shell does, up to what is no argument', () => {
    expect(shellWords(`run --prompt "The capital of" --x='a b' 5 > out.txt`)).toEqual([
      'run',
      '--prompt',
      'The capital of',
      '--x=a b',
      '5',
    ]);
    expect(shellWords('doctor # looks')).toEqual(['doctor']);
  });
});

describe('the check itself', () => {
  it.each([
    'run --model a --iteration 3',
    'run --model a --iterations 0',
    'run --device cpu',
    'export a.json',
    'export a.json --format pdf --output -',
    'history bseline set main',
    'rnu --model a',
    'ab --a "--thread 1" --b "--threads 2" --model a',
  ])('refuses %s', async (line) => {
    await expect(accept(shellWords(line))).rejects.toThrow();
  });
});

const documented = pages().flatMap((page) =>
  codeBlocks(pageText(page)).flatMap(({ text }) =>
    commandLines(text).map((args) => ({ page, args, line: args.join(' ') })),
  ),
);

describe('command lines of the documentation', () => {
  it('are there', () => {
    expect(documented.length).toBeGreaterThan(30);
  });

  it.each(documented)('$page: npu-bench $line', async ({ args }) => {
    await accept(args);
  });
});

describe('commands within sentences', () => {
  it.each(pages())('%s names only commands and options that exist', async (page) => {
    const program = await wholeProgram();
    const prose = pageText(page).replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
    for (const [, text] of prose.matchAll(/`npu-bench ([^`]+)`/g)) {
      const words = shellWords(text as string);
      if (words[0] === 'COMMAND') continue;
      let command = program;
      for (const word of words) {
        const next = command.commands.find((child) => child.name() === word);
        if (next === undefined) break;
        command = next;
      }
      expect(command.name(), text).not.toBe('npu-bench');
      const known = command
        .createHelp()
        .visibleOptions(command)
        .flatMap((option) => [option.short, option.long]);
      for (const word of words.filter((one) => one.startsWith('-'))) {
        expect(known, text).toContain(word.split('=')[0]);
      }
    }
  });
});

describe('remedies', () => {
  it('name only commands that exist', () => {
    const names = COMMANDS.map(({ name }) => name);
    const texts = ['src', 'native'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(c?ts|cc|h)$/.test(name))
        .map((name) => readFileSync(join(root, folder, name), 'utf8')),
    );
    const named = texts.flatMap((text) => [...text.matchAll(/`npu-bench ([a-z-]+)/g)]);
    expect(named.length).toBeGreaterThan(5);
    for (const [, name] of named) expect(names).toContain(name);
  });
});

describe('links', () => {
  it.each(pages())('of %s lead somewhere', (page) => {
    for (const [, target] of pageText(page).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
      expect(existsSync(join(root, dirname(page), target as string)), target).toBe(true);
    }
  });
});

async function helpOf(name: string): Promise<string> {
  const program = await wholeProgram();
  const command = program.commands.find((one) => one.name() === name) as Command;
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

describe('help texts', () => {
  it.each(COMMANDS.map(({ name }) => name))('%s has examples, and they are right', async (name) => {
    const examples = commandLines((await helpOf(name)).split('Examples:')[1] ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const args of examples) await accept(args);
  });
});

describe('docs/run.md', () => {
  const examples = pageText('docs/run.md')
    .split('\n')
    .flatMap((line) => {
      const row = /^\| `--([\w-]+)[^`]*` \|.*\| `(.+)` \|$/.exec(line);
      return row ? [{ name: row[1] as string, example: row[2] as string }] : [];
    });

  it('has every option, and no other', () => {
    const options = runOptions().filter((option) => !option.hidden);
    expect(examples.map(({ name }) => name).sort()).toEqual(
      options.map((option) => option.name()).sort(),
    );
  });

  it.each(examples)('--$name: $example', async ({ name, example }) => {
    const args = shellWords(example);
    expect(args).toContain(`--${name}`);
    await accept(['run', ...(name === 'model' ? [] : ['--model', 'llama-7b']), ...args]);
  });
});
