import { Command, CommanderError } from 'commander';
import { toolVersion } from '../version.js';
import { COMMANDS } from './table.js';

/**
 * The program without its commands. Its own options stand before the command, since one of them,
 * `runtime install`, has a --version of its own.
 */
export function makeProgram(): Command {
  const program = new Command('npu-bench')
    .version(toolVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride();
  program.configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, 'npu-bench: ')),
  });
  return program;
}

/**
 * Runs the command that `argv` names; only its module is loaded. Returns the exit code that the
 * command line itself asks for, if any: 2 for a usage error, which has been printed.
 */
export async function runProgram(argv: readonly string[]): Promise<number | undefined> {
  const program = makeProgram();
  const named = argv[2] === 'help' ? argv[3] : argv[2];
  for (const command of COMMANDS) {
    if (command.name === named) (await command.load()).register(program);
    else program.command(command.name).description(command.description).allowExcessArguments();
  }
  try {
    await program.parseAsync(argv);
    return undefined;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}
