import type { Iteration } from '../schema/index.js';
import type { ImportedFile } from './build.js';
import { Fields, importError } from './checks.js';
import type { ImportOverrides, LedgerEntry } from './ledger.js';

const LEDGER: readonly LedgerEntry[] = [
  {
    kind: 'different',
    theirs: 'first_token_ms − inference_start_ms',
    ours: 'first_token_ms',
    note: 'includes the tokeniser',
  },
  {
    kind: 'different',
    theirs: 'inference_end_ms − first_token_ms',
    ours: 'subsequent_token_ms',
    note: 'includes sampling, turning tokens into text and printing them',
  },
  {
    kind: 'different',
    theirs: 'timestamps',
    ours: 'every time',
    note: 'whole milliseconds: sums are good, a single fast token is not resolved',
  },
  {
    kind: 'different',
    theirs: 'prompt_eval_end_ms − inference_start_ms',
    ours: 'prefill_tokens_per_second',
    note: 'prompt tokens ÷ a time that includes the tokeniser',
  },
  {
    kind: 'computed',
    theirs: 'generated_tokens, inference_end_ms',
    ours: 'tokens_per_second',
    note: 'generated tokens ÷ (inference end − inference start)',
  },
  {
    kind: 'missing',
    ours: 'cold_start_ms',
    note: 'the load of the model is timed, the start of the process is not',
  },
  { kind: 'missing', ours: 'peak_memory_mb', note: 'the runner logs no peak memory' },
  { kind: 'missing', ours: 'average_power_w', note: 'power is not measured' },
  {
    kind: 'same',
    theirs: 'aggregate_sampling_time_ms',
    ours: 'aggregate_sampling_time_ms',
    note: 'kept in the iteration, beside model_load_ms',
  },
  { kind: 'lost', theirs: 'tokens', note: 'single tokens are not timed: there are no gaps' },
];

const MARK = 'PyTorchObserver';

function iterationOf(run: Fields, index: number, file: string): Iteration {
  const scale = 1000 / (run.optionalNumber('SCALING_FACTOR_UNITS_PER_SECOND') ?? 1000);
  const time = (key: string) => run.number(key) * scale;
  const start = time('inference_start_ms');
  const first = time('first_token_ms');
  const end = time('inference_end_ms');
  const promptEnd = time('prompt_eval_end_ms');
  if (first < start || end < first || promptEnd < start) {
    throw importError(
      `${file}: run ${index + 1} has times that run backwards (inference_start_ms, prompt_eval_end_ms, first_token_ms, inference_end_ms).`,
    );
  }
  const tokens = run.count('generated_tokens');
  const prompt = run.count('prompt_tokens');
  const later = tokens > 1 && end > first ? (end - first) / (tokens - 1) : null;
  return {
    iteration: index + 1,
    process: index,
    first_token_ms: first - start,
    subsequent_token_ms: later,
    tokens_per_second: end > start ? (1000 * tokens) / (end - start) : null,
    tokens_per_second_after_first: later === null ? null : 1000 / later,
    prefill_tokens_per_second: promptEnd > start ? (1000 * prompt) / (promptEnd - start) : null,
    total_ms: end - start,
    output_tokens: tokens,
    model_load_ms: time('model_load_end_ms') - time('model_load_start_ms'),
    aggregate_sampling_time_ms: run.optionalNumber('aggregate_sampling_time_ms') ?? null,
  };
}

/** The JSON objects after "PyTorchObserver" in a log of the runner. */
function observerLines(text: string, file: string): Fields[] {
  return text.split('\n').flatMap((line, index) => {
    const at = line.indexOf(MARK);
    if (at < 0) return [];
    const json = line.slice(at + MARK.length).trim();
    try {
      return [Fields.of(JSON.parse(json), file, `line ${index + 1}`)];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw importError(`${file}: line ${index + 1} has no JSON after "${MARK}".`);
    }
  });
}

export function isExecutorch(text: string): boolean {
  return text.includes(MARK) || text.includes('"model_load_start_ms"');
}

/** Translates logs of ExecuTorch's LLM runner: one "PyTorchObserver {…}" line per run. */
export function importExecutorch(
  text: string,
  file: string,
  overrides: ImportOverrides,
): ImportedFile {
  const runs = observerLines(text, file);
  if (runs.length === 0) {
    throw importError(`${file} has no "${MARK}" line; give the log of ExecuTorch's LLM runner.`);
  }
  const { model, device } = overrides;
  if (model === undefined || device === undefined) {
    throw importError(
      `${file}: a log of ExecuTorch names neither its model nor its device; add --model NAME and --device npu, cpu or gpu.`,
    );
  }
  const iterations = runs.map((run, index) => iterationOf(run, index, file));
  const first = runs[0] as Fields;
  return {
    tool: 'executorch',
    ledger: LEDGER,
    cases: [
      {
        timestamp: startOf(first),
        device,
        deviceInfo: { name: overrides.deviceName ?? device, backend: 'executorch' },
        model: {
          name: model,
          quantization: overrides.quantization ?? null,
          format: 'pte',
          weights: 'file',
        },
        config: {
          iterations: iterations.length,
          batch_size: 1,
          input_length: first.count('prompt_tokens'),
          output_length: first.count('generated_tokens'),
          warmup_iterations: 0,
          processes: iterations.length,
        },
        system: {},
        iterations,
      },
    ],
  };
}

/** The runner's clock is the system's wall clock in milliseconds; small values are another clock. */
function startOf(run: Fields): string {
  const start = run.number('inference_start_ms');
  const plausible = start > Date.UTC(2020, 0) && start < Date.UTC(2100, 0);
  return new Date(plausible ? start : 0).toISOString();
}
