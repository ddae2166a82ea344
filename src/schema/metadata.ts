import { z } from 'zod';
import { count, maybeNumber, maybeQuantity, maybeText } from './values.js';

export const ModelSchema = z
  .looseObject({
    name: z.string(),
    parameters: maybeQuantity,
    quantization: maybeText,
    path: maybeText,
    sha256: maybeText,
    format: maybeText.describe('"gguf", "safetensors", "qnn-context", "genie" …'),
    architecture: maybeText,
    file_size_bytes: maybeQuantity,
    weights: maybeText.describe('"file", or "synthetic": right for speed, meaningless for text'),
    bits_per_weight: maybeQuantity,
  })
  .meta({ id: 'model' });

export const DeviceInfoSchema = z
  .looseObject({
    name: z.string(),
    compute_capability: maybeText,
    backend: maybeText.describe('"xnnpack", "vulkan", "opencl", "qnn" …'),
    driver: maybeText,
    runtime_version: maybeText,
    soc: maybeText,
    software: z.boolean().nullish().describe('true: a processor that imitates the device'),
    simulated: z.boolean().nullish().describe('true: times and power are no figures of a device'),
  })
  .meta({ id: 'device_info' });

/** What was asked for. Two documents are the same workload when these and the model agree. */
export const BenchmarkConfigSchema = z
  .looseObject({
    iterations: count,
    batch_size: z.number().int().min(1),
    input_length: count,
    output_length: count,
    warmup_iterations: count,
    processes: count.nullish(),
    threads: count.nullish(),
    precision: maybeText,
    cold_start: z.boolean().nullish(),
    cache: maybeText.describe('page cache before a cold start: "drop" or "keep"'),
    packed_cache: maybeText,
    seed: maybeNumber,
    sample_interval_ms: maybeQuantity,
    prompt: maybeText,
    prompt_source: maybeText.describe('"synthetic", "text" or "tokens"'),
    prompt_rule: maybeText.describe('how the ids of a prompt came about'),
    prompt_tokens: z.array(z.number().int()).nullish(),
    perf_profile: maybeText,
    runtime: maybeText.describe('an installed runtime that was asked for, e.g. "qnn@2.51"'),
    executions: count.nullish().describe('context binary: of each graph in one iteration'),
    graphs: z.array(z.string()).nullish().describe('context binary: the graphs that were executed'),
    io_memory: maybeText.describe('NPU: "auto", "shared" or "copied" inputs and outputs'),
    decode_ahead: z
      .boolean()
      .nullish()
      .describe('Vulkan: whether a decode step was submitted while the one before it ran'),
  })
  .meta({ id: 'benchmark_config' });

export const SystemInfoSchema = z
  .looseObject({
    os: maybeText,
    cpu: maybeText,
    memory_gb: maybeQuantity,
    npu_memory_gb: maybeQuantity,
    kernel: maybeText,
    architecture: maybeText,
    cpu_features: z.array(z.string()).nullish(),
    cores: count.nullish(),
    governor: maybeText,
    hostname: maybeText,
  })
  .meta({ id: 'system_info' });

export const MetadataSchema = z.looseObject({
  timestamp: z.iso.datetime({ offset: true, error: 'is not an ISO 8601 date and time' }),
  device: z.string().describe('"npu", "cpu" or "gpu"'),
  device_info: DeviceInfoSchema,
  model: ModelSchema,
  benchmark_config: BenchmarkConfigSchema,
  system_info: SystemInfoSchema,
  tool: z
    .looseObject({ name: z.string(), version: z.string(), commit: maybeText })
    .optional()
    .describe('the program that measured'),
  environment: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('what else may influence the figures: power source, container, variables …'),
  label: maybeText.describe('a name that the user gave to this run'),
});

export type ModelInfo = z.infer<typeof ModelSchema>;
export type DeviceInfo = z.infer<typeof DeviceInfoSchema>;
export type BenchmarkConfig = z.infer<typeof BenchmarkConfigSchema>;
export type SystemInfo = z.infer<typeof SystemInfoSchema>;
export type Metadata = z.infer<typeof MetadataSchema>;
