import { type Command, Option } from 'commander';
import { mergeRunOptions } from '../../config/file.js';
import { DEVICES, PRECISIONS, type RawOptions } from '../../config/options.js';
import { type RunOutcome, runBenchmark } from '../../run/index.js';
import { serializeDocument } from '../../schema/write.js';
import { interruptible } from '../interrupt.js';
import { Progress } from '../progress.js';
import { summaryText } from '../summary.js';

const HELP = `
Examples:
  npu-bench run --model llama-7b --output results/npu_baseline.json
  npu-bench run --device cpu --model ./SmolLM2-135M-Instruct.Q4_1.gguf \\
    --prompt "The capital of France is" --output-length 16 --verbose
  npu-bench run --device gpu --model bge-small --batch-size 32 --input-length 256 \\
    --output-length 1 --iterations 10

A model is a .gguf file, a safetensors folder, or a name: first a file of that name in --model-dir,
NPU_BENCH_MODELS and the cache, then a named architecture with synthetic weights.

Exit codes: 0 measured, 2 usage or missing device, 5 the measurement failed in part or in whole (the
document says where), 130 interrupted (finished iterations are in the document).`;

function addOptions(command: Command): Command {
  const hidden = (flags: string, text: string) => new Option(flags, text).hideHelp();
  return command
    .option('--device <device>', `${DEVICES.join(', ')} (default: npu)`)
    .option('--backend <name>', 'qnn, xnnpack, vulkan, opencl or reference (default: by device)')
    .option('--model <name>', 'model identifier or path (required)')
    .option('--iterations <n>', 'recorded iterations (default: 5)')
    .option('--batch-size <n>', 'sequences per batch (default: 1)')
    .option('--input-length <n>', 'input tokens per sequence (default: 512, or the prompt)')
    .option('--output-length <n>', 'output tokens per sequence (default: 128)')
    .option('--warmup <n>', 'unrecorded iterations before each recorded one (default: 1)')
    .option('--output <file>', 'result document (default: results/MODEL_DEVICE_TIME.json)')
    .option('--verbose', 'detailed log on standard error, generated text in the summary')
    .option('--threads <n>', 'processor threads (default: one per performance core)')
    .option('--prompt <text>', 'input text; --input-length then follows from it')
    .option('--prompt-tokens <ids>', 'input as token ids, such as 5,9,33')
    .option(
      '--precision <format>',
      `${PRECISIONS.join(', ')} (default: auto, the fastest per tensor)`,
    )
    .option(
      '--quantization <type>',
      'type of synthetic weights: int8, int4, f16, f32 or a GGUF type (default: int8)',
    )
    .option('--seed <n>', 'seed of synthetic prompt and weights (default: 0)')
    .option('--cold-start <on|off>', 'measure a cold start in each process (default: on)')
    .option('--cache <drop|keep>', "the model file's pages before a cold start (default: drop)")
    .option('--packed-cache <on|off>', 'keep prepared weights on disk (default: off)')
    .option('--processes <n>', 'processes that share the iterations (default: one for each)')
    .option('--sample-interval <ms>', 'period of the telemetry (default: 10)')
    .option('--timeout <s>', 'longest silence of the measured process (default: 600)')
    .option('--cooldown <time|temperature>', 'wait between processes: 30s or 45C')
    .option('--config <file>', 'JSON file with any of these options; the command line wins')
    .option('--json', 'print the document alone on standard output')
    .option('--profile', 'add a profiled run: time per operation')
    .option('--verify', 'compare the results with the exact reference afterwards (slow)')
    .option('--strict', 'refuse a run that is not sound')
    .option('--resume', 'go on with an unfinished --output')
    .option('--label <text>', 'a name for this run in the document')
    .option('--model-dir <folder>', 'look for models here first')
    .option('--gpu-index <n>', 'which GPU, as `devices` numbers them')
    .option('--qnn-lib <folder>', "folder of Qualcomm's QNN libraries")
    .option('--perf-profile <name>', 'performance profile of the NPU (default: burst)')
    .option('--meter-command <command>', 'external power meter: prints lines of "seconds watts"')
    .addOption(hidden('--sysfs-root <folder>', 'tests only: read telemetry below this folder'));
}

/** Flags of a kind that other benchmarks use, and what they are called here. */
const ELSEWHERE: Record<string, string> = {
  '--iters': '--iterations',
  '--repetitions': '--iterations',
  '--runs': '--iterations',
  '--batch': '--batch-size',
  '--n-prompt': '--input-length',
  '--prompt-length': '--input-length',
  '--n-gen': '--output-length',
  '--n-predict': '--output-length',
  '--max-tokens': '--output-length',
  '--warmup-iterations': '--warmup',
  '--num-threads': '--threads',
  '--out': '--output',
  '--quant': '--quantization',
};

function explainUnknown(text: string): string {
  const flag = /unknown option '(--[\w-]+)/.exec(text)?.[1];
  const ours = flag === undefined ? undefined : ELSEWHERE[flag];
  if (ours === undefined) return text.replace(/^error: /, 'npu-bench: ');
  return `npu-bench: unknown option '${flag}'; here it is called ${ours}.\n`;
}

function toRaw(flags: Record<string, unknown>): { raw: RawOptions; config: string | undefined } {
  const { config, ...rest } = flags;
  const raw: RawOptions = {};
  for (const [key, value] of Object.entries(rest)) {
    raw[key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)] = value;
  }
  return { raw, config: config as string | undefined };
}

function print(outcome: RunOutcome, json: boolean, verbose: boolean): void {
  const { document, path, unsound } = outcome;
  if (json) {
    process.stdout.write(serializeDocument(document));
  } else {
    const text = document.generated_text;
    const said = verbose && typeof text === 'string' ? `\n\nGenerated text:\n${text}` : '';
    const place = path === undefined ? '' : `\n\nDocument: ${path} (${document.status})`;
    process.stdout.write(`${summaryText(document)}${said}${place}\n`);
  }
  if (unsound.length > 0) {
    process.stderr.write(`npu-bench: not sound under --strict: ${unsound.join('; ')}.\n`);
  }
  if (json && document.faults?.[0] !== undefined) {
    process.stderr.write(`npu-bench: ${document.faults[0].message}\n`);
  }
}

async function run(flags: Record<string, unknown>): Promise<void> {
  const { raw, config } = toRaw(flags);
  const options = mergeRunOptions(raw, config);
  const progress = new Progress(process.stderr, options.verbose);
  const interruption = interruptible();
  try {
    const outcome = await runBenchmark(options, {
      signal: interruption.signal,
      onPlan: (plan) => progress.plan(plan),
      onEvent: (event) => progress.event(event),
    });
    progress.end();
    print(outcome, options.json, options.verbose);
    process.exitCode = outcome.exitCode;
  } finally {
    progress.end();
    interruption.done();
  }
}

export function register(program: Command): void {
  const command = program
    .command('run')
    .description(
      'Measure a model on a device: cold start, first token, later tokens, memory, power.',
    );
  addOptions(command).addHelpText('after', HELP).action(run);
  command.configureOutput({ outputError: (text, write) => write(explainUnknown(text)) });
}
