import { z } from 'zod';
import { count, FaultSchema, maybeNumber, maybeQuantity, maybeText, quantity } from './values.js';

/** The parts of one cold start, in order; together they are `cold_start_ms`. */
export const ColdStartSchema = z
  .looseObject({
    process_start_ms: maybeQuantity,
    addon_load_ms: maybeQuantity,
    device_open_ms: maybeQuantity,
    weights_read_ms: maybeQuantity,
    pack_compile_ms: maybeQuantity,
    first_prefill_ms: maybeQuantity,
    page_cache: maybeText.describe('"dropped", "kept" or "unknown": the state of the model file'),
    packed_cache: maybeText.describe('"none", "hit" or "written": prepared weights on disk'),
    kernel_cache: maybeText.describe(
      '"hit" or "compiled": kernels of a GPU on disk; null where a driver gives none to keep',
    ),
  })
  .meta({ id: 'cold_start' });

/** A named window; times are milliseconds since the iteration's process was spawned. */
export const PhaseSchema = z
  .looseObject({
    name: z.string().describe('e.g. "load", "prefill", "decode"'),
    start_ms: z.number(),
    end_ms: z.number(),
  })
  .meta({ id: 'phase' });

/** A down-sampled telemetry series on the clock of the phases; a null value was not readable. */
export const TelemetrySeriesSchema = z
  .looseObject({
    name: z.string(),
    unit: z.string(),
    label: z.string().optional(),
    source: z.string().optional(),
    t_ms: z.array(z.number()),
    values: z.array(z.number().nullable()),
  })
  .superRefine((series, context) => {
    if (series.t_ms.length !== series.values.length) {
      context.addIssue({
        code: 'custom',
        path: ['values'],
        message: `has ${series.values.length} entries where t_ms has ${series.t_ms.length}`,
      });
    }
  })
  .meta({ id: 'telemetry_series' });

/** The state of the machine beside an iteration; every key may be missing. */
export const HygieneSnapshotSchema = z
  .looseObject({
    other_cpu_percent: maybeQuantity.describe('processor share of all other processes'),
    temperatures_c: z.record(z.string(), z.number()).optional(),
    frequencies_mhz: z.record(z.string(), z.number()).optional(),
    governor: maybeText,
    thermal_pressure: maybeNumber,
    memory_pressure_percent: maybeQuantity,
    major_faults: maybeQuantity,
    swap_used_mb: maybeQuantity,
    on_battery: z.boolean().nullish(),
  })
  .meta({ id: 'snapshot' });

/** Where a step's time went; `prefill_*` for the prompt, the others are means per decode step. */
export const OverheadSchema = z
  .looseObject({
    transfer_ms: maybeQuantity,
    dispatch_ms: maybeQuantity,
    execute_ms: maybeQuantity,
    synchronize_ms: maybeQuantity,
    prefill_transfer_ms: maybeQuantity,
    prefill_dispatch_ms: maybeQuantity,
    prefill_execute_ms: maybeQuantity,
    prefill_synchronize_ms: maybeQuantity,
    host_cpu_ms: maybeQuantity,
    prefill_host_cpu_ms: maybeQuantity,
    submissions_per_step: maybeQuantity,
  })
  .meta({ id: 'step_overhead' });

/** One graph of a context binary in one iteration; parts are means per execution. */
export const GraphRunSchema = z
  .looseObject({
    name: z.string(),
    execution_ms: maybeQuantity.describe("mean of the runtime's whole call"),
    accelerator_ms: maybeQuantity.describe("the NPU's own time, by the runtime's profile"),
    rpc_ms: maybeQuantity.describe('transport to the NPU and back'),
    host_ms: maybeQuantity.describe('the rest of the call'),
    executions_ms: z.array(quantity).optional(),
  })
  .meta({ id: 'graph_run' });

/** One recorded iteration: the specification's fields, then the samples they came from. */
export const IterationSchema = z
  .looseObject({
    iteration: count.describe('number of the iteration, from 1'),
    cold_start_ms: maybeQuantity,
    first_token_ms: maybeQuantity,
    subsequent_token_ms: maybeQuantity,
    tokens_per_second: maybeQuantity,
    peak_memory_mb: maybeQuantity,
    average_memory_mb: maybeQuantity,
    average_power_w: maybeQuantity,
    peak_power_w: maybeQuantity,

    process: count.optional().describe('index of the process that made this iteration'),
    spawn_ns: quantity
      .optional()
      .describe('monotonic clock of the machine when that process was spawned: zero of `phases`'),
    tokens_per_second_after_first: maybeQuantity,
    prefill_tokens_per_second: maybeQuantity,
    queries_per_second: maybeQuantity,
    execution_ms: maybeQuantity.describe(
      'context binary: mean time of one execution; of several graphs the sum of one each',
    ),
    executions_per_second: maybeQuantity,
    graphs: z.array(GraphRunSchema).optional().describe('context binary: each graph by itself'),
    runtime_figures: z
      .record(z.string(), z.number())
      .optional()
      .describe("a vendor's loop's own figures by its own names, taken inside it: not our clock"),
    total_ms: maybeQuantity.describe('from submitting the prompt to the last token'),
    output_tokens: count.nullish().describe('tokens really generated per sequence'),
    finish_reason: maybeText,
    energy_j: maybeQuantity,
    idle_power_w: maybeQuantity.describe('baseline before the run; energy net of it where known'),
    memory_mb: z.record(z.string(), quantity.nullable()).optional().describe('peak by purpose'),
    overhead: OverheadSchema.optional(),
    utilization: z
      .looseObject({ device_percent: maybeQuantity, cpu_percent: maybeQuantity })
      .optional(),
    efficiency: z
      .looseObject({
        joules_per_token: maybeQuantity,
        gross_joules_per_token: maybeQuantity,
        joules_per_prompt_token: maybeQuantity,
        joules_per_output_token: maybeQuantity,
        tokens_per_joule: maybeQuantity,
        memory_bandwidth_utilization: maybeQuantity,
        host_cpu_ms_per_token: maybeQuantity,
        joules_per_execution: maybeQuantity,
        host_cpu_ms_per_execution: maybeQuantity,
      })
      .optional(),
    cold_start: ColdStartSchema.nullish(),
    token_ms: z.array(quantity).optional().describe('gaps between tokens 2…O'),
    token_ids: z
      .union([z.array(z.number().int()), z.array(z.array(z.number().int()))])
      .optional()
      .describe('generated ids; one list per sequence where batch_size > 1'),
    phases: z.array(PhaseSchema).optional(),
    telemetry: z.array(TelemetrySeriesSchema).optional(),
    hygiene: z
      .looseObject({
        before: HygieneSnapshotSchema.optional(),
        after: HygieneSnapshotSchema.optional(),
      })
      .optional(),
    noise: z
      .looseObject({
        other_processors: maybeQuantity.describe('processors kept busy by other processes'),
        steal_percent: maybeQuantity.describe('processor time that went to other guests'),
        held_up_percent: maybeQuantity.describe(
          'time that single slow tokens took beyond the median of those around them',
        ),
        involuntary_switches_per_second: maybeQuantity,
        memory_pressure_percent: maybeQuantity,
      })
      .optional()
      .describe('what disturbed the iteration, alarming or not'),
    faults: z.array(FaultSchema).optional(),
  })
  .meta({ id: 'iteration' });

export type ColdStart = z.infer<typeof ColdStartSchema>;
export type GraphRun = z.infer<typeof GraphRunSchema>;
export type Phase = z.infer<typeof PhaseSchema>;
export type TelemetrySeries = z.infer<typeof TelemetrySeriesSchema>;
export type HygieneSnapshot = z.infer<typeof HygieneSnapshotSchema>;
export type Iteration = z.infer<typeof IterationSchema>;
