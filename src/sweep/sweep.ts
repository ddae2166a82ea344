import { setTimeout as delay } from 'node:timers/promises';
import { parseRunOptions, type RawOptions, type RunOptions } from '../config/options.js';
import { NpuBenchError } from '../errors.js';
import { type NativeHelper, withHelper } from '../native/helper.js';
import { DocumentFile } from '../run/document-file.js';
import { withGovernor } from '../run/governor.js';
import { interleave } from '../run/interleave.js';
import { proveWritable } from '../run/output.js';
import { planRun, type RunPlan } from '../run/plan.js';
import { checkResumable } from '../run/resume.js';
import { measure, processGroups, type RunEvent } from '../run/schedule.js';
import { type CaseRecord, casesOf, type ResultDocument } from '../schema/document.js';
import { DEFAULT_POSITIONS, verifyModel } from '../verify/verify.js';
import { type Axis, casesOfAxes, type SweepCase } from './axes.js';
import {
  caseRecord,
  type SkippedCase,
  type SweepRecord,
  type SweepStep,
  sweepDocument,
} from './document.js';
import { type Order, sweepOrder } from './order.js';
import { type Repeatability, repeatabilityOf } from './repeatability.js';
import { type EarlierSweep, readEarlierSweep } from './resume.js';

export interface SweepSpec {
  axes: readonly Axis[];
  /** Options of `run` that every case shares. */
  common: RawOptions;
  order: Order;
  orderSeed: number;
  /** Repetitions of the whole sweep, and the pause between them. */
  runs: number;
  runPauseSeconds: number;
  /** Leave cases out that this machine cannot measure, instead of refusing the sweep. */
  skipUnavailable: boolean;
  output: string;
  resume: boolean;
}

export interface SweepHooks {
  signal?: AbortSignal | undefined;
  /** Processes that will be measured, all runs together. */
  onPlan?(processes: number): void;
  onCase?(entry: SweepCase, run: number): void;
  onEvent?(event: RunEvent): void;
}

export interface SweepOutcome {
  document: ResultDocument;
  path: string;
  repeatability: readonly Repeatability[];
  skipped: readonly SkippedCase[];
  /** 0 complete, 5 with faults or a moved document, 130 interrupted. */
  exitCode: number;
}

interface Job {
  readonly entry: SweepCase;
  readonly names: { id: string; label: string; run?: number };
  readonly options: RunOptions;
  readonly earlier: ResultDocument | undefined;
}

/** A sweep under way: its cases so far, written to disk after every iteration. */
class Sweep {
  readonly #file: DocumentFile;
  readonly #records = new Map<string, CaseRecord>();
  readonly #steps: SweepStep[];
  readonly #skipped: SkippedCase[] = [];
  readonly #cases: readonly SweepCase[];
  #base: ResultDocument | undefined;
  interrupted = false;

  constructor(
    readonly spec: SweepSpec,
    readonly helper: NativeHelper,
    readonly hooks: SweepHooks,
    readonly earlier: EarlierSweep | undefined,
  ) {
    this.#file = new DocumentFile(spec.output);
    this.#cases = casesOfAxes(spec.axes);
    this.#steps = [...(earlier?.sweep.steps ?? [])];
    this.#base = earlier?.document;
  }

  #nameOf(entry: SweepCase, run: number): Job['names'] {
    const { id, label } = entry;
    return this.spec.runs === 1 ? { id, label } : { id: `${id} run=${run}`, label, run };
  }

  /** The cases of one run that are not finished; those that are, stay as they are. */
  #jobsOf(run: number): Job[] {
    const documents = this.earlier === undefined ? [] : casesOf(this.earlier.document);
    return this.#cases.flatMap((entry): Job[] => {
      const names = this.#nameOf(entry, run);
      const index = this.earlier?.cases.findIndex(({ id }) => id === names.id) ?? -1;
      const record = this.earlier?.cases[index];
      if (record !== undefined) this.#records.set(names.id, record);
      if (record?.status === 'complete') return [];
      const raw = { ...this.spec.common, ...entry.changes };
      return [{ entry, names, options: parseRunOptions(raw), earlier: documents[index] }];
    });
  }

  #document(): ResultDocument {
    const ids = Array.from({ length: this.spec.runs }, (_, i) =>
      this.#cases.map((entry) => this.#nameOf(entry, i + 1).id),
    ).flat();
    // Cases of the resumed sweep that this one's lists do not name stay, too.
    const others = this.earlier?.cases.filter(({ id }) => !ids.includes(id)) ?? [];
    const records = [...others, ...ids.flatMap((id) => this.#records.get(id) ?? [])];
    const { axes, common, order, orderSeed, runs } = this.spec;
    const record: SweepRecord = {
      axes: Object.fromEntries(axes.map(({ key, values }) => [key, values])),
      options: common,
      order,
      order_seed: orderSeed,
      runs,
      steps: this.#steps,
      skipped: this.#skipped,
    };
    const planned = others.length + ids.length - this.#skipped.length;
    const document = sweepDocument(records, this.#base as ResultDocument, record, planned);
    const repeatability = repeatabilityOf(records);
    return repeatability.length === 0 ? document : { ...document, repeatability };
  }

  async #save(job: Job, document: ResultDocument): Promise<void> {
    this.#base ??= document;
    this.#records.set(job.names.id, caseRecord(document, job.names));
    await this.#file.save(this.#document());
  }

  /** Settles every case before the first is measured: a mistake in the last one is told at once. */
  async #plan(jobs: readonly Job[]): Promise<{ job: Job; plan: RunPlan }[]> {
    const planned: { job: Job; plan: RunPlan }[] = [];
    for (const job of jobs) {
      try {
        const plan = await planRun(job.options, this.helper);
        if (job.earlier !== undefined) checkResumable(job.earlier, plan, this.spec.output);
        planned.push({ job, plan });
      } catch (error) {
        this.#skipOrThrow(job, error);
      }
    }
    return planned;
  }

  #skipOrThrow(job: Job, error: unknown): void {
    if (!(error instanceof NpuBenchError) || error.exitCode !== 2) throw error;
    if (this.spec.skipUnavailable) {
      this.#skipped.push({ id: job.names.id, reason: error.message });
      return;
    }
    const where = job.names.id === 'single' ? '' : `Case ${job.names.id}: `;
    throw new NpuBenchError(error.code, `${where}${error.message}`, 2, { cause: error });
  }

  async #play(job: Job, plan: RunPlan, turn: () => Promise<number>): Promise<void> {
    const run = job.names.run ?? 1;
    try {
      const { document, interrupted } = await measure(plan, this.helper, {
        signal: this.hooks.signal,
        resume: job.earlier,
        save: (latest) => this.#save(job, latest),
        turn: async (iterations) => {
          const place = await turn();
          const step = { case: job.names.id, run, iterations: [...iterations] };
          if (!this.hooks.signal?.aborted) {
            this.#steps.push({ ...step, started_at: new Date().toISOString() });
            this.hooks.onCase?.(job.entry, run);
          }
          return place;
        },
        onEvent: (event) => this.hooks.onEvent?.(event),
      });
      this.interrupted ||= interrupted;
      if (job.options.verify && !interrupted && document.iterations.length > 0) {
        this.hooks.onEvent?.({ type: 'wait', reason: 'comparing with the exact reference' });
        document.results.accuracy = await verifyModel(this.helper, {
          model: plan.model,
          description: plan.description,
          session: plan.session,
          positions: DEFAULT_POSITIONS,
          seed: job.options.seed,
        });
        await this.#save(job, document);
      }
    } catch (error) {
      this.#skipOrThrow(job, error);
    }
  }

  async #pause(): Promise<void> {
    const { runPauseSeconds: seconds } = this.spec;
    const { signal } = this.hooks;
    if (seconds === 0) return;
    this.hooks.onEvent?.({ type: 'wait', reason: `waiting ${seconds} s before the next run` });
    await delay(seconds * 1000, undefined, signal === undefined ? {} : { signal }).catch(() => {
      // Interrupted: the caller looks at the signal itself.
    });
  }

  async execute(): Promise<SweepOutcome> {
    const { spec, hooks } = this;
    const runs = Array.from({ length: spec.runs }, (_, i) => this.#jobsOf(i + 1));
    const needed = (job: Job) => {
      const { iterations, processes } = job.options;
      const done = new Set(job.earlier?.iterations.map((entry) => entry.iteration));
      return processGroups(iterations, processes ?? iterations, done).length;
    };
    hooks.onPlan?.(runs.flat().reduce((sum, job) => sum + needed(job), 0));
    for (const [index, jobs] of runs.entries()) {
      if (jobs.length === 0) continue;
      if (index > 0) await this.#pause();
      if (hooks.signal?.aborted) break;
      const planned = await this.#plan(jobs);
      const counts = planned.map(({ job }) => needed(job));
      await interleave(
        sweepOrder(spec.order, counts, spec.orderSeed + index),
        planned.map(
          ({ job, plan }) =>
            (turn) =>
              this.#play(job, plan, turn),
        ),
      );
    }
    return this.#outcome();
  }

  async #outcome(): Promise<SweepOutcome> {
    this.interrupted ||= this.hooks.signal?.aborted ?? false;
    if (this.#records.size === 0) {
      if (this.interrupted) throw new NpuBenchError('INTERRUPTED', 'Nothing was measured.', 130);
      const [first] = this.#skipped;
      const why = first === undefined ? '' : ` (${first.id}: ${first.reason})`;
      throw new NpuBenchError('SWEEP', `No case of the sweep can be measured here${why}`);
    }
    const document = this.#document();
    await this.#file.save(document);
    const faulty = document.cases?.some((entry) => entry.faults !== undefined) ?? false;
    const flawed = document.status !== 'complete' || faulty || this.#file.moved;
    return {
      document,
      path: this.#file.place as string,
      repeatability: repeatabilityOf(document.cases ?? []),
      skipped: this.#skipped,
      exitCode: this.interrupted ? 130 : flawed ? 5 : 0,
    };
  }
}

/**
 * Measures every combination of the axes into one document. Finished cases of an unfinished sweep
 * stay under `resume`. Throws NpuBenchError before anything is measured when a case cannot be.
 */
export async function runSweep(spec: SweepSpec, hooks: SweepHooks = {}): Promise<SweepOutcome> {
  proveWritable(spec.output);
  const earlier = spec.resume
    ? await readEarlierSweep(spec.output, spec.common, spec.runs)
    : undefined;
  const { governor, 'sysfs-root': root } = spec.common;
  const setting = {
    ...(governor === undefined ? {} : { governor: String(governor) }),
    ...(root === undefined ? {} : { 'sysfs-root': String(root) }),
  };
  return withGovernor(setting, () =>
    withHelper((helper) => new Sweep(spec, helper, hooks, earlier).execute()),
  );
}
