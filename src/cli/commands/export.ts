import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { NpuBenchError } from '../../errors.js';
import {
  type CsvLevel,
  type ExportFormat,
  exportReport,
  type ReportInput,
} from '../../export/index.js';
import { readDocument } from '../../schema/read.js';
import { writeFileAtomic } from '../../schema/write.js';

interface ExportFlags {
  format: ExportFormat;
  output: string;
  includeMetadata?: boolean;
  normalize?: boolean;
  reference?: string;
  filter: string[];
  level?: CsvLevel;
}

const STDOUT = '-';

const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

/** A few at a time: waiting for the disk overlaps, and only a few texts are held at once. */
const READ_AT_ONCE = 8;

async function readInputs(files: readonly string[]): Promise<ReportInput[]> {
  const inputs: ReportInput[] = [];
  for (let first = 0; first < files.length; first += READ_AT_ONCE) {
    const some = files.slice(first, first + READ_AT_ONCE);
    const documents = await Promise.all(some.map((file) => readDocument(file)));
    for (const [index, document] of documents.entries()) {
      inputs.push({ file: some[index] as string, document });
    }
  }
  return inputs;
}

/** A reference that is a file is read; anything else names a device or label among the inputs. */
async function readReference(name: string): Promise<string | ReportInput> {
  const info = await stat(name).catch(() => undefined);
  if (info || /[/\\]|\.json$/u.test(name))
    return { file: name, document: await readDocument(name) };
  return name;
}

/**
 * Makes a folder and those above it. Not `mkdir` with `recursive`: where the system answers ENOENT
 * below a folder that exists, as /proc does, that never comes back.
 */
async function makeFolders(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolders(parent);
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST' || info) throw error;
  });
}

async function prepareOutput(output: string, files: readonly string[]): Promise<void> {
  const path = resolve(output);
  const input = files.find((file) => resolve(file) === path);
  if (input !== undefined) {
    throw new NpuBenchError(
      'OUTPUT_IS_INPUT',
      `--output ${output} is also an input and would be replaced by its export; choose another file.`,
    );
  }
  try {
    await makeFolders(dirname(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new NpuBenchError(
      'OUTPUT_WRITE',
      `The folder of ${output} cannot be made (${code}); choose another --output.`,
      2,
      { cause: error },
    );
  }
}

async function exportCommand(files: string[], flags: ExportFlags): Promise<void> {
  if (flags.level !== undefined && flags.format !== 'csv') {
    throw new NpuBenchError(
      'EXPORT_LEVEL',
      `--level ${flags.level} is for CSV; add --format csv or leave it out.`,
    );
  }
  if (flags.reference !== undefined && !flags.normalize) {
    throw new NpuBenchError(
      'EXPORT_REFERENCE',
      '--reference is what --normalize divides by; add --normalize or leave it out.',
    );
  }
  const inputs = await readInputs(files);
  const { reference } = flags;
  const text = exportReport(inputs, {
    format: flags.format,
    includeMetadata: flags.includeMetadata ?? false,
    normalize: flags.normalize ?? false,
    filter: flags.filter,
    ...(flags.level && { level: flags.level }),
    ...(reference !== undefined && { reference: await readReference(reference) }),
  });
  if (flags.output === STDOUT) {
    process.stdout.write(text);
    return;
  }
  await prepareOutput(flags.output, [...files, ...(reference === undefined ? [] : [reference])]);
  await writeFileAtomic(flags.output, text);
  process.stderr.write(`Written to ${flags.output}\n`);
}

const HELP = `
Several inputs make one report: a table of all results, the comparison of devices at the same
workload with its ratios, and the scaling with batch size.

--normalize divides by the CPU result of the same workload among the inputs; or by --reference; or,
for LLaMA 7B int8, by the specification's published figures.

--filter takes a path (latency.first_token_ms), its last part (first_token_ms), a group (memory) or
a pattern ("*token*"), and can be repeated.

Examples:
  npu-bench export results/npu.json --format html --output report.html --include-metadata
  npu-bench export results/cpu.json results/npu.json results/gpu.json --format html --output devices.html
  npu-bench export results/batch_*.json --format csv --output batch_comparison.csv
  npu-bench export results/npu.json --format csv --level tokens --output tokens.csv
  npu-bench export results/npu.json --normalize --reference results/cpu.json --format markdown --output -
  npu-bench export results/npu.json --filter latency --filter "*power*" --output latency.json
`;

export function register(program: Command): void {
  program
    .command('export')
    .summary('turn results into JSON, CSV, Markdown or an HTML report')
    .description('Export benchmark results for analysis, documentation or sharing.')
    .argument('<input...>', 'result documents (JSON)')
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['json', 'csv', 'markdown', 'html'])
        .default('json'),
    )
    .requiredOption('--output <file>', 'output file, or - for standard output')
    .option('--include-metadata', 'include system and environment metadata')
    .option('--normalize', 'add every metric as a ratio to a reference device')
    .option('--reference <file|device>', 'what --normalize divides by')
    .option('--filter <metric>', 'export only these metrics (repeatable)', collect, [])
    .addOption(
      new Option('--level <level>', 'rows of a CSV (default: summary)').choices([
        'summary',
        'iterations',
        'tokens',
      ]),
    )
    .addHelpText('after', HELP)
    .action(exportCommand);
}
