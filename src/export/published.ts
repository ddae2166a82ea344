import type { ResultDocument } from '../schema/index.js';

/**
 * The specification's published figures of LLaMA 7B (int8; 512 tokens in, 128 out, batch 1) on its
 * reference processor, an ARM Cortex-X1. They serve as a reference device for `--normalize`; they
 * were not measured by this tool.
 */
export const PUBLISHED_REFERENCE = {
  label: 'published reference: LLaMA 7B, int8 on CPU (ARM Cortex-X1)',
  model: 'llama-7b',
  quantization: 'int8',
  batchSize: 1,
  inputLength: 512,
  outputLength: 128,
  figures: new Map([
    ['latency.cold_start_ms', 1850.2],
    ['latency.first_token_ms', 945.1],
    ['latency.subsequent_token_ms', 187.2],
    ['throughput.tokens_per_second', 5.3],
    ['memory.peak_memory_usage_mb', 2450.5],
    ['power.average_power_w', 8.5],
  ]),
} as const;

/** Whether the published figures are of the same model and quantisation. */
export function publishedFits({ metadata: { model } }: ResultDocument): boolean {
  const name = model.name.toLowerCase().replace(/[\s_]+/gu, '-');
  const quantization = model.quantization?.toLowerCase() ?? '';
  return /^llama-?7b\b/u.test(name) && (quantization === 'int8' || /^q8_0\b/u.test(quantization));
}
