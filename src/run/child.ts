import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { NativeOpProfile } from '../native/binding.js';
import type { Fault } from '../schema/values.js';
import { faultOfEnd, faultOfError, readOomKills, timeoutFault } from './faults.js';
import type {
  MeasureRequest,
  NextRequest,
  Phase,
  SampleMessage,
  WorkerMessage,
} from './messages.js';

export interface ChildOrigin {
  /** t_s: the parent's clock just before the child was started. */
  spawnNs: number;
  pid: number | undefined;
}

export interface ChildOptions {
  addonPath: string;
  /** Longest silence before the child is taken for hanging. */
  timeoutSeconds: number;
  signal?: AbortSignal | undefined;
  /** Ends the child when it fires; its reason is the Fault that is recorded. */
  halt?: AbortSignal | undefined;
  onPhase?(phase: Phase, iteration: number, step: number): void;
  /** Called between iterations; the child waits until it has resolved. */
  onSample(sample: SampleMessage, origin: ChildOrigin): Promise<void>;
  /** What the child or a vendor's library prints. */
  onText?(text: string): void;
}

export interface ChildResult {
  fault?: Fault;
  /** Code of the native error behind the fault, when the child reported one. */
  nativeCode?: string;
  interrupted: boolean;
  profile?: NativeOpProfile[];
}

const KEPT_TEXT = 4096;

/**
 * Starts one measured process and sees it through to its end. Never rejects for what the child
 * does: a crash, a hang or an error is a fault in the result. Rejects when onSample does.
 */
export async function runChild(
  request: MeasureRequest,
  options: ChildOptions,
): Promise<ChildResult> {
  const result: ChildResult = { interrupted: false };
  if (options.signal?.aborted) return { interrupted: true };
  const script = fileURLToPath(new URL('./worker.cjs', import.meta.url));
  const oomBefore = readOomKills();

  const spawnNs = Number(process.hrtime.bigint());
  const child: ChildProcess = fork(script, [options.addonPath], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.send(request, () => {
    // A child that died before it could read is reported by its exit.
  });

  let phase: Phase = 'start';
  let kept = '';
  let finished = false;
  let failure: unknown;
  let watchdog: NodeJS.Timeout | undefined;
  const kill = () => child.kill('SIGKILL');
  const interrupt = () => {
    result.interrupted = true;
    kill();
  };
  const halt = () => {
    result.fault = options.halt?.reason as Fault;
    kill();
  };
  const rearm = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      result.fault = timeoutFault(phase, options.timeoutSeconds);
      kill();
    }, options.timeoutSeconds * 1000);
  };
  const keep = (chunk: Buffer) => {
    kept = (kept + chunk.toString()).slice(-KEPT_TEXT);
    options.onText?.(chunk.toString());
  };

  const receive = async (message: WorkerMessage): Promise<void> => {
    switch (message.type) {
      case 'phase':
        phase = message.phase;
        options.onPhase?.(message.phase, message.iteration, message.step);
        break;
      case 'sample':
        clearTimeout(watchdog);
        await options.onSample(message, { spawnNs, pid: child.pid });
        rearm();
        child.send({ type: 'next' } satisfies NextRequest, () => {});
        break;
      case 'profile':
        result.profile = message.profile;
        break;
      case 'error':
        result.nativeCode = message.code;
        result.fault = faultOfError(message.code, message.message, message.phase);
        break;
      case 'done':
        finished = true;
        break;
    }
  };

  options.signal?.addEventListener('abort', interrupt, { once: true });
  options.halt?.addEventListener('abort', halt, { once: true });
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  rearm();
  let work: Promise<void> = Promise.resolve();
  child.on('message', (message: WorkerMessage) => {
    if (message.type !== 'sample') rearm();
    work = work
      .then(() => receive(message))
      .catch((error: unknown) => {
        failure ??= error;
        kill();
      });
  });
  const end = await new Promise<{ exitCode: number | null; signal: string | null }>((resolve) => {
    child.once('error', (error) => {
      kept += error.message;
      resolve({ exitCode: null, signal: null });
    });
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  await work;
  clearTimeout(watchdog);
  options.signal?.removeEventListener('abort', interrupt);
  options.halt?.removeEventListener('abort', halt);
  if (failure !== undefined) throw failure;
  // Ctrl-C reaches the whole process group: the child may be gone before our own handler ran.
  if (end.signal === 'SIGINT') result.interrupted = true;
  if (!finished && !result.interrupted && result.fault === undefined) {
    const oomKilled = end.signal === 'SIGKILL' && readOomKills() > oomBefore;
    result.fault = faultOfEnd({ ...end, phase, oomKilled, stderr: kept });
  }
  return result;
}
