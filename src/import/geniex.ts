import type { Iteration } from '../schema/index.js';
import type { ImportedFile } from './build.js';
import { Fields, importError, nameAndType } from './checks.js';
import type { ImportOverrides, LedgerEntry } from './ledger.js';

/** QAIRT graphs take the prompt in chunks of this many tokens; geniex-bench counts the padding. */
const QAIRT_CHUNK = 128;

function ledgerOf(qairt: boolean): LedgerEntry[] {
  return [
    {
      kind: 'different',
      theirs: 'ttft_us',
      ours: 'first_token_ms',
      note: 'includes the tokeniser (and, with images, the image encoder); ours does not',
    },
    qairt
      ? {
          kind: 'different',
          theirs: 'prefill_tps',
          ours: 'prefill_tokens_per_second',
          note: `counts the prompt padded to the next multiple of ${QAIRT_CHUNK} tokens, so short prompts look faster`,
        }
      : {
          kind: 'different',
          theirs: 'prefill_tps',
          ours: 'prefill_tokens_per_second',
          note: 'prompt tokens ÷ prompt time, without choosing the first token',
        },
    {
      kind: 'different',
      theirs: 'decode_tps',
      ours: 'tokens_per_second_after_first',
      note: qairt
        ? "the rate of the runtime's own profile"
        : 'counts all O tokens in a window that opens before the first sample; ours counts O − 1',
    },
    {
      kind: 'computed',
      theirs: 'decode_tps',
      ours: 'subsequent_token_ms',
      note: '1000 ÷ decode_tps: single tokens are not recorded',
    },
    {
      kind: 'computed',
      theirs: 'gen_tokens, ttft_us, decode_time_us',
      ours: 'tokens_per_second',
      note: 'generated tokens ÷ (time to first token + decode time)',
    },
    { kind: 'missing', ours: 'cold_start_ms', note: 'the model is loaded before the clock starts' },
    { kind: 'missing', ours: 'peak_memory_mb', note: 'memory is not measured' },
    { kind: 'missing', ours: 'average_power_w', note: 'power is not measured' },
    {
      kind: 'lost',
      theirs: 'media_us, stop_reason of text',
      note: 'the image encoder has no field',
    },
    { kind: 'lost', theirs: 'agg', note: 'made again from the runs' },
  ];
}

function iterationOf(run: Fields, index: number): Iteration {
  const ttftMs = run.number('ttft_us') / 1000;
  const decodeMs = run.number('decode_time_us') / 1000;
  const tokens = run.count('gen_tokens');
  const decodeTps = run.number('decode_tps');
  return {
    iteration: index + 1,
    process: 0,
    first_token_ms: ttftMs,
    subsequent_token_ms: decodeTps > 0 ? 1000 / decodeTps : null,
    tokens_per_second: decodeMs > 0 ? (1000 * tokens) / (ttftMs + decodeMs) : null,
    tokens_per_second_after_first: decodeTps > 0 ? decodeTps : null,
    prefill_tokens_per_second: run.number('prefill_tps') || null,
    output_tokens: tokens,
    finish_reason: run.optionalText('stop_reason') ?? null,
  };
}

/** Shortest ISO time: geniex-bench writes none, and an unknown time must still be a time. */
const UNKNOWN_TIME = '1970-01-01T00:00:00Z';

/** Translates a cell report of geniex-bench (Qualcomm GenieX), schema versions 2 to 6. */
export function importGeniex(
  raw: unknown,
  file: string,
  overrides: ImportOverrides,
  timestamp = UNKNOWN_TIME,
): ImportedFile {
  const cell = Fields.of(raw, file, '$');
  const runs = cell.list('runs');
  if (runs.length === 0) throw importError(`${file}: $.runs is empty.`);
  const plugin = cell.text('plugin');
  const params = cell.object('params');
  const path = cell.text('model_path');
  const { name, type } = nameAndType(path);
  const device = overrides.device ?? deviceOf(cell.text('device'));
  const iterations = runs.map(iterationOf);
  const prompt = runs[0]?.count('prompt_tokens') ?? 0;
  const version = cell.optionalText('geniex_version') ?? cell.optionalText('schema_version');
  return {
    tool: 'geniex-bench',
    ...(version && { toolVersion: version }),
    ledger: ledgerOf(plugin === 'qairt'),
    cases: [
      {
        ...(cell.has('cell_id') && { label: cell.text('cell_id') }),
        timestamp,
        device,
        deviceInfo: {
          name: overrides.deviceName ?? cell.optionalText('device_id') ?? cell.text('device'),
          backend: plugin,
          runtime_version:
            cell.optionalText(plugin === 'qairt' ? 'qairt_version' : 'llama_cpp_version') ?? null,
        },
        model: {
          name: overrides.model ?? name,
          quantization: overrides.quantization ?? type ?? null,
          path,
          format: plugin === 'qairt' ? 'genie' : 'gguf',
          file_size_bytes: cell.optionalNumber('model_size_bytes') ?? null,
          weights: 'file',
        },
        config: {
          iterations: iterations.length,
          batch_size: 1,
          input_length: prompt,
          output_length: params.optionalNumber('n_gen') ?? iterations[0]?.output_tokens ?? 0,
          warmup_iterations: params.optionalNumber('warmup') ?? 0,
          processes: 1,
          threads: params.optionalNumber('n_threads') || null,
          perf_profile: params.optionalText('power_mode') ?? null,
        },
        system: {},
        iterations,
      },
    ],
  };
}

function deviceOf(device: string): string {
  if (/npu|hybrid|htp/iu.test(device)) return 'npu';
  return /gpu|opencl/iu.test(device) ? 'gpu' : 'cpu';
}
