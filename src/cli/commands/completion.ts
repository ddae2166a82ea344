import { Argument, type Command } from 'commander';
import { describeCommands } from '../completion/describe.js';
import { bashScript, fishScript, SHELLS, type Shell, zshScript } from '../completion/scripts.js';
import { makeProgram } from '../program.js';
import { COMMANDS } from '../table.js';

const HELP = `
Examples:
  npu-bench completion bash > ~/.local/share/bash-completion/completions/npu-bench
  npu-bench completion zsh > ~/.zfunc/_npu-bench
  npu-bench completion fish > ~/.config/fish/completions/npu-bench.fish

zsh finds the file if ~/.zfunc is in fpath before compinit is called. The script holds the options of
this version: write it again after an update.`;

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** Every command is registered here, so that the script says what the program itself accepts. */
async function completion(shell: Shell): Promise<void> {
  const program = makeProgram();
  for (const entry of COMMANDS) (await entry.load()).register(program);
  const summaries = new Map(COMMANDS.map(({ name, description }) => [name, description]));
  process.stdout.write(SCRIPTS[shell](describeCommands(program, summaries)));
}

export function register(program: Command): void {
  program
    .command('completion')
    .description('Print a script that completes commands and options in a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', HELP)
    .action(completion);
}
