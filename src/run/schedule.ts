import { join } from 'node:path';
import { cacheDirectory } from '../models/cache.js';
import { filesBelow, warmPageCache } from '../models/files.js';
import type { NativeSnapshot } from '../native/binding.js';
import { type NativeHelper, nativeError } from '../native/helper.js';
import type { ResultDocument, Status } from '../schema/document.js';
import type { Iteration } from '../schema/iteration.js';
import type { Fault } from '../schema/values.js';
import { type ChildOrigin, type ChildResult, runChild } from './child.js';
import { heatWatchWarnings, waitForCooldown, watchHeat } from './cooldown.js';
import { buildDocument, type RunState } from './document.js';
import { isHopeless, tooHotFault } from './faults.js';
import { hygieneOf } from './hygiene.js';
import type { MeasureRequest, Phase, SampleMessage } from './messages.js';
import { type IterationContext, iterationOf, outsideGraphPercent } from './metrics.js';
import { observe } from './observe.js';
import type { RunPlan } from './plan.js';

export type RunEvent =
  | { type: 'process'; iterations: number[] }
  | { type: 'phase'; phase: Phase; iteration: number; step: number }
  | { type: 'iteration'; iteration: Iteration }
  | { type: 'fault'; fault: Fault }
  | { type: 'wait'; reason: string }
  | { type: 'text'; text: string };

export interface MeasureOptions {
  signal?: AbortSignal | undefined;
  /** Called between measured windows only. */
  onEvent?(event: RunEvent): void;
  /** Keeps the document safe; called after every iteration, before the next one may begin. */
  save(document: ResultDocument): Promise<void>;
  /** An unfinished document of the same settings; its iterations are kept. */
  resume?: ResultDocument | undefined;
  /** Where several runs share the machine: waits for this one's turn; its place in their order. */
  turn?(iterations: readonly number[]): Promise<number>;
  /** Called when the machine is ready for a process, right before it is started. */
  beforeProcess?(iterations: readonly number[]): Promise<void>;
}

export interface MeasureOutcome {
  document: ResultDocument;
  interrupted: boolean;
}

/** Consecutive processes that may fail before the rest is given up. */
const MAX_FAILURES_IN_A_ROW = 2;
/** Share of a file that may stay in the page cache for it to count as dropped. */
const MOSTLY_DROPPED = 0.02;

/**
 * Iteration numbers of each process: spread evenly, in order. With `processes` equal to
 * `iterations` (the default) every iteration has a process of its own.
 */
export function processGroups(
  iterations: number,
  processes: number,
  finished: ReadonlySet<number>,
): { process: number; iterations: number[] }[] {
  const groups = Array.from({ length: processes }, (_, i) => ({
    process: i + 1,
    iterations: [] as number[],
  }));
  for (let number = 1; number <= iterations; number += 1) {
    const group = groups[Math.floor(((number - 1) * processes) / iterations)];
    if (!finished.has(number)) group?.iterations.push(number);
  }
  return groups.filter((group) => group.iterations.length > 0);
}

/** The measured process is another one to the helper that looks, but no disturbance. */
function withoutOwn(snapshot: NativeSnapshot, pid: number | undefined): NativeSnapshot {
  if (!snapshot.texts.busiest_other_process?.endsWith(`(${pid})`)) return snapshot;
  const { busiest_other_process: _, ...texts } = snapshot.texts;
  return { ...snapshot, texts };
}

function requestOf(plan: RunPlan, iterations: number[]): MeasureRequest {
  return {
    type: 'measure',
    model: plan.model,
    session: plan.session,
    sampler: plan.sampler,
    prompt: plan.prompt.ids,
    batch: plan.options['batch-size'],
    inputTokens: plan.prompt.length,
    outputTokens: plan.outputTokens,
    coldStart: plan.options['cold-start'],
    warmups: plan.options.warmup,
    iterations,
    wantText: plan.prompt.source !== 'synthetic' && !plan.description.syntheticWeights,
    ...(plan.scheduling === undefined ? {} : { scheduling: plan.scheduling }),
  };
}

/** One run under way: what it has learnt, and how it goes on. */
class Run {
  readonly state: RunState;
  readonly #packedDir = join(cacheDirectory(), 'packed');
  #pageCache: IterationContext['pageCache'] = 'unknown';
  #before: NativeSnapshot;

  constructor(
    readonly plan: RunPlan,
    readonly helper: NativeHelper,
    readonly options: MeasureOptions,
  ) {
    const old = options.resume;
    this.#before = plan.before;
    this.state = {
      iterations: old?.iterations ?? [],
      faults: [],
      warnings: old?.warnings.filter((warning) => warning.code === 'page-cache') ?? [],
      unavailable: old?.unavailable ?? [],
      ...(old === undefined ? {} : { earlier: old.results }),
    };
  }

  async #save(status: Status): Promise<ResultDocument> {
    const document = buildDocument(this.plan, this.state, status);
    await this.options.save(document);
    return document;
  }

  /** Brings the page cache into the state that was asked for, outside the measured process. */
  async #preparePageCache(): Promise<void> {
    const { weightFiles, options } = this.plan;
    if (weightFiles.length === 0 || !options['cold-start']) return;
    const files = [...weightFiles, ...(options['packed-cache'] ? filesBelow(this.#packedDir) : [])];
    if (options.cache === 'keep') {
      await warmPageCache(files);
      this.#pageCache = 'kept';
      return;
    }
    let left = 0;
    try {
      for (const file of files) {
        const { cachedAfterRatio } = await this.helper.call('dropFileCache', file);
        left = Math.max(left, cachedAfterRatio);
      }
    } catch (error) {
      this.#pageCache = 'unknown';
      this.#warnPageCache((error as Error).message.replace(/\.$/, ''));
      return;
    }
    this.#pageCache = left <= MOSTLY_DROPPED ? 'dropped' : 'unknown';
    if (left > MOSTLY_DROPPED) {
      this.#warnPageCache(
        `${Math.round(100 * left)} % of it stayed there, another process may use it`,
      );
    }
  }

  #warnPageCache(reason: string): void {
    this.state.warnings.push({
      code: 'page-cache',
      message: `The model file could not be dropped from the page cache (${reason}), so the cold start is warmer than a first start.`,
      action: 'Close other programs that use the model, or measure with --cache keep.',
    });
  }

  /** Writes the packed weights in a process of its own, so that all samples start alike. */
  async #preparePackedCache(): Promise<ChildResult> {
    this.options.onEvent?.({ type: 'wait', reason: 'preparing packed weights' });
    return runChild(
      { ...requestOf(this.plan, []), coldStart: false, warmups: 0 },
      { ...this.#childOptions(), onSample: async () => {} },
    );
  }

  #childOptions() {
    const { onEvent, signal } = this.options;
    return {
      addonPath: this.plan.addonPath,
      timeoutSeconds: this.plan.options.timeout,
      signal,
      onPhase: (phase: Phase, iteration: number, step: number) =>
        onEvent?.({ type: 'phase', phase, iteration, step }),
      onText: (text: string) => onEvent?.({ type: 'text', text }),
    };
  }

  /** Whether this process began with packed weights from disk; asked for and not found is told. */
  #packedState(sample: SampleMessage): IterationContext['packedCache'] {
    if (sample.start?.open.packedCacheHit) return 'hit';
    if (this.plan.options['packed-cache'] && sample.start !== null) {
      this.state.warnings.push({
        code: 'packed-cache',
        message: `The ${this.plan.choice.backend} backend took no packed weights from disk, so --packed-cache on changed nothing.`,
        action: 'Leave it off, or make room in the cache folder.',
      });
    }
    return 'none';
  }

  async #record(sample: SampleMessage, origin: ChildOrigin, process: number): Promise<void> {
    const { plan, state } = this;
    const { spawnNs } = origin;
    const before = this.#before;
    const after = await this.helper.call('snapshot', plan.sampler.roots);
    const observation = observe(sample, {
      spawnNs,
      idle: plan.idle,
      after: withoutOwn(after, origin.pid),
      batch: plan.options['batch-size'],
      inputTokens: plan.prompt.length,
      family: plan.description.family,
    });
    const iteration: Iteration = {
      ...iterationOf(sample, {
        spawnNs,
        batch: plan.options['batch-size'],
        inputTokens: plan.prompt.length,
        outputTokens: plan.outputTokens,
        family: plan.description.family,
        pageCache: this.#pageCache,
        packedCache: this.#packedState(sample),
        readBandwidthBytesPerSecond: plan.limits.readBandwidthBytesPerSecond,
      }),
      process,
      spawn_ns: spawnNs,
      hygiene: { before: hygieneOf(before), after: hygieneOf(after) },
    };
    const efficiency = { ...iteration.efficiency, ...observation.iteration.efficiency };
    state.iterations.push({ ...iteration, ...observation.iteration, efficiency });
    state.iterations.sort((a, b) => a.iteration - b.iteration);
    for (const warning of observation.warnings) {
      state.warnings.push({ ...warning, iterations: [iteration.iteration] });
    }
    state.unavailable.push(...observation.unavailable);
    state.session = sample.session;
    if (observation.power !== undefined) state.power = observation.power;
    const { recording } = sample;
    state.samplerCpuPercent =
      (100 * recording.samplerCpuNs) / Math.max(1, recording.endNs - recording.beginNs);
    const outside = outsideGraphPercent(sample.warm);
    if (outside !== undefined) state.outsideGraphPercent = outside;
    if (sample.text !== null) state.text = sample.text;
    this.#before = after;
    await this.#save('partial');
    this.options.onEvent?.({ type: 'iteration', iteration: state.iterations.at(-1) as Iteration });
  }

  /** One measured process, its fault recorded. */
  async #runProcess(group: { process: number; iterations: number[] }): Promise<ChildResult> {
    await this.#preparePageCache();
    await this.options.beforeProcess?.(group.iterations);
    this.#before = await this.helper.call('snapshot', this.plan.sampler.roots);
    this.options.onEvent?.({ type: 'process', iterations: group.iterations });
    const heat = new AbortController();
    const unwatch = watchHeat(this.plan, this.helper, (celsius, limit) =>
      heat.abort(tooHotFault(celsius, limit)),
    );
    const result = await runChild(requestOf(this.plan, group.iterations), {
      ...this.#childOptions(),
      halt: heat.signal,
      onSample: (sample, origin) => this.#record(sample, origin, group.process),
    }).finally(unwatch);
    this.#noteFault(result, group.iterations);
    return result;
  }

  /** A usage error of the very first process is the user's to put right, not a fault of the run. */
  #noteFault(result: ChildResult, iterations: readonly number[]): void {
    const { fault, nativeCode } = result;
    if (fault === undefined || result.interrupted) return;
    if (this.state.iterations.length === 0 && nativeCode !== undefined) {
      const error = nativeError(nativeCode, fault.message, this.plan.addonPath);
      if (error.exitCode === 2) throw error;
    }
    const done = new Set(this.state.iterations.map((entry) => entry.iteration));
    const lost = iterations.filter((number) => !done.has(number));
    this.state.faults.push({ ...fault, iterations: lost });
    this.options.onEvent?.({ type: 'fault', fault });
  }

  async #profile(): Promise<void> {
    const request = requestOf(this.plan, [1]);
    request.session = { ...request.session, profile: true };
    const result = await runChild(
      { ...request, coldStart: false },
      { ...this.#childOptions(), onSample: async () => {} },
    );
    if (result.profile !== undefined) this.state.profile = result.profile;
    this.#noteFault(result, []);
  }

  async execute(): Promise<MeasureOutcome> {
    const { plan, state, options } = this;
    if (plan.proofFault !== null) {
      const fault = plan.proofFault;
      state.faults.push({ ...fault, iterations: [] });
      options.onEvent?.({ type: 'fault', fault });
      return { document: await this.#save('failed'), interrupted: false };
    }
    const total = plan.options.iterations;
    const finished = new Set(state.iterations.map((entry) => entry.iteration));
    const groups = processGroups(total, plan.options.processes ?? total, finished);
    state.warnings.push(...heatWatchWarnings(plan));
    let failures = 0;
    let interrupted = false;
    if (plan.options['packed-cache'] && groups.length > 0) {
      this.#noteFault(await this.#preparePackedCache(), []);
    }
    for (const [index, group] of groups.entries()) {
      if (options.signal?.aborted) break;
      const place = (await options.turn?.(group.iterations)) ?? index;
      state.warnings.push(...(await waitForCooldown(this.plan, this.helper, place, options)));
      if (options.signal?.aborted) break;
      const result = await this.#runProcess(group);
      interrupted = result.interrupted;
      if (interrupted) break;
      failures = result.fault === undefined ? 0 : failures + 1;
      if (result.fault !== undefined) {
        await this.#save('partial');
        if (isHopeless(result.fault) || failures >= MAX_FAILURES_IN_A_ROW) break;
      }
    }
    interrupted ||= options.signal?.aborted ?? false;
    if (!interrupted && plan.options.profile && state.iterations.length > 0) await this.#profile();
    const whole = state.iterations.length >= total;
    const status = whole ? 'complete' : state.iterations.length > 0 ? 'partial' : 'failed';
    // Nothing was learnt: an older document in this place is worth more than an empty one.
    if (interrupted && state.iterations.length === 0) {
      return { document: buildDocument(plan, state, status), interrupted };
    }
    return { document: await this.#save(status), interrupted };
  }
}

/**
 * Measures a plan: every iteration in fresh processes as the plan says, each one saved before the
 * next begins. Throws NpuBenchError when nothing could be measured for a reason that the user can
 * put right; every other failure is a fault in the document.
 */
export function measure(
  plan: RunPlan,
  helper: NativeHelper,
  options: MeasureOptions,
): Promise<MeasureOutcome> {
  return new Run(plan, helper, options).execute();
}
