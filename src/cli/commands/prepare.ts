import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { mergeRunOptions } from '../../config/file.js';
import { NpuBenchError } from '../../errors.js';
import { cacheDirectory } from '../../models/cache.js';
import { withHelper } from '../../native/helper.js';
import { backendExtras, modelName, resolveModel } from '../../run/plan.js';
import { bytesText } from '../format.js';
import { rawOf, runOptions } from '../run-options.js';

const HELP = `
Examples:
  npu-bench prepare --soc SM8650 --model ./SmolLM2-135M-Instruct.Q4_1.gguf --output x.bin
  npu-bench models inspect x.bin
  npu-bench run --model x.bin

The runtime's own offline preparation does the work: on an x86-64 machine with Qualcomm's SDK for any
chip, on a device for its own chip. Lengths and batch are part of the compiled graphs: the run that
takes them up must ask for the same.`;

/** Options of `run` that shape the compiled graphs. */
const SHAPING = new Set([
  'model',
  'batch-size',
  'input-length',
  'output-length',
  'precision',
  'quantization',
  'seed',
  'model-dir',
  'qnn-lib',
  'runtime',
]);
const DEFAULT_INPUT_LENGTH = 512;

/** Moves a file, also onto another file system. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copyFileSync(from, to);
  }
}

interface Flags {
  soc: string;
  output: string;
}

async function prepare({ soc, output, ...flags }: Flags): Promise<void> {
  const options = mergeRunOptions(rawOf(flags));
  const extra = { ...backendExtras(options), qnn_soc: soc };
  const target = resolve(output);
  mkdirSync(dirname(target), { recursive: true });
  // Beside the target, where there is room for it and a rename is enough.
  const folder = mkdtempSync(join(dirname(target), '.npu-bench-prepare-'));
  try {
    const name = await withHelper(async (helper) => {
      const { model, description } = await resolveModel(helper, options, extra);
      const input = options['input-length'] ?? DEFAULT_INPUT_LENGTH;
      const encoder = description.family === 'encoder';
      process.stderr.write(`Preparing ${modelName(model)} for ${soc}…\n`);
      await helper.call(
        'prepare',
        { ...model, contextTokens: input + (encoder ? 0 : options['output-length']) },
        {
          backend: 'qnn',
          batch: options['batch-size'],
          maxTokens: input + (encoder ? 0 : options['output-length']),
          maxStepTokens: input,
          precision: options.precision,
          threads: 0,
          extra,
        },
        folder,
      );
      return readdirSync(folder).find((entry) => entry.endsWith('.bin'));
    });
    if (name === undefined) {
      throw new NpuBenchError(
        'PREPARE',
        'The runtime prepared nothing; see NPU_BENCH_QNN_LOG=3.',
        5,
      );
    }
    move(join(folder, name), target);
    const { description } = await withHelper((helper) =>
      resolveModel(helper, { ...options, model: target, quantization: undefined }, extra),
    );
    const made = description.metadata.map(([key, value]) => `${key} ${value}`).join(', ');
    process.stdout.write(
      [
        `Prepared: ${output} (${bytesText(description.fileSizeBytes)}; ${made})`,
        `As it is: npu-bench run --model ${basename(output)}`,
        'As the language model on that chip, with the same runtime version, lengths and batch: copy it to',
        `${join(cacheDirectory(), 'packed', name)} there, and run the model with --packed-cache on.`,
        '',
      ].join('\n'),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function register(program: Command): void {
  const command = program
    .command('prepare')
    .description('Compile a model ahead of time for a Snapdragon chip into a QNN context binary.')
    .requiredOption('--soc <name>', "the chip: SM8650, or Qualcomm's number for it such as 57")
    .requiredOption('--output <file>', 'the context binary');
  for (const option of runOptions()) if (SHAPING.has(option.name())) command.addOption(option);
  command.addHelpText('after', HELP).action(prepare);
}
