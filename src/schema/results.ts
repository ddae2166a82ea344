import { z } from 'zod';
import { maybeBlock, maybeNumber, maybeQuantity, maybeText, quantity } from './values.js';

/** What ran where: `share_percent` of the multiply-adds, from the compiled graph. */
export const PlacementSchema = z
  .looseObject({
    device: z.string(),
    backend: maybeText,
    op_count: maybeQuantity,
    multiply_adds: maybeQuantity,
    share_percent: maybeQuantity,
  })
  .meta({ id: 'placement' });

/** One graph of a context binary: blocks over its executions, or over the iterations' means. */
export const GraphResultSchema = z
  .looseObject({
    name: z.string(),
    execution_ms: maybeBlock.describe('all executions of all iterations'),
    accelerator_ms: maybeBlock.describe('means of the iterations, as the two below'),
    rpc_ms: maybeBlock,
    host_ms: maybeBlock,
  })
  .meta({ id: 'graph_result' });

export const ResultsSchema = z
  .looseObject({
    latency: z.looseObject({
      cold_start_ms: maybeBlock,
      first_token_ms: maybeBlock,
      subsequent_token_ms: maybeBlock,
      total_ms: maybeBlock,
      execution_ms: maybeBlock.describe('context binary: one execution (of each graph)'),
      token_ms: maybeBlock.describe('all gaps between tokens of all iterations (within-run gaps)'),
    }),
    throughput: z.looseObject({
      tokens_per_second: maybeBlock,
      tokens_per_second_after_first: maybeBlock,
      prefill_tokens_per_second: maybeBlock,
      queries_per_second: maybeBlock,
      executions_per_second: maybeBlock,
    }),
    memory: z
      .looseObject({
        peak_memory_usage_mb: maybeBlock,
        average_memory_usage_mb: maybeBlock,
        by_purpose_mb: z.record(z.string(), quantity.nullable()).optional(),
      })
      .optional(),
    power: z
      .looseObject({
        average_power_w: maybeBlock,
        peak_power_w: maybeBlock,
        idle_power_w: maybeQuantity,
        method: maybeText.describe('e.g. "rapl energy counter", "battery current × voltage"'),
        rails: z.array(z.string()).nullish().describe('the sources that were summed'),
        source_interval_ms: maybeQuantity,
        uncertainty_percent: maybeQuantity,
      })
      .optional(),
    overhead: z
      .looseObject({
        transfer_ms: maybeBlock,
        dispatch_ms: maybeBlock,
        execute_ms: maybeBlock,
        synchronize_ms: maybeBlock,
        prefill_transfer_ms: maybeBlock,
        prefill_dispatch_ms: maybeBlock,
        prefill_execute_ms: maybeBlock,
        prefill_synchronize_ms: maybeBlock,
        host_cpu_ms: maybeBlock,
        prefill_host_cpu_ms: maybeBlock,
        submissions_per_step: maybeBlock,
      })
      .optional(),
    utilization: z.looseObject({ device_percent: maybeBlock, cpu_percent: maybeBlock }).optional(),
    efficiency: z
      .looseObject({
        joules_per_token: maybeBlock,
        gross_joules_per_token: maybeBlock,
        joules_per_prompt_token: maybeBlock,
        joules_per_output_token: maybeBlock,
        tokens_per_joule: maybeBlock,
        memory_bandwidth_utilization: maybeBlock,
        host_cpu_ms_per_token: maybeBlock,
        joules_per_execution: maybeBlock,
        host_cpu_ms_per_execution: maybeBlock,
      })
      .optional(),
    accuracy: z
      .looseObject({
        top1_agreement: maybeQuantity.describe('share of positions, 0…1'),
        kl_divergence: maybeNumber,
        perplexity: maybeQuantity,
        max_logit_error: maybeQuantity,
        embedding_cosine: maybeNumber,
        reference: maybeText,
      })
      .nullish(),
    proof: z
      .looseObject({
        passed: z.boolean(),
        normalized_error: maybeNumber.describe('||device − reference|| / ||reference||'),
        bound: maybeQuantity,
        layers: maybeQuantity.describe('layers of the model that took part'),
        tokens: maybeQuantity,
      })
      .nullish()
      .describe('the device against the exact reference, before anything was measured'),
    graphs: z
      .array(GraphResultSchema)
      .nullish()
      .describe('context binary: each graph, over all executions of all iterations'),
    placement: z.array(PlacementSchema).nullish(),
    harness: z
      .looseObject({
        clock_ns: maybeQuantity,
        sampler_cpu_percent: maybeQuantity,
        outside_graph_percent: maybeQuantity,
      })
      .nullish()
      .describe("what measuring itself cost; the device's overhead is under `overhead`"),
  })
  .meta({ id: 'results' });

export type GraphResult = z.infer<typeof GraphResultSchema>;
export type Placement = z.infer<typeof PlacementSchema>;
export type Results = z.infer<typeof ResultsSchema>;
