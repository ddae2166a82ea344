/**
 * The measured process. Lean on purpose: every module that it loads is part of the cold start that
 * it reports. It loads the addon, answers one request, and talks to its parent only between
 * measured windows.
 */
const mainNs = Number(process.hrtime.bigint());

import fs = require('node:fs');

import type { NativeBinding, NativeIteration, NativeSession } from '../native/binding.js' with {
  'resolution-mode': 'import',
};
import type {
  MeasureRequest,
  NextRequest,
  Phase,
  SessionFacts,
  StartTimeline,
  WorkerMessage,
} from './messages.js' with { 'resolution-mode': 'import' };

/** Long enough for the parent to have read a message and gone back to sleep. */
const SETTLE_MS = 5;

/**
 * Only for scripts/cross-check.mjs: a pipe into which this process writes a line at the begin and end
 * of what it measures, and the addon one for each token, so that another program can time them.
 */
const markerPipe = process.env.NPU_BENCH_MARKER_PIPE;
const markerFile = markerPipe ? fs.openSync(markerPipe, 'w') : undefined;

function mark(moment: 'ready' | 'cold' | 'begin' | 'end'): void {
  if (markerFile !== undefined) fs.writeSync(markerFile, `${moment} ${process.pid}\n`);
}

// The first call of anything takes longer.
mark('ready');

let phase: Phase = 'start';

function send(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, {}, () => resolve()));
}

async function report(error: unknown): Promise<void> {
  const { code, message } = error as { code?: string; message?: string };
  await send({ type: 'error', code: code ?? 'internal', message: String(message ?? error), phase });
  process.exit(1);
}

function nowNs(): number {
  return Number(process.hrtime.bigint());
}

/** Highest resident memory since the last reset, by the kernel's own mark. */
function peakResidentBytes(): number | null {
  try {
    // Under Wine this path leads to the /proc of another process.
    const match =
      process.platform !== 'win32' &&
      /^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync('/proc/self/status', 'latin1'));
    if (match) return Number(match[1]) * 1024;
  } catch {
    // Not Linux: the process-wide figure below is the only one.
  }
  const { maxRSS } = process.resourceUsage();
  return maxRSS > 0 ? maxRSS * 1024 : null;
}

/** True when the kernel's high-water mark was set back to the present size. */
function resetPeakResident(): boolean {
  if (process.platform === 'win32') return false;
  try {
    fs.writeFileSync('/proc/self/clear_refs', '5');
    return true;
  } catch {
    return false;
  }
}

/** Moves of all threads between processors so far; undefined where the kernel doesn't count. */
function migrationsSoFar(): number | undefined {
  let sum: number | undefined;
  try {
    for (const task of fs.readdirSync('/proc/self/task')) {
      const text = fs.readFileSync(`/proc/self/task/${task}/sched`, 'latin1');
      const moves = /^se\.nr_migrations\s*:\s*(\d+)/m.exec(text)?.[1];
      if (moves !== undefined) sum = (sum ?? 0) + Number(moves);
    }
  } catch {
    return undefined; // Not Linux, a kernel without CONFIG_SCHED_DEBUG, or a thread that has ended.
  }
  return sum;
}

async function announce(next: Phase, iteration: number, step = 0): Promise<void> {
  phase = next;
  await send({ type: 'phase', phase, iteration, step });
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

function nextRequest(): Promise<void> {
  return new Promise((resolve) => {
    process.once('message', (message: NextRequest) => {
      if (message.type === 'next') resolve();
    });
  });
}

function factsOf(session: NativeSession, request: MeasureRequest): SessionFacts {
  const middle = request.inputTokens + Math.floor(request.outputTokens / 2);
  return {
    device: session.device,
    model: session.model,
    threads: session.threads,
    memory: session.memory(),
    placement: session.placement(),
    decodeBytes: session.decodeBytes(middle),
    prefillFlops: session.stepFlops(request.inputTokens, 0),
    decodeFlops: session.stepFlops(1, middle),
    graphNames: session.graphNames,
  };
}

/** The text of the first sequence, or null where the model has no readable tokenizer. */
function textOf(session: NativeSession, run: NativeIteration, request: MeasureRequest) {
  if (!request.wantText || session.model.tokenizer === null) return null;
  if (run.tokenIds.length === 0) return null;
  return session.decode(run.tokenIds.subarray(0, run.tokenIds.length / request.batch));
}

async function measure(
  binding: NativeBinding,
  request: MeasureRequest,
  loadedNs: number,
): Promise<void> {
  const workload = {
    prompt: request.prompt,
    batch: request.batch,
    inputTokens: request.inputTokens,
    outputTokens: request.outputTokens,
  };
  const marked = markerFile === undefined ? workload : { ...workload, markerFd: markerFile };
  const first = request.iterations[0] ?? 1;
  // Threads inherit it: before any that computes is started.
  if (request.scheduling !== undefined) binding.schedule(request.scheduling);
  const sampler = binding.openSampler(request.sampler);
  sampler.start();
  const harnessReadyNs = nowNs();

  phase = 'load';
  const session = binding.open(request.model, request.session);
  const openedNs = nowNs();
  let start: StartTimeline | null = {
    mainNs,
    addonLoadedNs: loadedNs,
    harnessReadyNs,
    open: session.openTimeline,
    openedNs,
  };
  phase = 'first inference';
  if (request.coldStart) mark('cold');
  let cold = request.coldStart ? session.run({ ...marked, outputTokens: 1 }) : null;

  for (let step = 1; step <= request.warmups; step += 1) {
    await announce('warm-up', first, step);
    await settle();
    session.run(workload);
  }
  for (const [index, iteration] of request.iterations.entries()) {
    if (index > 0) sampler.start();
    await announce('iteration', iteration);
    await settle();
    const peakBefore = peakResidentBytes();
    const separate = resetPeakResident();
    const movedBefore = migrationsSoFar();
    mark('begin');
    const warm = session.run(marked);
    mark('end');
    const moved = migrationsSoFar();
    const peakIteration = peakResidentBytes();
    const recording = sampler.stop();
    await send({
      type: 'sample',
      iteration,
      start,
      cold,
      warm,
      recording,
      session: factsOf(session, request),
      text: textOf(session, warm, request),
      peakProcessBytes:
        peakBefore === null || peakIteration === null ? null : Math.max(peakBefore, peakIteration),
      peakIterationBytes: separate ? peakIteration : null,
      migrations: moved === undefined || movedBefore === undefined ? null : moved - movedBefore,
    });
    start = null;
    cold = null;
    await nextRequest();
  }
  if (request.session.profile) await send({ type: 'profile', profile: session.profile() });
  phase = 'exit';
  session.close();
  await send({ type: 'done' });
  process.disconnect();
}

process.once('disconnect', () => process.exit());
let binding: NativeBinding | undefined;
try {
  binding = require(process.argv[2] as string) as NativeBinding;
} catch (error) {
  void report({ code: 'addon_load', message: (error as Error).message });
}
const loadedNs = nowNs();
if (binding !== undefined) {
  const addon = binding;
  process.once('message', (request: MeasureRequest) => {
    measure(addon, request, loadedNs).catch(report);
  });
}
