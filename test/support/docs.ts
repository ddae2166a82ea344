import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { vi } from 'vitest';
import { makeProgram } from '../../src/cli/program.js';
import { COMMANDS } from '../../src/cli/table.js';

// The first case loads every command.
vi.setConfig({ testTimeout: 60_000 });

const root = fileURLToPath(new URL('../../', import.meta.url));

/** README, DEVELOPERS and everything below docs/, as paths below the root. */
export function pages(): string[] {
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return [
    'README.md',
    'DEVELOPERS.md',
    ...below.filter((name) => name.endsWith('.md')).map((name) => join('docs', name)),
  ];
}

export const pageText = (page: string) => readFileSync(join(root, page), 'utf8');

export interface Block {
  language: string;
  text: string;
}

export function codeBlocks(markdown: string): Block[] {
  return [...markdown.matchAll(/^( *)```(\S*)\n([\s\S]*?)^\1```$/gm)].map((match) => ({
    language: match[2] as string,
    text: match[3] as string,
  }));
}

/** Words of a shell command, up to a pipe, a redirection, a separator or a comment. */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  const pattern = /\s*(?:([|>;&#].*)$|((?:"[^"]*"|'[^']*'|[^\s"'|>;&])+))/gy;
  for (const match of line.trim().matchAll(pattern)) {
    if (match[2] === undefined) break;
    words.push(match[2].replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
  }
  return words;
}

/** Arguments of every `npu-bench …` line of a shell text; variables set before it are skipped. */
export function commandLines(text: string): string[][] {
  return text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .flatMap((line) => {
      const match = /^\s*(?:\$ |[A-Z_]+=\S+ |sudo |adb shell )*npu-bench (.*)$/.exec(line);
      return match ? [shellWords(match[1] as string)] : [];
    });
}

export interface Parsed {
  /** Words of the command, such as "history add". */
  command: string;
  options: Record<string, unknown>;
  operands: string[];
}

function silence(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  for (const child of command.commands) silence(child);
}

/** Reads a command line by the program's own definitions without doing it. Throws what they refuse. */
export async function dryParse(args: readonly string[]): Promise<Parsed> {
  const program = await wholeProgram();
  let parsed: Parsed | undefined;
  const intercept = (command: Command, path: readonly string[]): void => {
    for (const child of command.commands) intercept(child, [...path, child.name()]);
    if (
      command.registeredArguments.length === 0 &&
      command.commands.length > 0 &&
      path.length === 0
    )
      return;
    command.action(() => {
      parsed = { command: path.join(' '), options: command.opts(), operands: command.args };
    });
  };
  intercept(program, []);
  silence(program);
  await program.parseAsync(args as string[], { from: 'user' });
  if (parsed === undefined) throw new Error(`npu-bench ${args.join(' ')} does nothing.`);
  return parsed;
}

export async function wholeProgram(): Promise<Command> {
  const program = makeProgram();
  for (const entry of COMMANDS) (await entry.load()).register(program);
  return program;
}
