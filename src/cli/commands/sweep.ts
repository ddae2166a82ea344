import { type Command, Option } from 'commander';
import { readConfigFile } from '../../config/file.js';
import { NpuBenchError } from '../../errors.js';
import { defaultOutput } from '../../run/output.js';
import { serializeDocument } from '../../schema/write.js';
import { AXES, axesOf } from '../../sweep/axes.js';
import { ORDERS, type Order } from '../../sweep/order.js';
import { runSweep, type SweepOutcome, type SweepSpec } from '../../sweep/sweep.js';
import { repeatabilityTable, scalingTable } from '../../sweep/table.js';
import { wrap } from '../format.js';
import { interruptible } from '../interrupt.js';
import { Progress } from '../progress.js';
import { rawOf, runOptions } from '../run-options.js';

const HELP = `
Lists have commas between their values; every combination is a case. All options of \`run\` that are
not varied apply to every case; each case takes --iterations processes. In --order random (default)
and interleaved every round measures each case once, so that heat and other programs meet all alike.

Examples:
  npu-bench sweep --device cpu --model llama-7b --batch-sizes 1,2,4,8,16 --output sweep.json
  npu-bench sweep --model smollm2-135m --device cpu --threads-list 1,2,4 --input-lengths 64,512
  npu-bench sweep --model bge-small --devices npu,gpu,cpu --skip-unavailable
  npu-bench sweep --device cpu --model llama-7b --batch-sizes 1,4 --runs 3 --run-pause 60
  npu-bench export sweep.json --format html --output sweep.html

Exit codes: 0 measured, 2 usage or missing device, 5 a case failed in part or in whole (the document
says where), 130 interrupted (finished iterations are in the document; go on with --resume).`;

/** Options of `run` that mean something else for a sweep, or nothing. */
const NOT_SHARED = ['output', 'json', 'resume', 'config', 'strict'];

interface OwnFlags {
  order: Order;
  orderSeed: string;
  runs: string;
  runPause: string;
  skipUnavailable?: boolean;
  output?: string;
  resume?: boolean;
  json?: boolean;
  config?: string;
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new NpuBenchError(
    'OPTION',
    `${flag} must be a whole number from ${least} to ${most}, not "${text}".`,
  );
}

function specOf(flags: Record<string, unknown>): SweepSpec & { json: boolean; verbose: boolean } {
  const own = flags as unknown as OwnFlags;
  const lists: Record<string, string> = {};
  const mine = new Set(['order', 'order-seed', 'runs', 'run-pause', 'skip-unavailable']);
  const given = rawOf(flags);
  const common = own.config === undefined ? {} : readConfigFile(own.config);
  for (const name of NOT_SHARED) delete common[name];
  for (const [name, value] of Object.entries(given)) {
    if (AXES.some(({ flag }) => flag === name)) lists[name] = String(value);
    else if (!mine.has(name) && !NOT_SHARED.includes(name)) common[name] = value;
  }
  if (lists.devices !== undefined && lists.backends !== undefined) {
    throw new NpuBenchError(
      'OPTION',
      '--devices and --backends both choose where to run; a backend stands for its device, leave --devices out.',
    );
  }
  if (own.resume && own.output === undefined) {
    throw new NpuBenchError('OPTION', '--resume goes on with a sweep: name it with --output FILE.');
  }
  return {
    axes: axesOf(lists, common),
    common,
    order: own.order,
    orderSeed: whole('--order-seed', own.orderSeed, 0, 2 ** 32 - 1),
    runs: whole('--runs', own.runs, 1, 1000),
    runPauseSeconds: whole('--run-pause', own.runPause, 0, 86_400),
    skipUnavailable: own.skipUnavailable ?? false,
    output: own.output ?? defaultOutput(String(common.model ?? 'model'), 'sweep', new Date()),
    resume: own.resume ?? false,
    json: own.json ?? false,
    verbose: common.verbose === true,
  };
}

function textOf({ document, path, repeatability, skipped }: SweepOutcome, spec: SweepSpec): string {
  const { model, benchmark_config: config } = document.metadata;
  const parts = [
    `Scaling of ${model.name} (${model.quantization ?? 'unknown'}), ${config.iterations} iterations a case`,
    scalingTable(document, spec.axes),
  ];
  if (repeatability.length > 0) parts.push(repeatabilityTable(repeatability));
  const warned = new Map<string, { message: string; labels: string[] }>();
  for (const entry of document.cases ?? []) {
    for (const { code, message } of entry.warnings) {
      const known = warned.get(code) ?? { message, labels: [] };
      known.labels.push(entry.label ?? entry.id);
      warned.set(code, known);
    }
  }
  const notes = [
    ...skipped.map(({ id, reason }) => `Left out ${id}: ${reason}`),
    ...(document.cases ?? []).flatMap((entry) =>
      (entry.faults ?? []).map((fault) => `Fault in ${entry.id} (${fault.code}): ${fault.message}`),
    ),
    ...[...warned].map(
      ([code, { message, labels }]) =>
        `Warning (${code}) in ${[...new Set(labels)].join('; ')}: ${message}`,
    ),
  ];
  if (notes.length > 0) parts.push(notes.map((note) => wrap(note, 78, '  ')).join('\n'));
  return `${parts.join('\n\n')}\n\nDocument: ${path} (${document.status})\n`;
}

async function sweep(flags: Record<string, unknown>): Promise<void> {
  const spec = specOf(flags);
  const progress = new Progress(process.stderr, spec.verbose);
  const interruption = interruptible();
  try {
    const outcome = await runSweep(spec, {
      signal: interruption.signal,
      onPlan: (total) => progress.begin(total, `a sweep of ${total} processes`),
      onCase: (entry) => progress.event({ type: 'wait', reason: entry.label }),
      onEvent: (event) => progress.event(event),
    });
    progress.end();
    process.stdout.write(spec.json ? serializeDocument(outcome.document) : textOf(outcome, spec));
    process.exitCode = outcome.exitCode;
  } finally {
    progress.end();
    interruption.done();
  }
}

export function register(program: Command): void {
  const command = program
    .command('sweep')
    .description('Measure every combination of sizes, threads, devices or quantizations.');
  for (const { flag, option } of AXES) {
    command.option(`--${flag} <list>`, `values of --${option}, with commas between them`);
  }
  command
    .addOption(
      new Option('--order <kind>', 'order of the processes').choices(ORDERS).default('random'),
    )
    .option('--order-seed <n>', 'seed of the random order', '0')
    .option('--runs <n>', 'repeat the whole sweep: how far do runs at other times differ?', '1')
    .option('--run-pause <s>', 'seconds between the runs', '0')
    .option('--skip-unavailable', 'leave out what cannot be measured here')
    .option('--output <file>', 'result document (default: results/MODEL_sweep_TIME.json)')
    .option('--resume', 'go on with an unfinished --output; finished cases stay')
    .option('--json', 'print the document on standard output')
    .option('--config <file>', 'JSON file with options of `run` for all cases');
  for (const option of runOptions(NOT_SHARED)) command.addOption(option);
  command.addHelpText('after', HELP).action(sweep);
}
