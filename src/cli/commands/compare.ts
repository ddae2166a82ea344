import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { compareRuns, DEFAULT_THRESHOLD } from '../../compare/compare.js';
import { exitCodeOf, type FailOn } from '../../compare/exit.js';
import { renderCsv, renderJson } from '../../compare/machine.js';
import { renderMarkdown } from '../../compare/markdown.js';
import { type Run, runsOf } from '../../compare/runs.js';
import { renderText } from '../../compare/text.js';
import { NpuBenchError } from '../../errors.js';
import { HistoryStore } from '../../history/store.js';
import { readDocument } from '../../schema/read.js';
import { writeFileAtomic } from '../../schema/write.js';

type Format = 'text' | 'json' | 'csv' | 'markdown';

interface CompareFlags {
  format: Format;
  threshold: number;
  output?: string;
  detailed?: boolean;
  failOn?: FailOn;
  strict?: boolean;
  allowMismatch?: boolean;
  metric: string[];
  baselineRun: string[];
  currentRun: string[];
  baseline?: string;
  store?: string;
}

function parseThreshold(text: string): number {
  const value = Number(text.trim().replace(/%$/, '') || Number.NaN);
  if (!(value >= 0 && value < 100)) {
    throw new InvalidArgumentError('It must be a percentage from 0 to below 100, such as 5.');
  }
  return value;
}

const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

/** A path as given, or the result documents of a folder in the order of their names. */
async function expand(path: string): Promise<string[]> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
  if (names.length === 0) {
    throw new NpuBenchError('NO_DOCUMENTS', `${path} is a folder without .json documents.`);
  }
  return names.map((name) => join(path, name));
}

/** Reads one side, document by document, keeping only what the comparison needs. */
async function readSide(paths: readonly string[]): Promise<Run[]> {
  const runs: Run[] = [];
  for (const path of paths) {
    for (const file of await expand(path)) runs.push(...runsOf(await readDocument(file), file));
  }
  return runs;
}

async function baselinePaths(flags: CompareFlags, documents: string[]): Promise<string[]> {
  if (flags.baseline === undefined) return [documents[0] as string, ...flags.baselineRun];
  const store = HistoryStore.at(flags.store);
  return [...(await store.baselineFiles(flags.baseline)), ...flags.baselineRun];
}

async function compareCommand(documents: string[], flags: CompareFlags): Promise<void> {
  const expected = flags.baseline === undefined ? 2 : 1;
  if (documents.length !== expected) {
    const form = expected === 2 ? 'BASELINE CURRENT' : '--baseline NAME CURRENT';
    throw new NpuBenchError(
      'COMPARE_ARGUMENTS',
      `compare needs ${form}, but ${documents.length} document paths were given; further runs go into --baseline-run and --current-run.`,
    );
  }
  const baseline = await readSide(await baselinePaths(flags, documents));
  const current = await readSide([documents[expected - 1] as string, ...flags.currentRun]);
  const comparison = compareRuns(baseline, current, {
    threshold: flags.threshold,
    allowMismatch: flags.allowMismatch,
    metrics: flags.metric,
    detailed: flags.detailed || flags.format === 'json',
  });
  const exitCode = exitCodeOf(comparison, flags);
  const toFile = flags.output !== undefined;
  const color = !toFile && process.stdout.isTTY === true && !process.env.NO_COLOR;
  const text = {
    text: () => renderText(comparison, { detailed: flags.detailed, colors: color }),
    json: () => renderJson(comparison, exitCode),
    csv: () => renderCsv(comparison),
    markdown: () => renderMarkdown(comparison, flags.detailed),
  }[flags.format]();
  if (flags.output === undefined) {
    process.stdout.write(text);
  } else {
    await writeFileAtomic(flags.output, text);
    process.stdout.write(`${comparison.summary}\nWritten to ${flags.output}\n`);
  }
  process.exitCode = exitCode;
}

const HELP = `
BASELINE and CURRENT are each a result document, or a folder whose .json files are all runs of that
side. Three or more separate runs a side make the runs the samples; with fewer, the processes of a
run are. Metrics that decide: cold start, first token, subsequent token, peak memory, energy per
token; the others are reported.

Exit codes: 0 no regression, 1 regression beyond the threshold, 2 usage or unreadable input,
3 not comparable, 4 inconclusive (only with --strict or --fail-on inconclusive). Between different
devices a difference is no regression: 1 only with --fail-on regression.

Examples:
  npu-bench compare results/baseline.json results/current.json
  npu-bench compare results/cpu.json results/npu.json --detailed
  npu-bench compare baseline-runs/ current-runs/ --threshold 3
  npu-bench compare a1.json b1.json --baseline-run a2.json --baseline-run a3.json \\
      --current-run b2.json --current-run b3.json
  npu-bench compare --baseline main results/current.json --format markdown --output summary.md
`;

export function register(program: Command): void {
  program
    .command('compare')
    .summary('compare results and judge each change')
    .description('Compare two sides of benchmark results and judge each change with its evidence.')
    .argument('[documents...]', 'BASELINE CURRENT (only CURRENT with --baseline NAME)')
    .usage('[options] BASELINE CURRENT')
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['text', 'json', 'csv', 'markdown'])
        .default('text'),
    )
    .option(
      '--threshold <percent>',
      'changes up to this percentage are no regression',
      parseThreshold,
      DEFAULT_THRESHOLD,
    )
    .option('--output <file>', 'write the comparison to a file')
    .option('--detailed', 'every metric with its evidence')
    .addOption(
      new Option('--fail-on <verdict>', 'when to exit with 1 or 4 (default: regression)').choices([
        'regression',
        'inconclusive',
        'never',
      ]),
    )
    .option('--strict', 'exit with 4 when the comparison is inconclusive or only indicative')
    .option('--allow-mismatch', 'compare different workloads or settings anyway')
    .option(
      '--metric <id>',
      'gate this metric instead of the primary ones (repeatable)',
      collect,
      [],
    )
    .option(
      '--baseline-run <file>',
      'a further baseline document or folder (repeatable)',
      collect,
      [],
    )
    .option(
      '--current-run <file>',
      'a further current document or folder (repeatable)',
      collect,
      [],
    )
    .option('--baseline <name>', 'take the baseline from the history store')
    .option('--store <folder>', 'history store (default: NPU_BENCH_HISTORY or .npu-bench/history)')
    .addHelpText('after', HELP)
    .action(compareCommand);
}
