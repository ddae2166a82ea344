import { NpuBenchError } from '../errors.js';
import type { NativeModelDescription } from '../native/binding.js';
import { seededRandom } from '../stats/random.js';

export interface Prompt {
  source: 'synthetic' | 'text' | 'tokens';
  /** [batch, length], sequence-major. */
  ids: Int32Array;
  /** Tokens per sequence. */
  length: number;
  /** How the ids came about, for the document. */
  rule: string;
  text?: string;
  /** Set when a text was cut or repeated to fit an explicit --input-length. */
  fitted?: 'cut' | 'repeated';
}

/**
 * Vocabularies keep control tokens at their ends; an eighth of a small vocabulary and at most 1024
 * ids at either end are left out.
 */
function ordinaryIds(vocabSize: number): { first: number; count: number } {
  const margin = Math.min(1024, Math.floor(vocabSize / 8));
  return { first: margin, count: Math.max(1, vocabSize - 2 * margin) };
}

/** Deterministic token ids; every sequence of a batch has its own. */
export function syntheticPrompt(
  vocabSize: number,
  length: number,
  batch: number,
  seed: number,
): Prompt {
  const { first, count } = ordinaryIds(vocabSize);
  const random = seededRandom(seed);
  const ids = Int32Array.from(
    { length: batch * length },
    () => first + Math.floor(random() * count),
  );
  return {
    source: 'synthetic',
    ids,
    length,
    rule: `xoshiro128** seeded with ${seed}, uniform over ids ${first} to ${first + count - 1} (control tokens lie outside)`,
  };
}

function repeatForBatch(ids: ArrayLike<number>, batch: number): Int32Array {
  const all = new Int32Array(ids.length * batch);
  for (let sequence = 0; sequence < batch; sequence += 1) all.set(ids, sequence * ids.length);
  return all;
}

/**
 * The same ids for every sequence. With an explicit length a longer text is cut at its end, and a
 * shorter one is repeated without its begin token.
 */
export function textPrompt(
  text: string,
  encoded: Int32Array,
  beginId: number | undefined,
  batch: number,
  wanted: number | undefined,
): Prompt {
  if (encoded.length === 0) {
    throw new NpuBenchError(
      'PROMPT',
      'The prompt has no tokens; give a text with at least one word.',
    );
  }
  const length = wanted ?? encoded.length;
  const body = encoded[0] === beginId ? encoded.subarray(1) : encoded;
  const ids = Int32Array.from({ length }, (_, i) =>
    i < encoded.length
      ? (encoded[i] as number)
      : (body[(i - encoded.length) % Math.max(1, body.length)] ?? (encoded[0] as number)),
  );
  return {
    source: 'text',
    ids: repeatForBatch(ids, batch),
    length,
    rule: "the text's tokens by the model's own tokenizer",
    text,
    ...(length < encoded.length ? { fitted: 'cut' as const } : {}),
    ...(length > encoded.length ? { fitted: 'repeated' as const } : {}),
  };
}

export function tokenPrompt(ids: readonly number[], vocabSize: number, batch: number): Prompt {
  const outside = ids.find((id) => id >= vocabSize);
  if (outside !== undefined) {
    throw new NpuBenchError(
      'PROMPT',
      `--prompt-tokens has id ${outside}, but the model's vocabulary ends at ${vocabSize - 1}.`,
    );
  }
  return {
    source: 'tokens',
    ids: repeatForBatch(ids, batch),
    length: ids.length,
    rule: 'token ids as given',
  };
}

/** Compiled graphs take no tokens: their inputs are made where they are executed. */
export function graphInputs(seed: number): Prompt {
  return {
    source: 'synthetic',
    ids: new Int32Array(0),
    length: 0,
    rule: `inputs by SplitMix64 from seed ${seed} and the tensor's name: floats in [-1, 1), fixed-point codes over their range, 0 or 1 for integers`,
  };
}

/** The id that the model's file names as begin of text, if any. */
export function beginTokenOf(model: NativeModelDescription): number | undefined {
  const entry = model.metadata.find(([key]) => key === 'tokenizer.ggml.bos_token_id');
  return entry === undefined ? undefined : Number(entry[1]);
}
