import type { Iteration } from '../schema/index.js';
import type { ImportedCase, ImportedFile } from './build.js';
import { Fields, importError, nameAndType } from './checks.js';
import type { ImportOverrides, LedgerEntry } from './ledger.js';

/**
 * llama-bench (llama.cpp) writes a list with one object per test: pp (n_prompt > 0, n_gen = 0),
 * tg (n_prompt = 0, n_gen > 0) or pg (both). `samples_ns` has one time per repetition.
 */
const LEDGER: readonly LedgerEntry[] = [
  {
    kind: 'different',
    theirs: 'samples_ns of pp',
    ours: 'first_token_ms',
    note: 'the time of the prompt alone: its last step makes no token (no argmax), and its tokens are random ids',
  },
  {
    kind: 'different',
    theirs: 'samples_ns of pp',
    ours: 'prefill_tokens_per_second',
    note: 'prompt tokens ÷ that time, without the first token that ours includes',
  },
  {
    kind: 'different',
    theirs: 'samples_ns of tg',
    ours: 'subsequent_token_ms',
    note: 'mean step from an empty cache (or the given depth) with random tokens fed in, not after the prompt and without choosing a token',
  },
  {
    kind: 'different',
    theirs: 'samples_ts of tg',
    ours: 'tokens_per_second_after_first',
    note: 'all n_gen steps count; none of them comes after a prompt',
  },
  {
    kind: 'computed',
    theirs: 'pp and tg',
    ours: 'iteration',
    note: 'prompt and generation are separate tests: repetition i of both is put into one iteration although they never ran together',
  },
  { kind: 'missing', ours: 'cold_start_ms', note: 'the model is loaded before the clock starts' },
  {
    kind: 'missing',
    ours: 'tokens_per_second',
    note: 'no run has both a prompt and its tokens under one clock',
  },
  { kind: 'missing', ours: 'peak_memory_mb', note: 'memory is not measured' },
  { kind: 'missing', ours: 'average_power_w', note: 'power is not measured' },
  { kind: 'lost', theirs: 'stddev_ns, stddev_ts', note: 'made again from the samples' },
  {
    kind: 'lost',
    theirs: 'n_batch, n_ubatch, type_k, type_v, flash_attn, split_mode …',
    note: 'settings of llama.cpp that our document has no field for',
  },
];

interface Test {
  readonly fields: Fields;
  readonly prompt: number;
  readonly generated: number;
  readonly depth: number;
  readonly samplesMs: readonly number[];
}

function readTest(fields: Fields): Test {
  const samples = fields.has('samples_ns')
    ? fields.numbers('samples_ns')
    : [fields.number('avg_ns')];
  return {
    fields,
    prompt: fields.count('n_prompt'),
    generated: fields.count('n_gen'),
    depth: fields.optionalNumber('n_depth') ?? 0,
    samplesMs: samples.map((ns) => ns / 1e6),
  };
}

/** Tests that share all of this differ in their lengths only and belong to one case. */
function settingsKey({ fields, depth }: Test): string {
  return JSON.stringify([
    fields.text('model_filename'),
    fields.optionalText('backends'),
    fields.optionalText('devices'),
    fields.optionalNumber('n_threads'),
    depth,
  ]);
}

function deviceOf(fields: Fields): string {
  const backends = fields.optionalText('backends') ?? 'CPU';
  const devices = fields.optionalText('devices') ?? '';
  if (/hexagon|htp|qnn/iu.test(`${backends} ${devices}`)) return 'npu';
  return /^(cpu|blas|[\s,])*$/iu.test(backends) ? 'cpu' : 'gpu';
}

function iterationsOf(pp: Test | undefined, tg: Test | undefined): Iteration[] {
  const count = Math.max(pp?.samplesMs.length ?? 0, tg?.samplesMs.length ?? 0);
  return Array.from({ length: count }, (_, index) => {
    const prompt = pp?.samplesMs[index];
    const generation = tg?.samplesMs[index];
    return {
      iteration: index + 1,
      process: 0,
      ...(pp &&
        prompt !== undefined && {
          first_token_ms: prompt,
          prefill_tokens_per_second: (1000 * pp.prompt) / prompt,
        }),
      ...(tg &&
        generation !== undefined && {
          subsequent_token_ms: generation / tg.generated,
          tokens_per_second_after_first: (1000 * tg.generated) / generation,
        }),
    };
  });
}

function caseOf(
  pp: Test | undefined,
  tg: Test | undefined,
  overrides: ImportOverrides,
): ImportedCase {
  const { fields, depth } = (pp ?? tg) as Test;
  const path = fields.text('model_filename');
  const { name, type } = nameAndType(path);
  const typeName = /\b(I?Q\d\w*|BF16|F16|F32|MXFP4)\b/u.exec(
    fields.optionalText('model_type') ?? '',
  );
  const quantization = overrides.quantization ?? type ?? typeName?.[1];
  const gpu = fields.optionalText('gpu_info');
  const device = overrides.device ?? deviceOf(fields);
  const tests = [pp && `pp${pp.prompt}`, tg && `tg${tg.generated}`].filter(Boolean).join('+');
  const iterations = iterationsOf(pp, tg);
  return {
    label: depth > 0 ? `${tests} at depth ${depth}` : tests,
    timestamp: fields.text('test_time'),
    device,
    deviceInfo: {
      name:
        overrides.deviceName ??
        (device === 'cpu'
          ? fields.optionalText('cpu_info')
          : gpu || fields.optionalText('devices')) ??
        'unknown',
      backend: `llama.cpp ${fields.optionalText('backends') ?? ''}`.trim(),
    },
    model: {
      name: overrides.model ?? name,
      parameters: fields.optionalNumber('model_n_params') ?? null,
      quantization: quantization ?? null,
      path,
      format: 'gguf',
      file_size_bytes: fields.optionalNumber('model_size') ?? null,
      weights: 'file',
    },
    config: {
      iterations: iterations.length,
      batch_size: 1,
      input_length: pp?.prompt ?? 0,
      output_length: tg?.generated ?? 0,
      warmup_iterations: 1,
      processes: 1,
      threads: fields.optionalNumber('n_threads') ?? null,
    },
    system: { cpu: fields.optionalText('cpu_info') ?? null },
    iterations,
  };
}

/** Translates the parsed JSON (or the lines of JSONL) of llama-bench. */
export function importLlamaBench(
  rows: readonly unknown[],
  file: string,
  overrides: ImportOverrides,
): ImportedFile {
  if (rows.length === 0) throw importError(`${file}: $ is an empty list of tests.`);
  const tests = rows.map((row, index) => readTest(Fields.of(row, file, `$[${index}]`)));
  const groups = new Map<string, { pp: Test[]; tg: Test[]; mixed: Test[] }>();
  for (const test of tests) {
    const key = settingsKey(test);
    const group = groups.get(key) ?? { pp: [], tg: [], mixed: [] };
    groups.set(key, group);
    if (test.prompt > 0 && test.generated > 0) group.mixed.push(test);
    else if (test.prompt > 0) group.pp.push(test);
    else if (test.generated > 0) group.tg.push(test);
  }
  const cases: ImportedCase[] = [];
  let skipped = 0;
  for (const { pp, tg, mixed } of groups.values()) {
    skipped += mixed.length;
    const length = Math.max(pp.length, tg.length);
    for (let index = 0; index < length; index++) {
      // A single test of one kind stands beside each test of the other kind.
      const prompt = pp[Math.min(index, pp.length - 1)];
      const generation = tg[Math.min(index, tg.length - 1)];
      cases.push(caseOf(prompt, generation, overrides));
    }
  }
  if (cases.length === 0) {
    throw importError(
      `${file}: $ has only combined tests (-pg), which have no time of prompt or token; run llama-bench with -p and -n.`,
    );
  }
  const ledger: LedgerEntry[] = [...LEDGER];
  if (skipped > 0) {
    ledger.push({
      kind: 'lost',
      theirs: 'pg tests',
      note: `${skipped} combined tests were left out: their rate counts prompt and generated tokens together`,
    });
  }
  const fields = (tests[0] as Test).fields;
  const commit = fields.optionalText('build_commit');
  return { tool: 'llama-bench', ...(commit && { toolVersion: commit }), cases, ledger };
}
