import { Command, CommanderError, Option } from 'commander';
import { type AbOutcome, runAb } from '../../ab/ab.js';
import { splitWords } from '../../ab/words.js';
import { DEFAULT_THRESHOLD } from '../../compare/compare.js';
import { exitCodeOf, type FailOn } from '../../compare/exit.js';
import { renderJson } from '../../compare/machine.js';
import { renderText } from '../../compare/text.js';
import { readConfigFile } from '../../config/file.js';
import { parseRunOptions, type RawOptions, type RunOptions } from '../../config/options.js';
import { NpuBenchError } from '../../errors.js';
import { defaultOutput } from '../../run/output.js';
import { figure } from '../format.js';
import { interruptible } from '../interrupt.js';
import { Progress } from '../progress.js';
import { rawOf, runOptions } from '../run-options.js';

const HELP = `
A and B are options of \`run\` in one word, or config files (.json); all other options are common to
both. Every sample is a fresh process, in the order A B B A, so that heat and other programs meet
both sides alike, and right after a short reference kernel that tells the machine's speed.

Examples:
  npu-bench ab --a "--threads 1" --b "--threads 2" --device cpu --model smollm2-135m
  npu-bench ab --a "--backend vulkan" --b "--backend opencl" --model llama-7b --iterations 20
  npu-bench ab --a old.json --b new.json --output results/change

Exit codes: as for compare (0 no regression of B against A, 1 regression, 4 inconclusive under
--fail-on inconclusive); 2 usage or missing device, 5 a side failed in part or in whole, 130
interrupted.`;

const NOT_SHARED = ['output', 'json', 'resume', 'strict', 'profile', 'verify'];
const DEFAULT_ITERATIONS = 10;

interface OwnFlags {
  a: string;
  b: string;
  output?: string;
  json?: boolean;
  threshold: string;
  metric: string[];
  failOn?: FailOn;
  detailed?: boolean;
  config?: string;
}

const OWN = new Set(['a', 'b', 'output', 'json', 'threshold', 'metric', 'fail-on', 'detailed']);

/** Options of one side: flags in one word, or a config file. */
function sideOptions(name: 'a' | 'b', text: string): RawOptions {
  const words = splitWords(text);
  if (words.length === 1 && words[0]?.endsWith('.json')) return readConfigFile(words[0]);
  const parser = new Command(`--${name}`).exitOverride().helpOption(false);
  for (const option of runOptions([...NOT_SHARED, 'config'])) parser.addOption(option);
  parser.configureOutput({ writeErr: () => {} });
  try {
    return rawOf(parser.parse(words, { from: 'user' }).opts());
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const reason = error.message.replace(/^error: /, '');
    throw new NpuBenchError(
      'OPTION',
      `--${name} "${text}" is not understood: ${reason}; give options of \`npu-bench run\`, or a .json file of them.`,
    );
  }
}

/** Says which side a mistake is on. */
function onSide<T>(name: 'a' | 'b', use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof NpuBenchError)) throw error;
    throw new NpuBenchError(
      error.code,
      `Side ${name.toUpperCase()} (--${name}): ${error.message}`,
      error.exitCode,
      { cause: error },
    );
  }
}

function thresholdOf(text: string): number {
  const value = Number(text.trim().replace(/%$/, '') || Number.NaN);
  if (value >= 0 && value < 100) return value;
  throw new NpuBenchError(
    'OPTION',
    `--threshold must be a percentage from 0 to below 100, such as 5, not "${text}".`,
  );
}

function sidesOf(flags: Record<string, unknown>): { a: RunOptions; b: RunOptions } {
  const own = flags as unknown as OwnFlags;
  const fromFile = own.config === undefined ? {} : readConfigFile(own.config);
  const given = Object.entries(rawOf(flags)).filter(
    ([name]) => !OWN.has(name) && name !== 'config',
  );
  const common = { iterations: DEFAULT_ITERATIONS, ...fromFile, ...Object.fromEntries(given) };
  const [a, b] = (['a', 'b'] as const).map((name) => {
    const raw: RawOptions = { ...common, ...sideOptions(name, own[name]) };
    for (const left of NOT_SHARED) delete raw[left];
    return onSide(name, () => parseRunOptions(raw));
  }) as [RunOptions, RunOptions];
  if (JSON.stringify(a) === JSON.stringify(b)) {
    process.stderr.write(
      'npu-bench: A and B are the same configuration; the result shows how far equal runs differ.\n',
    );
  }
  return { a, b };
}

/** NAME.a.json and NAME.b.json; NAME without its own .json. */
function outputsOf(output: string | undefined, model: string): [string, string] {
  const name = (output ?? defaultOutput(model, 'ab', new Date())).replace(/\.json$/, '');
  return [`${name}.a.json`, `${name}.b.json`];
}

function adjustedLines({ adjusted }: AbOutcome): string[] {
  return adjusted.map(({ metric, by, deviation, adjustedDeviation, adjustedRatio, ratio }) => {
    const change = (value: number) => `${value >= 1 ? '+' : ''}${((value - 1) * 100).toFixed(1)} %`;
    const speed = by === 'f32_gflop_s' ? 'arithmetic' : 'memory reading';
    return `${metric.label}, with the speed of the reference kernel's ${speed} taken out: ${change(adjustedRatio)} (as measured ${change(ratio)}); the spread falls from ${(100 * deviation).toFixed(1)} % to ${(100 * adjustedDeviation).toFixed(1)} %.`;
  });
}

function referenceLine({ steps }: AbOutcome): string {
  const range = (values: number[]) =>
    `${figure(Math.min(...values))} to ${figure(Math.max(...values))}`;
  const reads = steps.map(({ reference }) => reference.read_bandwidth_gb_s);
  const flops = steps.map(({ reference }) => reference.f32_gflop_s);
  return `Reference kernel before the samples: ${range(reads)} GB/s, ${range(flops)} GFLOP/s.`;
}

function print(outcome: AbOutcome, flags: OwnFlags, exitCode: number): void {
  const { comparison, documents, paths, steps } = outcome;
  const faults = documents.flatMap((document, side) =>
    (document.faults ?? []).map((fault) => `${side === 0 ? 'A' : 'B'}: ${fault.message}`),
  );
  for (const fault of faults) process.stderr.write(`npu-bench: ${fault}\n`);
  if (comparison === undefined) return;
  if (flags.json) {
    process.stdout.write(renderJson(comparison, exitCode as Parameters<typeof renderJson>[1]));
    return;
  }
  const color = process.stdout.isTTY === true && !process.env.NO_COLOR;
  const order = steps.map(({ side }) => side).join(' ');
  process.stdout.write(
    [
      `A: ${flags.a}\nB: ${flags.b}\nOrder: ${order}\n${referenceLine(outcome)}`,
      renderText(comparison, { colors: color, detailed: flags.detailed }).trimEnd(),
      ...adjustedLines(outcome),
      `Documents: ${paths.join(', ')}\n`,
    ].join('\n\n'),
  );
}

async function ab(flags: Record<string, unknown>): Promise<void> {
  const own = flags as unknown as OwnFlags;
  const sides = sidesOf(flags);
  const progress = new Progress(process.stderr, sides.a.verbose);
  const interruption = interruptible();
  try {
    const outcome = await runAb(
      {
        ...sides,
        describe: [own.a, own.b],
        outputs: outputsOf(own.output, sides.a.model),
        threshold: thresholdOf(own.threshold),
        metrics: own.metric,
      },
      {
        signal: interruption.signal,
        onPlan: (total) => progress.begin(total, `an A/B session of ${total} processes`),
        onStep: ({ side }) => progress.event({ type: 'wait', reason: `side ${side}` }),
        onEvent: (event) => progress.event(event),
      },
    );
    progress.end();
    const verdict =
      outcome.comparison === undefined
        ? 5
        : exitCodeOf(outcome.comparison, own.failOn === undefined ? {} : { failOn: own.failOn });
    process.exitCode = outcome.interrupted ? 130 : outcome.faulty ? 5 : verdict;
    print(outcome, own, verdict);
  } finally {
    progress.end();
    interruption.done();
  }
}

export function register(program: Command): void {
  const command = program
    .command('ab')
    .description('Compare two configurations, measured in turns: A B B A.')
    .requiredOption('--a <options>', 'options of `run` for A, or a .json file of them')
    .requiredOption('--b <options>', 'options of `run` for B, or a .json file of them')
    .option('--threshold <percent>', 'changes up to this are no regression', `${DEFAULT_THRESHOLD}`)
    .option(
      '--metric <id>',
      'gate this metric instead of the primary ones (repeatable)',
      (value: string, earlier: string[]) => [...earlier, value],
      [],
    )
    .addOption(
      new Option('--fail-on <verdict>', 'when to exit with 1 or 4 (default: regression)').choices([
        'regression',
        'inconclusive',
        'never',
      ]),
    )
    .option('--detailed', 'every metric with its evidence')
    .option('--output <name>', 'NAME.a.json and NAME.b.json (default: results/MODEL_ab_TIME)')
    .option('--json', 'print the comparison as JSON');
  for (const option of runOptions(NOT_SHARED)) command.addOption(option);
  command.addHelpText('after', HELP).action(ab);
}
