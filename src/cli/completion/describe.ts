import type { Command, Option } from 'commander';
import { DEVICES, PRECISIONS } from '../../config/options.js';
import { BACKENDS } from '../../devices/choose.js';

/** What may stand at a place of the command line: one of some words, a path, or anything. */
export type Values =
  | { kind: 'none' }
  | { kind: 'words'; words: readonly string[] }
  | { kind: 'files' }
  | { kind: 'folders' };

export interface OptionShape {
  /** With their dashes: "-h", "--help". */
  names: readonly string[];
  text: string;
  /** Undefined for a switch. */
  value?: Values;
}

export interface CommandShape {
  /** Words after the program's name, such as ["history", "add"]; empty for the program itself. */
  path: readonly string[];
  text: string;
  options: readonly OptionShape[];
  /** Next words that go deeper; empty for a command that does something. */
  children: readonly { name: string; text: string }[];
  operands: Values;
}

/** Values of options that `run` checks itself, so that commander does not know them. */
const KNOWN: Record<string, readonly string[]> = {
  device: DEVICES,
  devices: DEVICES,
  backend: BACKENDS,
  precision: PRECISIONS,
  quantization: ['int8', 'int4', 'f16', 'f32'],
  'cold-start': ['on', 'off'],
  'decode-ahead': ['on', 'off'],
  'packed-cache': ['on', 'off'],
  cache: ['drop', 'keep'],
};

function valuesOf(option: Option): Values | undefined {
  if (!option.required && !option.optional) return undefined;
  const words = option.argChoices ?? KNOWN[option.name()];
  if (words !== undefined) return { kind: 'words', words };
  const placeholder = /[<[](.+?)[>\]]$/.exec(option.flags)?.[1] ?? '';
  if (/folder/.test(placeholder)) return { kind: 'folders' };
  if (/file/.test(placeholder) || option.name() === 'model') return { kind: 'files' };
  return { kind: 'none' };
}

function operandsOf(command: Command): Values {
  const [first] = command.registeredArguments;
  if (first === undefined) return { kind: 'none' };
  return first.argChoices ? { kind: 'words', words: first.argChoices } : { kind: 'files' };
}

/**
 * The program and all its commands, depth first. `summaries` replaces the descriptions of the
 * commands of the first level by the short ones of the overview.
 */
export function describeCommands(
  program: Command,
  summaries: ReadonlyMap<string, string>,
): CommandShape[] {
  const shapes: CommandShape[] = [];
  const visit = (command: Command, path: readonly string[], text: string): void => {
    const help = command.createHelp();
    const children =
      command.commands.length > 0
        ? help.visibleCommands(command).filter((child) => child.name() !== 'help')
        : [];
    const described = children.map((child) => ({
      name: child.name(),
      text:
        (path.length === 0 ? summaries.get(child.name()) : undefined) ??
        help.subcommandDescription(child),
      child,
    }));
    shapes.push({
      path,
      text,
      options: help.visibleOptions(command).map((option) => {
        const value = valuesOf(option);
        const names = [option.short, option.long].filter((name) => name != null);
        return { names, text: option.description, ...(value && { value }) };
      }),
      children: described.map(({ name, text: summary }) => ({ name, text: summary })),
      operands: operandsOf(command),
    });
    for (const { child, name, text: summary } of described) visit(child, [...path, name], summary);
  };
  visit(program, [], '');
  return shapes;
}
