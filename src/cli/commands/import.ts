import { open } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { NpuBenchError } from '../../errors.js';
import {
  IMPORT_TOOLS,
  type ImportTool,
  importResult,
  type LedgerEntry,
} from '../../import/index.js';
import type { ResultDocument } from '../../schema/index.js';
import { serializeDocument, writeFileAtomic } from '../../schema/write.js';

interface ImportFlags {
  output: string;
  from?: ImportTool;
  model?: string;
  quantization?: string;
  device?: string;
  deviceName?: string;
}

/** Logs of other tools are small; anything larger is some other file. */
const MAX_BYTES = 64e6;

async function readText(file: string): Promise<{ text: string; modified: string }> {
  try {
    const handle = await open(file);
    try {
      const info = await handle.stat();
      if (info.size > MAX_BYTES) {
        throw new NpuBenchError(
          'IMPORT',
          `${file} has ${(info.size / 1e6).toFixed(0)} MB; results of other tools are read up to ${MAX_BYTES / 1e6} MB.`,
        );
      }
      return { text: await handle.readFile('utf8'), modified: info.mtime.toISOString() };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof NpuBenchError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new NpuBenchError('IMPORT', `${file} ${reason}.`, 2, { cause: error });
  }
}

/** What a user should know before the figures stand beside others. */
function ledgerText(document: ResultDocument): string {
  const { from, ledger } = document.metadata.imported as { from: string; ledger: LedgerEntry[] };
  const lines = ledger
    .filter(({ kind }) => kind !== 'same')
    .map(({ kind, theirs, ours, note }) => {
      const fields = [theirs, ours].filter(Boolean).join(' → ');
      return `  ${kind.padEnd(9)}  ${fields}: ${note}\n`;
    });
  return `From ${from}; what changed in translation (also in metadata.imported.ledger):\n${lines.join('')}`;
}

async function importCommand(file: string, flags: ImportFlags): Promise<void> {
  const { text, modified } = await readText(file);
  const { output, ...options } = flags;
  const document = importResult(text, file, { ...options, timestamp: modified });
  if (output === '-') {
    process.stdout.write(serializeDocument(document));
  } else {
    await writeFileAtomic(output, serializeDocument(document));
  }
  process.stderr.write(ledgerText(document));
  if (output !== '-') process.stderr.write(`Written to ${output}\n`);
}

const HELP = `
Reads: llama-bench (-o json or jsonl), geniex-bench (--output-json), the log of ExecuTorch's LLM
runner (its PyTorchObserver lines), and the output of LiteRT-LM (its BenchmarkInfo blocks).

Examples:
  llama-bench -m model.gguf -p 512 -n 128 -o json > llama.json
  npu-bench import llama.json --output results/llama-bench.json
  npu-bench import runner.log --model llama-3.2-1b --quantization int4 --device npu --output et.json
`;

export function register(program: Command): void {
  program
    .command('import')
    .summary("translate another tool's results")
    .description("Translate another benchmark tool's results into a result document.")
    .argument('<input>', 'file of the other tool')
    .requiredOption('--output <file>', 'result document to write, or - for standard output')
    .addOption(
      new Option('--from <tool>', 'the tool that wrote the file (default: found out)').choices(
        IMPORT_TOOLS,
      ),
    )
    .option('--model <name>', 'name of the model, where the file has none or another one')
    .option('--quantization <type>', 'quantization of the model')
    .addOption(
      new Option('--device <device>', 'device that was measured').choices(['npu', 'cpu', 'gpu']),
    )
    .option('--device-name <name>', 'name of that device')
    .addHelpText('after', HELP)
    .action(importCommand);
}
