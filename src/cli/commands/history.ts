import { type Command, Option } from 'commander';
import { runsOf } from '../../compare/runs.js';
import { NpuBenchError } from '../../errors.js';
import { renderHistoryHtml } from '../../history/html.js';
import { type HistoryRun, historySeries } from '../../history/series.js';
import { type HistoryEntry, HistoryStore } from '../../history/store.js';
import { renderEntries, renderSeries } from '../../history/text.js';
import { METRICS, metricsNamed } from '../../schema/metrics.js';
import { readDocument } from '../../schema/read.js';
import { writeFileAtomic } from '../../schema/write.js';

interface StoreFlag {
  store?: string;
}

async function add(
  files: string[],
  flags: StoreFlag & { commit?: string; label?: string },
): Promise<void> {
  const store = HistoryStore.at(flags.store);
  const commit = flags.commit ?? process.env.GITHUB_SHA;
  for (const file of files) {
    const { entry, isNew } = await store.add(file, { commit, label: flags.label });
    process.stdout.write(`${entry.id} ${isNew ? 'added' : 'was already there'}\n`);
  }
}

async function list(flags: StoreFlag & { json?: boolean }): Promise<void> {
  const { entries, baselines } = await HistoryStore.at(flags.store).index();
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ entries, baselines }, null, 2)}\n`
      : renderEntries(entries, baselines),
  );
}

/** Runs of one workload on one device; the newest entry's where nothing is asked for. */
function selectEntries(
  entries: readonly HistoryEntry[],
  flags: { workload?: string; device?: string },
): HistoryEntry[] {
  const newest = entries.at(-1);
  const workload = flags.workload ?? newest?.workload;
  const device = flags.device ?? newest?.device;
  return entries.filter(
    (entry) => entry.workload.startsWith(workload ?? '') && entry.device.startsWith(device ?? ''),
  );
}

async function show(
  flags: StoreFlag & {
    metric: string[];
    workload?: string;
    device?: string;
    format: 'text' | 'json' | 'html';
    output?: string;
  },
): Promise<void> {
  const store = HistoryStore.at(flags.store);
  const metrics =
    flags.metric.length > 0
      ? flags.metric.flatMap(metricsNamed)
      : METRICS.filter((metric) => metric.primary);
  const { entries } = await store.index();
  const selected = selectEntries(entries, flags);
  const runs: HistoryRun[] = [];
  for (const entry of selected) {
    const file = store.pathOf(entry.id);
    for (const run of runsOf(await readDocument(file), file)) {
      runs.push({ id: entry.id, commit: entry.commit, run });
    }
  }
  const series = metrics
    .map((metric) => historySeries(runs, metric))
    .filter(({ points }) => points.length > 0);
  const first = selected[0];
  if (first === undefined) {
    throw new NpuBenchError(
      'HISTORY_EMPTY',
      `${store.root} has no run of that kind; add documents with \`npu-bench history add FILE\`.`,
    );
  }
  const text = {
    text: () => `${first.workload}, ${first.device}\n\n${series.map(renderSeries).join('')}`,
    json: () => `${JSON.stringify(series, null, 2)}\n`,
    html: () => renderHistoryHtml(series, first),
  }[flags.format]();
  if (flags.output === undefined) {
    process.stdout.write(text);
  } else {
    await writeFileAtomic(flags.output, text);
    process.stdout.write(`Written to ${flags.output}\n`);
  }
}

async function setBaseline(
  name: string,
  ids: string[],
  flags: StoreFlag & { last?: string },
): Promise<void> {
  const store = HistoryStore.at(flags.store);
  let chosen = ids;
  if (ids.length === 0) {
    const count = Number(flags.last ?? 1);
    if (!Number.isInteger(count) || count < 1) {
      throw new NpuBenchError(
        'HISTORY_LAST',
        `--last ${flags.last} must be a whole number from 1.`,
      );
    }
    const { entries } = await store.index();
    chosen = selectEntries(entries, {})
      .slice(-count)
      .map((entry) => entry.id);
    if (chosen.length === 0) {
      throw new NpuBenchError('HISTORY_EMPTY', `${store.root} is empty; add a document first.`);
    }
  }
  const entries = await store.setBaseline(name, chosen);
  process.stdout.write(`${name}: ${entries.map((entry) => entry.id).join(', ')}\n`);
}

const collect = (value: string, earlier: string[]): string[] => [...earlier, value];
const STORE = [
  '--store <folder>',
  'history store (default: NPU_BENCH_HISTORY or .npu-bench/history)',
] as const;

const HELP = `
Examples:
  npu-bench history add results/*.json --label nightly
  npu-bench history list
  npu-bench history show --metric latency.first_token_ms --format html --output trend.html
  npu-bench history baseline set main --last 3
  npu-bench compare --baseline main results/current.json`;

export function register(program: Command): void {
  const history = program
    .command('history')
    .summary('keep results and see when a metric stepped')
    .description('Keep result documents, name baselines, and see in which run a metric stepped.')
    .addHelpText('after', HELP);
  history
    .command('add')
    .description('copy documents into the history')
    .argument('<files...>', 'result documents')
    .option('--commit <id>', 'commit that was measured (default: GITHUB_SHA)')
    .option('--label <text>', 'a name for these runs')
    .option(...STORE)
    .action(add);
  history
    .command('list')
    .description('list what the history holds')
    .option('--json', 'as JSON')
    .option(...STORE)
    .action(list);
  history
    .command('show')
    .description('show the course of metrics, and the runs in which they stepped')
    .option('--metric <id>', 'a metric instead of the primary ones (repeatable)', collect, [])
    .option('--workload <text>', 'workload as listed, or its beginning')
    .option('--device <text>', 'device as listed, or its beginning')
    .addOption(
      new Option('--format <format>', 'output format: html holds a trend chart per metric')
        .choices(['text', 'json', 'html'])
        .default('text'),
    )
    .option('--output <file>', 'write to a file')
    .option(...STORE)
    .action(show);
  history
    .command('baseline')
    .description('name entries as a baseline for `compare --baseline NAME`')
    .command('set')
    .description('set a baseline to the given entries, or to the newest')
    .argument('<name>', 'name of the baseline')
    .argument('[ids...]', 'ids of entries; a unique beginning is enough')
    .option('--last <n>', 'the newest n runs of the newest workload')
    .option(...STORE)
    .action(setBaseline);
}
