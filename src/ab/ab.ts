import { compareDocuments } from '../compare/compare.js';
import type { Comparison } from '../compare/types.js';
import type { RunOptions } from '../config/options.js';
import { NpuBenchError } from '../errors.js';
import { type NativeHelper, withHelper } from '../native/helper.js';
import { DocumentFile } from '../run/document-file.js';
import { withGovernor } from '../run/governor.js';
import { interleave } from '../run/interleave.js';
import { proveWritable } from '../run/output.js';
import { planRun, type RunPlan } from '../run/plan.js';
import { measure, processGroups, type RunEvent } from '../run/schedule.js';
import type { ResultDocument } from '../schema/document.js';
import { findMetric, type Metric, sampleOf } from '../schema/metrics.js';
import { abbaOrder, type Side } from './order.js';
import {
  type Adjusted,
  adjustForSpeed,
  type ReferenceSpeed,
  type SpeedSample,
} from './reference.js';

const REFERENCE_MS = 20;
const NAMES = ['A', 'B'] as const;

export interface AbSpec {
  /** The two configurations; everything but the difference is the same. */
  a: RunOptions;
  b: RunOptions;
  /** Words for the two, as they were given. */
  describe: readonly [a: string, b: string];
  outputs: readonly [a: string, b: string];
  threshold: number;
  metrics: readonly string[];
}

/** One process of the session, in the order in which they were started. */
export interface AbStep {
  place: number;
  side: 'A' | 'B';
  iterations: number[];
  started_at: string;
  reference: ReferenceSpeed;
}

export interface AbHooks {
  signal?: AbortSignal | undefined;
  onPlan?(processes: number): void;
  onStep?(step: AbStep): void;
  onEvent?(event: RunEvent): void;
}

export interface AbOutcome {
  documents: readonly ResultDocument[];
  paths: readonly string[];
  steps: readonly AbStep[];
  /** undefined: one side has no samples. */
  comparison: Comparison | undefined;
  adjusted: readonly (Adjusted & { metric: Metric })[];
  interrupted: boolean;
  faulty: boolean;
}

/** An A/B session under way. */
class Session {
  readonly steps: AbStep[] = [];
  readonly #files: readonly DocumentFile[];

  constructor(
    readonly spec: AbSpec,
    readonly helper: NativeHelper,
    readonly hooks: AbHooks,
  ) {
    this.#files = spec.outputs.map((path) => new DocumentFile(path));
  }

  /** The document of one side with the session's order, and each sample's reference speed. */
  #decorate(document: ResultDocument, side: Side): ResultDocument {
    const name = NAMES[side];
    const mine = this.steps.filter((step) => step.side === name);
    return {
      ...document,
      metadata: { ...document.metadata, label: document.metadata.label ?? this.#label(side) },
      iterations: document.iterations.map((iteration) => {
        const step = mine.find(({ iterations }) => iterations.includes(iteration.iteration));
        if (step === undefined) return iteration;
        return { ...iteration, place: step.place, reference: step.reference };
      }),
      ab: {
        side: name,
        sides: { A: this.spec.describe[0], B: this.spec.describe[1] },
        reference_ms: REFERENCE_MS,
        steps: this.steps,
      },
    };
  }

  #label(side: Side): string {
    return `${NAMES[side]}: ${this.spec.describe[side]}`;
  }

  async #step(side: Side, iterations: readonly number[], plan: RunPlan): Promise<void> {
    const limits = await this.helper.call('measureLimits', {
      threads: plan.session.threads || plan.info.performanceCores,
      milliseconds: REFERENCE_MS,
    });
    const step: AbStep = {
      place: this.steps.length,
      side: NAMES[side],
      iterations: [...iterations],
      started_at: new Date().toISOString(),
      reference: {
        read_bandwidth_gb_s: limits.readBandwidthBytesPerSecond / 1e9,
        f32_gflop_s: limits.f32FlopsPerSecond / 1e9,
      },
    };
    this.steps.push(step);
    this.hooks.onStep?.(step);
  }

  /** A mistake of one side says which. */
  async #plan(side: Side): Promise<RunPlan> {
    const { spec, helper } = this;
    try {
      return await planRun(side === 0 ? spec.a : spec.b, helper);
    } catch (error) {
      if (!(error instanceof NpuBenchError)) throw error;
      throw new NpuBenchError(
        error.code,
        `Side ${this.#label(side)}: ${error.message}`,
        error.exitCode,
        { cause: error },
      );
    }
  }

  async execute(): Promise<AbOutcome> {
    const { hooks, helper } = this;
    const plans = [await this.#plan(0), await this.#plan(1)];
    const [perSide, other] = plans.map(({ options: { iterations, processes } }) => {
      return processGroups(iterations, processes ?? iterations, new Set()).length;
    });
    if (perSide !== other) {
      throw new NpuBenchError(
        'AB',
        `A has ${perSide} processes and B has ${other}: --iterations and --processes are for both sides.`,
      );
    }
    hooks.onPlan?.(2 * (perSide as number));
    // The reference is the same work on both sides, whatever threads they use.
    const reference = plans[0] as RunPlan;
    const outcomes = await interleave(
      abbaOrder(perSide as number),
      plans.map((plan, index) => {
        const side = index as Side;
        const file = this.#files[side] as DocumentFile;
        return (turn) =>
          measure(plan, helper, {
            signal: hooks.signal,
            turn,
            beforeProcess: (iterations) => this.#step(side, iterations, reference),
            save: (document) => file.save(this.#decorate(document, side)),
            onEvent: (event) => hooks.onEvent?.(event),
          });
      }),
    );
    const documents = outcomes.map(({ document }, side) => this.#decorate(document, side as Side));
    // The order is complete only now.
    for (const [side, document] of documents.entries()) {
      if (document.iterations.length > 0) await this.#files[side]?.save(document);
    }
    return this.#outcome(
      documents,
      outcomes.some(({ interrupted }) => interrupted),
    );
  }

  #outcome(documents: ResultDocument[], interrupted: boolean): AbOutcome {
    const { spec } = this;
    const paths = this.#files.map((file) => file.place as string);
    const named = documents.map((document, i) => ({ document, file: paths[i] as string }));
    const [a, b] = named as [(typeof named)[0], (typeof named)[0]];
    const both = documents.every(({ iterations }) => iterations.length > 0);
    return {
      documents,
      paths,
      steps: this.steps,
      comparison: both
        ? compareDocuments([a], [b], {
            threshold: spec.threshold,
            metrics: spec.metrics,
            // That the sides differ is what they are for.
            allowMismatch: true,
            detailed: true,
          })
        : undefined,
      adjusted: both ? adjustedEffects(a.document, b.document) : [],
      interrupted,
      faulty:
        this.#files.some(({ moved }) => moved) ||
        documents.some(({ status, faults }) => status !== 'complete' || faults !== undefined),
    };
  }
}

function speedSamples(document: ResultDocument, metric: Metric): SpeedSample[] {
  return document.iterations.flatMap((iteration) => {
    const value = sampleOf(iteration, metric);
    const speed = iteration.reference as ReferenceSpeed | undefined;
    return value === undefined || speed === undefined ? [] : [{ value, speed }];
  });
}

/** Latencies whose spread follows the machine's own speed, with the effect at one common speed. */
export function adjustedEffects(
  a: ResultDocument,
  b: ResultDocument,
): (Adjusted & { metric: Metric })[] {
  return ['latency.first_token_ms', 'latency.subsequent_token_ms'].flatMap((id) => {
    const metric = findMetric(id) as Metric;
    const adjusted = adjustForSpeed(speedSamples(a, metric), speedSamples(b, metric));
    return adjusted === undefined ? [] : [{ ...adjusted, metric }];
  });
}

/**
 * Measures two configurations in turns, every sample in a fresh process right after a short
 * reference kernel, and compares them. Both documents are on disk after every iteration. Throws
 * NpuBenchError when nothing could be measured.
 */
export async function runAb(spec: AbSpec, hooks: AbHooks = {}): Promise<AbOutcome> {
  for (const path of spec.outputs) proveWritable(path);
  if (spec.a.governor !== spec.b.governor) {
    throw new NpuBenchError(
      'AB',
      'Both sides run in turns on one machine, so --governor is for both: give it beside --a and --b.',
    );
  }
  return withGovernor(spec.a, () =>
    withHelper((helper) => new Session(spec, helper, hooks).execute()),
  );
}
