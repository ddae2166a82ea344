#!/usr/bin/env node
import { NpuBenchError } from '../errors.js';
import { COMMANDS } from './table.js';

/** The overview is made without the command-line parser, so that it appears at once. */
function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  const commands = COMMANDS.map(
    (command) => `  ${command.name.padEnd(width)}  ${command.description}`,
  );
  return `Usage: npu-bench COMMAND [OPTIONS]

Benchmark of LLMs and embedding models on NPU, CPU and GPU.

Commands:
${commands.join('\n')}

Options:
  -h, --help     print this help; after a command, its own
  -V, --version  print the version

Examples:
  npu-bench run --device cpu --model smollm2-135m --output results/cpu.json
  npu-bench compare results/cpu.json results/npu.json --detailed
  npu-bench export results/npu.json --format html --output report.html
`;
}

async function main(argv: readonly string[]): Promise<void> {
  const words = argv.slice(2);
  if (words.length === 0) {
    process.stderr.write(overview());
    process.exitCode = 2;
  } else if (words.length === 1 && /^(--help|-h|help)$/.test(words[0] as string)) {
    process.stdout.write(overview());
  } else {
    const { runProgram } = await import('./program.js');
    process.exitCode = (await runProgram(argv)) ?? process.exitCode;
  }
}

/** The one place where errors are printed. */
function fail(error: unknown): void {
  if (error instanceof NpuBenchError) {
    process.stderr.write(`npu-bench: ${error.message}\n`);
    process.exitCode = error.exitCode;
    return;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`npu-bench: unexpected failure, please report it: ${text}\n`);
  process.exitCode = 5;
}

// A reader that closes the pipe early (head, less) has seen what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
main(process.argv).catch(fail);
