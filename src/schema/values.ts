import { z } from 'zod';

/** A figure that cannot be negative: a time, a rate, a size, a power. */
export const quantity = z.number().min(0);
/** The same where the value may be missing: null says "not taken", never zero. */
export const maybeQuantity = quantity.nullish();
export const maybeNumber = z.number().nullish();
export const maybeText = z.string().nullish();
export const count = z.number().int().min(0);

/**
 * One metric over the iterations of a run. `std` is the sample deviation (n − 1). Percentiles are
 * Hyndman-Fan type 7. `ci95_*` bound the mean by Student's t. `outliers` lists the numbers of the
 * iterations that the median absolute deviation marks; they stay in every other figure.
 */
export const StatisticBlockSchema = z
  .looseObject({
    mean: z.number(),
    std: quantity.describe('sample standard deviation; 0 for a single sample'),
    min: z.number(),
    max: z.number(),
    median: z.number(),
    n: count.optional(),
    p90: z.number().optional(),
    p95: z.number().optional(),
    p99: z.number().optional(),
    ci95_low: z.number().optional(),
    ci95_high: z.number().optional(),
    outliers: z.array(count).optional(),
  })
  .superRefine((block, context) => {
    if (block.min > block.max) {
      context.addIssue({ code: 'custom', path: ['min'], message: 'is larger than max' });
    } else if (block.median < block.min || block.median > block.max) {
      context.addIssue({ code: 'custom', path: ['median'], message: 'is outside min and max' });
    }
  });

/** A statistic block of a quantity: none of its samples may be negative. */
export const QuantityBlockSchema = StatisticBlockSchema.superRefine((block, context) => {
  if (block.min < 0) {
    context.addIssue({ code: 'custom', path: ['min'], message: 'must not be negative' });
  } else if (block.mean < 0) {
    context.addIssue({ code: 'custom', path: ['mean'], message: 'must not be negative' });
  }
}).meta({ id: 'statistics' });

export const maybeBlock = QuantityBlockSchema.nullish();

/** A condition of a run that a reader should know, in words that say what to do about it. */
export const WarningSchema = z
  .looseObject({
    code: z.string().describe('stable identifier, e.g. "throttling"'),
    message: z.string(),
    action: z.string().optional(),
  })
  .meta({ id: 'warning' });

/** Why a metric is null: `metric` is its dotted path under `results`. */
export const UnavailableSchema = z
  .looseObject({
    metric: z.string(),
    reason: z.string(),
    remedy: z.string().optional(),
  })
  .meta({ id: 'unavailable' });

/** Something that ended or disturbed an iteration: a crash, a hang, a wrong result. */
export const FaultSchema = z
  .looseObject({
    code: z.string().describe('e.g. "crash", "timeout", "out-of-memory", "wrong-result"'),
    message: z.string(),
    phase: z.string().optional(),
    exit_code: z.number().int().nullish(),
    signal: maybeText,
  })
  .meta({ id: 'fault' });

export type StatisticBlock = z.infer<typeof StatisticBlockSchema>;
export type Warning = z.infer<typeof WarningSchema>;
export type Unavailable = z.infer<typeof UnavailableSchema>;
export type Fault = z.infer<typeof FaultSchema>;
