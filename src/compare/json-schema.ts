import { z } from 'zod';
import { count } from '../schema/values.js';
import { SCHEMA } from './machine.js';

/** The form of `compare --format json` and `ab --json`: the interfaces of types.ts, for others. */

const VERDICTS = ['regression', 'improvement', 'no change', 'inconclusive', 'not judged'] as const;
const verdict = z.enum(VERDICTS);
const share = z.number().min(0).max(1);
const interval = z.looseObject({ low: z.number(), high: z.number() });

const side = z
  .looseObject({
    n: count,
    median: z.number(),
    mean: z.number(),
    deviation: z.number().min(0),
    min: z.number(),
    max: z.number(),
    outliers: count.describe('samples marked by the median absolute deviation'),
    sigmaOutliers: count.describe('samples beyond three deviations'),
    states: z
      .looseObject({
        limit: z.number(),
        lowerCount: count,
        upperCount: count,
        ratio: z.number(),
      })
      .optional(),
    betweenRuns: z.number().optional(),
    withinRuns: z.number().optional(),
  })
  .meta({ id: 'side' });

const metric = z
  .looseObject({
    metric: z.looseObject({
      id: z.string().describe("dotted path of the metric in a document's results"),
      label: z.string(),
      unit: z.string(),
      direction: z.enum(['lower', 'higher']),
    }),
    gated: z.boolean().describe('whether it decides the verdict of the case'),
    unit: z.enum(['run', 'process', 'iteration', 'summary']).describe('what one sample is'),
    baseline: side,
    current: side,
    ratio: z.number().optional().describe('median(current) / median(baseline)'),
    changePercent: z.number().optional(),
    interval: interval.optional().describe('95 % interval of the ratio, of the test'),
    intervalMethod: z.string().optional(),
    bootstrapInterval: interval.optional(),
    hodgesLehmannRatio: z.number().optional(),
    cliffsDelta: z.number().optional(),
    test: z
      .looseObject({
        name: z.enum(['mann-whitney', 'welch-log']),
        method: z.enum(['exact', 'normal', 't']),
        pWorse: share,
        pBetter: share,
        pWorseAdjusted: share,
        pBetterAdjusted: share,
      })
      .optional(),
    detectablePercent: z.number().optional(),
    samplesNeeded: z.number().optional(),
    statesP: share.optional(),
    verdict,
    reason: z.string(),
    indicative: z.boolean(),
  })
  .meta({ id: 'metric' });

const difference = z.looseObject({
  key: z.string().describe('dotted path under metadata'),
  baseline: z.unknown(),
  current: z.unknown(),
});

const description = z
  .looseObject({
    files: z.array(z.string()),
    runs: count,
    processes: count,
    device: z.string(),
    deviceName: z.string(),
    backend: z.string().optional(),
    simulated: z.boolean(),
    firstTimestamp: z.string(),
    lastTimestamp: z.string(),
    label: z.string().optional(),
  })
  .meta({ id: 'description' });

const note = z.looseObject({ code: z.string(), message: z.string() });

export const ComparisonSchema = z.looseObject({
  schema: z.looseObject({ id: z.literal(SCHEMA.id), version: z.literal(SCHEMA.version) }),
  exit_code: z.number().int(),
  threshold: z.number().describe('per cent; changes up to it are no regression'),
  cases: z.array(
    z.looseObject({
      name: z.string().describe('case of a sweep; empty for documents of one case'),
      relation: z.enum(['same device', 'different devices', 'different machines']),
      baseline: description,
      current: description,
      workload: z.string(),
      mismatches: z.array(difference),
      differences: z.array(difference),
      metrics: z.array(metric),
      ratios: z.array(z.looseObject({ label: z.string(), ratio: z.number(), formula: z.string() })),
      notes: z.array(note),
      verdict,
    }),
  ),
  verdict,
  summary: z.string(),
  notes: z.array(note),
});

/** The JSON Schema (draft 2020-12) of a comparison. */
export function comparisonJsonSchema(): Record<string, unknown> {
  return {
    title: 'npu-bench comparison, version 1',
    description: 'Two sides of benchmark results, with a verdict per metric and its evidence.',
    ...z.toJSONSchema(ComparisonSchema, { io: 'input' }),
  };
}
