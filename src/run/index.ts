import type { RunOptions } from '../config/options.js';
import { NpuBenchError } from '../errors.js';
import { withHelper } from '../native/helper.js';
import type { ResultDocument } from '../schema/document.js';
import { DEFAULT_POSITIONS, verifyModel } from '../verify/verify.js';
import { DocumentFile } from './document-file.js';
import { withGovernor } from './governor.js';
import { defaultOutput, proveWritable } from './output.js';
import { planRun, type RunPlan } from './plan.js';
import { readResumable } from './resume.js';
import { measure, type RunEvent } from './schedule.js';
import { unsoundReasons } from './soundness.js';

export type { RunPlan } from './plan.js';
export type { RunEvent } from './schedule.js';

export interface RunHooks {
  signal?: AbortSignal | undefined;
  onPlan?(plan: RunPlan): void;
  onEvent?(event: RunEvent): void;
}

export interface RunOutcome {
  document: ResultDocument;
  /** Where the document lies; undefined when it was asked for on standard output only. */
  path: string | undefined;
  /** 0 complete, 5 with faults, a moved document or unsound under --strict, 130 interrupted. */
  exitCode: number;
  /** Why --strict did not accept the run. */
  unsound: string[];
}

function outputPath(options: RunOptions, plan: RunPlan): string | undefined {
  if (options.output !== undefined) return options.output;
  // With --json alone the document goes to standard output and nowhere else.
  if (options.json) return undefined;
  return defaultOutput(plan.name, plan.choice.kind, plan.startedAt);
}

/**
 * Measures as the options say and returns the document; on the way it is on disk after every
 * iteration. Throws NpuBenchError when nothing could be measured.
 */
export function runBenchmark(options: RunOptions, hooks: RunHooks = {}): Promise<RunOutcome> {
  if (options.output !== undefined) proveWritable(options.output);
  return withGovernor(options, () => measureRun(options, hooks));
}

function measureRun(options: RunOptions, hooks: RunHooks): Promise<RunOutcome> {
  return withHelper(async (helper) => {
    const plan = await planRun(options, helper);
    if (options.strict) refuseUnsound(unsoundReasons(plan, []));
    const path = outputPath(options, plan);
    if (path !== undefined && options.output === undefined) proveWritable(path);
    const resume =
      options.resume && path !== undefined ? await readResumable(path, plan) : undefined;
    hooks.onPlan?.(plan);
    const file = new DocumentFile(path);
    const { document, interrupted } = await measure(plan, helper, {
      signal: hooks.signal,
      resume,
      save: (latest) => file.save(latest),
      ...(hooks.onEvent === undefined ? {} : { onEvent: (event) => hooks.onEvent?.(event) }),
    });
    if (options.verify && !interrupted && document.iterations.length > 0) {
      hooks.onEvent?.({ type: 'wait', reason: 'comparing with the exact reference' });
      document.results.accuracy = await verifyModel(helper, {
        model: plan.model,
        description: plan.description,
        session: plan.session,
        positions: DEFAULT_POSITIONS,
        seed: options.seed,
      });
      await file.save(document);
    }
    const unsound = options.strict ? unsoundReasons(plan, document.warnings) : [];
    const flawed = document.status !== 'complete' || document.faults !== undefined || file.moved;
    return {
      document,
      path: file.place,
      exitCode: interrupted ? 130 : flawed || unsound.length > 0 ? 5 : 0,
      unsound,
    };
  });
}

function refuseUnsound(reasons: readonly string[]): void {
  if (reasons.length === 0) return;
  throw new NpuBenchError(
    'UNSOUND',
    `Under --strict nothing was measured, because ${reasons.join('; ')}.`,
    5,
  );
}
