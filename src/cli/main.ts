#!/usr/bin/env node
import { Command, CommanderError, Help } from 'commander';
import { NpuBenchError } from '../errors.js';
import { toolVersion } from '../version.js';

interface CommandModule {
  register(program: Command): void;
}

interface Entry {
  name: string;
  description: string;
  load(): Promise<CommandModule>;
}

/** Every command; a module is loaded only when its command is the one that runs. */
const COMMANDS: readonly Entry[] = [
  {
    name: 'run',
    description: 'measure a model on a device and write a result document',
    load: () => import('./commands/run.js'),
  },
  {
    name: 'compare',
    description: 'judge one result document against another',
    load: () => import('./commands/compare.js'),
  },
  {
    name: 'export',
    description: 'turn result documents into JSON, CSV, Markdown or HTML',
    load: () => import('./commands/export.js'),
  },
  {
    name: 'import',
    description: "translate another tool's results into a result document",
    load: () => import('./commands/import.js'),
  },
  {
    name: 'devices',
    description: 'list what can be measured here, and why other devices cannot',
    load: () => import('./commands/devices.js'),
  },
  {
    name: 'doctor',
    description: 'check drivers, libraries, permissions and the machine, with remedies',
    load: () => import('./commands/doctor.js'),
  },
  {
    name: 'models',
    description: 'list named models and found files; inspect one',
    load: () => import('./commands/models.js'),
  },
  {
    name: 'verify',
    description: 'compare the results of a device with the exact reference',
    load: () => import('./commands/verify.js'),
  },
  {
    name: 'bench-self',
    description: "measure this machine's limits and what measuring costs",
    load: () => import('./commands/bench-self.js'),
  },
  {
    name: 'history',
    description: 'keep result documents and look at them over time',
    load: () => import('./commands/history.js'),
  },
];

const EXAMPLES = `
Examples:
  npu-bench run --device cpu --model smollm2-135m --output results/cpu.json
  npu-bench compare results/cpu.json results/npu.json --detailed
  npu-bench export results/npu.json --format html --output report.html

npu-bench COMMAND --help explains a command.`;

function makeProgram(): Command {
  const program = new Command('npu-bench')
    .description('Benchmark of LLMs and embedding models on NPU, CPU and GPU.')
    .version(toolVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', EXAMPLES);
  program.configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, 'npu-bench: ')),
  });
  return program;
}

/** The program's own help needs names only; the named command needs its module. */
async function parse(argv: readonly string[]): Promise<void> {
  const program = makeProgram();
  const words = argv.slice(2);
  const named = words[0] === 'help' ? words[1] : words[0];
  const entry = COMMANDS.find((candidate) => candidate.name === named);
  for (const command of COMMANDS) {
    if (command === entry) (await command.load()).register(program);
    else program.command(command.name).description(command.description).allowExcessArguments();
  }
  if (words.length === 0) {
    process.stderr.write(`${new Help().formatHelp(program, new Help())}${EXAMPLES}\n`);
    process.exitCode = 2;
    return;
  }
  await program.parseAsync(argv);
}

/** The one place where errors are printed. Commander has printed its own already. */
function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof NpuBenchError) {
    process.stderr.write(`npu-bench: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`npu-bench: unexpected failure, please report it: ${text}\n`);
    process.exitCode = 5;
  }
}

// A reader that closes the pipe early (head, less) has seen what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
parse(process.argv).catch(fail);
