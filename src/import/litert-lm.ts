import type { Iteration } from '../schema/index.js';
import type { ImportedFile } from './build.js';
import { importError } from './checks.js';
import type { ImportOverrides, LedgerEntry } from './ledger.js';

const LEDGER: readonly LedgerEntry[] = [
  {
    kind: 'different',
    theirs: 'Time to first token',
    ours: 'first_token_ms',
    note: 'computed by LiteRT-LM as prefill time + mean decode time of a token: no first token was observed',
  },
  {
    kind: 'different',
    theirs: 'Decode Turn',
    ours: 'subsequent_token_ms',
    note: 'decode time ÷ all decoded tokens, the first included',
  },
  {
    kind: 'different',
    theirs: 'Prefill Turn',
    ours: 'prefill_tokens_per_second',
    note: 'prompt tokens ÷ prefill time, without the first token; a benchmark run may use dummy tokens',
  },
  {
    kind: 'computed',
    theirs: 'Prefill Turn, Decode Turn',
    ours: 'tokens_per_second',
    note: 'decoded tokens ÷ (prefill time + decode time)',
  },
  {
    kind: 'different',
    theirs: 'clock',
    ours: 'every time',
    note: 'a wall clock, which a time synchronisation may move',
  },
  {
    kind: 'missing',
    ours: 'cold_start_ms',
    note: 'the init phases are timed one by one, the start of the process is not',
  },
  { kind: 'missing', ours: 'peak_memory_mb', note: 'memory is not in this report' },
  { kind: 'missing', ours: 'average_power_w', note: 'power is not measured' },
  { kind: 'lost', theirs: 'later turns', note: 'only the first prefill and decode turn are taken' },
];

const UNITS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  ns: 1e-6,
};

/** Milliseconds of a duration such as "372.565677ms" or "1m2.5s". */
export function durationMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|us|ns|s))+$/u.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|us|ns|s)/gu)) {
    total += Number(amount) * (UNITS[unit as string] as number);
  }
  return total;
}

interface Turn {
  readonly tokens: number;
  readonly ms: number;
}

function turnOf(block: string, kind: 'Prefill' | 'Decode'): Turn | undefined {
  const pattern = new RegExp(`${kind} Turn 1:\\s*Processed (\\d+) tokens in (\\S+) duration`, 'u');
  const found = pattern.exec(block);
  if (!found) return undefined;
  const ms = durationMs(found[2] as string);
  return ms === undefined || ms <= 0 ? undefined : { tokens: Number(found[1]), ms };
}

function initMs(block: string): number | undefined {
  const section = /Init Phases[^\n]*\n((?:\s+- .*\n)*)/u.exec(block)?.[1] ?? '';
  const total = /- Init Total: ([\d.]+) ms/iu.exec(block)?.[1];
  if (total !== undefined) return Number(total);
  const parts = [...section.matchAll(/- [^:\n]+: ([\d.]+) ms/gu)].map((match) => Number(match[1]));
  return parts.length > 0 ? parts.reduce((sum, part) => sum + part, 0) : undefined;
}

function iterationOf(block: string, index: number, file: string): [Iteration, Turn, Turn] {
  const prefill = turnOf(block, 'Prefill');
  const decode = turnOf(block, 'Decode');
  if (!prefill || !decode || decode.tokens === 0) {
    throw importError(
      `${file}: BenchmarkInfo ${index + 1} lacks a readable "Prefill Turn 1" or "Decode Turn 1".`,
    );
  }
  const perToken = decode.ms / decode.tokens;
  const stated = /Time to first token: ([\d.]+) s/u.exec(block)?.[1];
  const iteration = {
    iteration: index + 1,
    process: index,
    first_token_ms: stated === undefined ? prefill.ms + perToken : Number(stated) * 1000,
    subsequent_token_ms: perToken,
    tokens_per_second: (1000 * decode.tokens) / (prefill.ms + decode.ms),
    tokens_per_second_after_first: 1000 / perToken,
    prefill_tokens_per_second: (1000 * prefill.tokens) / prefill.ms,
    total_ms: prefill.ms + decode.ms,
    output_tokens: decode.tokens,
    init_ms: initMs(block) ?? null,
  };
  return [iteration, prefill, decode];
}

export function isLitertLm(text: string): boolean {
  return /^\s*BenchmarkInfo:/mu.test(text);
}

/** Translates the "BenchmarkInfo:" blocks that LiteRT-LM prints, one per run. */
export function importLitertLm(
  text: string,
  file: string,
  overrides: ImportOverrides,
  timestamp: string,
): ImportedFile {
  const blocks = text.split(/^\s*BenchmarkInfo:/mu).slice(1);
  if (blocks.length === 0) {
    throw importError(`${file} has no "BenchmarkInfo:" block; give the output of LiteRT-LM.`);
  }
  const { model, device } = overrides;
  if (model === undefined || device === undefined) {
    throw importError(
      `${file}: output of LiteRT-LM names neither its model nor its device; add --model NAME and --device npu, cpu or gpu.`,
    );
  }
  const read = blocks.map((block, index) => iterationOf(block, index, file));
  const [, prefill, decode] = read[0] as [Iteration, Turn, Turn];
  return {
    tool: 'litert-lm',
    ledger: LEDGER,
    cases: [
      {
        timestamp,
        device,
        deviceInfo: { name: overrides.deviceName ?? device, backend: 'litert-lm' },
        model: {
          name: model,
          quantization: overrides.quantization ?? null,
          format: 'litertlm',
          weights: 'file',
        },
        config: {
          iterations: read.length,
          batch_size: 1,
          input_length: prefill.tokens,
          output_length: decode.tokens,
          warmup_iterations: 0,
          processes: read.length,
        },
        system: {},
        iterations: read.map(([iteration]) => iteration),
      },
    ],
  };
}
