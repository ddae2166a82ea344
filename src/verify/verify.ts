import { NpuBenchError } from '../errors.js';
import type { ModelOptions, NativeModelDescription, SessionOptions } from '../native/binding.js';
import type { NativeHelper } from '../native/helper.js';
import { syntheticPrompt } from '../run/prompt.js';
import type { Results } from '../schema/results.js';
import { PASSAGE, PASSAGE_NAME } from './passage.js';

export const DEFAULT_POSITIONS = 256;
/** Logits of this many positions are held at once, twice: 64 × 150,000 floats are 38 MB. */
const STEP_TOKENS = 64;

export interface VerifyTask {
  model: ModelOptions;
  description: NativeModelDescription;
  session: SessionOptions;
  positions: number;
  seed: number;
}

export type Accuracy = NonNullable<Results['accuracy']>;

/** Real text where the model can read it, random tokens otherwise. */
async function inputOf(helper: NativeHelper, task: VerifyTask) {
  const { description, model, positions } = task;
  const most = Math.min(positions, description.contextLength || positions);
  if (description.tokenizer !== null) {
    const encoded = await helper.call('encode', model, PASSAGE);
    if (encoded.length >= 2) return { ids: encoded.slice(0, most), text: PASSAGE_NAME };
  }
  const { ids } = syntheticPrompt(description.vocabSize, most, 1, task.seed);
  return { ids, text: null };
}

/**
 * Runs the model on the device and on the exact interpreter over the same text, and states how far
 * they are apart: the specification's "quantization effects on accuracy". Slow: the interpreter
 * takes its time.
 */
export async function verifyModel(helper: NativeHelper, task: VerifyTask): Promise<Accuracy> {
  const { family } = task.description;
  if (family === 'graph' || task.description.format === 'genie') {
    throw new NpuBenchError(
      'MODEL',
      `${task.description.name} was compiled by a vendor's tools, and its weights can't be read: there is nothing to compare it with. Verify the GGUF file that it was made from.`,
    );
  }
  const { ids, text } = await inputOf(helper, task);
  const real = text !== null && !task.description.syntheticWeights;
  const { packedCacheDir: _, ...session } = task.session;
  const figures = await helper.verify({
    family,
    model: { ...task.model, contextTokens: ids.length },
    session,
    tokens: ids,
    stepTokens: Math.min(STEP_TOKENS, ids.length),
  });
  const common = {
    reference: 'exact f32 interpreter on the weights as stored',
    positions: figures.positions,
    text: text ?? 'random token ids',
  };
  if (figures.family === 'encoder') {
    return { ...common, embedding_cosine: checked(figures.embeddingCosine) };
  }
  return {
    ...common,
    top1_agreement: figures.top1Agreement,
    kl_divergence: checked(figures.klDivergence),
    max_logit_error: checked(figures.maxLogitError),
    normalized_logit_error: checked(figures.normalizedLogitError),
    perplexity: real ? checked(figures.perplexity) : null,
    reference_perplexity: real ? checked(figures.referencePerplexity) : null,
    first_difference: figures.firstDifference,
  };
}

/** A result with NaN or infinity in it is wrong, not inaccurate. */
function checked(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new NpuBenchError(
    'wrong_result',
    'The device gave logits that are no numbers (NaN or infinity); update its driver, or use another --precision.',
    5,
  );
}
