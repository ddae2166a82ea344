import type { Command } from 'commander';
import { mergeRunOptions } from '../../config/file.js';
import { type RunOutcome, runBenchmark } from '../../run/index.js';
import { serializeDocument } from '../../schema/write.js';
import { interruptible } from '../interrupt.js';
import { Progress } from '../progress.js';
import { rawOf, runOptions } from '../run-options.js';
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
  const { config, ...rest } = flags;
  const options = mergeRunOptions(rawOf(rest), config as string | undefined);
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
  for (const option of runOptions()) command.addOption(option);
  command.addHelpText('after', HELP).action(run);
  command.configureOutput({ outputError: (text, write) => write(explainUnknown(text)) });
}
