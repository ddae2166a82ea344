/**
 * How far a device's results are from the exact ones: both sessions see the same text, position by
 * position, and their logits are compared. Runs in the helper process.
 */
import type { ModelOptions, NativeBinding, SessionOptions } from './binding.js';

export interface VerifyRequest {
  family: 'decoder' | 'encoder';
  model: ModelOptions;
  session: SessionOptions;
  /** Token ids of the text; logits of positions 0 … n−2 are judged against ids 1 … n−1. */
  tokens: Int32Array;
  /** Positions handed to a decoder in one step. */
  stepTokens: number;
}

export type VerifyFigures = DecoderFigures | EncoderFigures;

export interface EncoderFigures {
  family: 'encoder';
  positions: number;
  embeddingCosine: number;
}

export interface DecoderFigures {
  family: 'decoder';
  positions: number;
  top1Agreement: number;
  /** Mean over positions of KL(reference ‖ device), in nats. */
  klDivergence: number;
  maxLogitError: number;
  /** Root of the squared logit error over the squared reference logits. */
  normalizedLogitError: number;
  perplexity: number;
  referencePerplexity: number;
  /** First position with another best token, and by how much the reference preferred its own. */
  firstDifference: { position: number; gap: number } | null;
}

interface Row {
  best: number;
  /** Log of the sum of exponentials, so that logit − logSum is the log-probability. */
  logSum: number;
}

function describeRow(logits: Float32Array, begin: number, size: number): Row {
  let best = 0;
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < size; i += 1) {
    const value = logits[begin + i] as number;
    if (value > top) {
      top = value;
      best = i;
    }
  }
  let sum = 0;
  for (let i = 0; i < size; i += 1) sum += Math.exp((logits[begin + i] as number) - top);
  return { best, logSum: top + Math.log(sum) };
}

interface Shape {
  batch: number;
  maxTokens: number;
  maxStepTokens: number;
  allLogits?: boolean;
}

/** The session under test and the exact one, of the same shape. */
function openBoth(binding: NativeBinding, request: VerifyRequest, shape: Shape) {
  const device = binding.open(request.model, { ...request.session, ...shape });
  const exact = binding.open(request.model, {
    ...shape,
    backend: 'reference',
    precision: 'f32',
    threads: request.session.threads,
  });
  return { device, exact };
}

function verifyEncoder(binding: NativeBinding, request: VerifyRequest): EncoderFigures {
  const length = request.tokens.length;
  const shape = { batch: 1, maxTokens: length, maxStepTokens: length };
  const { device, exact } = openBoth(binding, request, shape);
  const workload = { prompt: request.tokens, batch: 1, inputTokens: length, outputTokens: 1 };
  const a = device.run(workload).embedding;
  const b = exact.run(workload).embedding;
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < b.length; i += 1) {
    const x = a[i] as number;
    const y = b[i] as number;
    product += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  device.close();
  exact.close();
  return {
    family: 'encoder',
    positions: length,
    embeddingCosine: product / Math.sqrt(squaresA * squaresB),
  };
}

export function verify(binding: NativeBinding, request: VerifyRequest): VerifyFigures {
  return request.family === 'encoder'
    ? verifyEncoder(binding, request)
    : verifyDecoder(binding, request);
}

function verifyDecoder(binding: NativeBinding, request: VerifyRequest): DecoderFigures {
  const { tokens, stepTokens } = request;
  const { device, exact } = openBoth(binding, request, {
    batch: 1,
    maxTokens: tokens.length,
    maxStepTokens: stepTokens,
    allLogits: true,
  });
  let positions = 0;
  let agreed = 0;
  let divergence = 0;
  let maxError = 0;
  let squaredError = 0;
  let squaredExact = 0;
  let lossDevice = 0;
  let lossExact = 0;
  let scored = 0;
  let firstDifference: DecoderFigures['firstDifference'] = null;

  for (let begin = 0; begin < tokens.length; begin += stepTokens) {
    const step = tokens.slice(begin, Math.min(begin + stepTokens, tokens.length));
    device.forward(step);
    exact.forward(step);
    const a = device.logits();
    const b = exact.logits();
    const size = b.length / step.length;
    for (let row = 0; row < step.length; row += 1) {
      const offset = row * size;
      const mine = describeRow(a, offset, size);
      const truth = describeRow(b, offset, size);
      for (let i = 0; i < size; i += 1) {
        const x = a[offset + i] as number;
        const y = b[offset + i] as number;
        const error = Math.abs(x - y);
        if (!(error <= maxError)) maxError = error;
        squaredError += error * error;
        squaredExact += y * y;
        divergence += Math.exp(y - truth.logSum) * (y - truth.logSum - (x - mine.logSum));
      }
      if (mine.best === truth.best) agreed += 1;
      else if (firstDifference === null) {
        const gap = (b[offset + truth.best] as number) - (b[offset + mine.best] as number);
        firstDifference = { position: begin + row, gap };
      }
      const next = tokens[begin + row + 1];
      if (next !== undefined) {
        lossDevice -= (a[offset + next] as number) - mine.logSum;
        lossExact -= (b[offset + next] as number) - truth.logSum;
        scored += 1;
      }
      positions += 1;
    }
  }
  device.close();
  exact.close();
  return {
    family: 'decoder',
    positions,
    top1Agreement: agreed / positions,
    klDivergence: Math.max(0, divergence / positions),
    maxLogitError: maxError,
    normalizedLogitError: Math.sqrt(squaredError / squaredExact),
    perplexity: Math.exp(lossDevice / scored),
    referencePerplexity: Math.exp(lossExact / scored),
    firstDifference,
  };
}
