import { readFileSync } from 'node:fs';
import type { NpuBenchError } from '../errors.js';
import type { NativeProof } from '../native/binding.js';
import { describeEnd, LESS_MEMORY, lastWords, ranOutOfMemory } from '../native/ends.js';
import type { Fault } from '../schema/values.js';
import type { Phase } from './messages.js';

const CRASH_SIGNALS = new Set([
  'SIGSEGV',
  'SIGBUS',
  'SIGILL',
  'SIGABRT',
  'SIGFPE',
  'SIGTRAP',
  'SIGSYS',
]);

/** Windows ends a crashed process with an NTSTATUS as its exit code. */
const WINDOWS_CRASH = 0xc0000000;

/** Counts of processes that the kernel killed for memory, system-wide and in our control group. */
export function readOomKills(): number {
  let kills = 0;
  for (const [path, pattern] of [
    ['/proc/vmstat', /^oom_kill (\d+)/m],
    ['/sys/fs/cgroup/memory.events', /^oom_kill (\d+)/m],
  ] as const) {
    try {
      kills += Number(pattern.exec(readFileSync(path, 'latin1'))?.[1] ?? 0);
    } catch {
      // A system without this file tells nothing; the other one may.
    }
  }
  return kills;
}

const PHASE_WORDS: Record<Phase, string> = {
  start: 'starting',
  load: 'loading the model',
  'first inference': 'the first inference',
  'warm-up': 'a warm-up iteration',
  iteration: 'a recorded iteration',
  exit: 'exiting',
};

export interface ChildEnd {
  exitCode: number | null;
  signal: string | null;
  phase: Phase;
  oomKilled: boolean;
  /** Last lines that the child wrote to its standard error. */
  stderr: string;
}

/** The fault of a child that ended without having been told to. */
export function faultOfEnd(end: ChildEnd): Fault {
  const during = PHASE_WORDS[end.phase];
  const how = describeEnd(end.exitCode, end.signal);
  const common = { phase: end.phase, exit_code: end.exitCode, signal: end.signal };
  if (end.oomKilled || ranOutOfMemory(end.stderr)) {
    return {
      code: 'out-of-memory',
      message: `The measured process ran out of memory during ${during} and ${how}: ${LESS_MEMORY}.`,
      ...common,
    };
  }
  const crashed =
    (end.signal !== null && CRASH_SIGNALS.has(end.signal)) || (end.exitCode ?? 0) >= WINDOWS_CRASH;
  if (crashed) {
    return {
      code: 'crash',
      message: `The measured process ${how} during ${during}; a driver or the addon is at fault${lastWords(end.stderr)}.`,
      ...common,
    };
  }
  return {
    code: end.signal === null ? 'exit' : 'killed',
    message: `The measured process ${how} during ${during}${end.signal === 'SIGKILL' ? '; somebody or the system killed it' : ''}${lastWords(end.stderr)}.`,
    ...common,
  };
}

export function timeoutFault(phase: Phase, seconds: number): Fault {
  return {
    code: 'timeout',
    message: `Nothing came from the measured process for ${seconds} s during ${PHASE_WORDS[phase]}, so it was ended; allow more with --timeout, or look at the driver.`,
    phase,
    exit_code: null,
    signal: 'SIGKILL',
  };
}

/** `--max-temp`: the device became hotter than the user allows. */
export function tooHotFault(celsius: number, limit: number): Fault {
  return {
    code: 'too-hot',
    message: `A sensor showed ${celsius.toFixed(1)} °C, above the ${limit} °C of --max-temp, so the measured process was ended; let the device cool, and go on with --resume.`,
    exit_code: null,
    signal: 'SIGKILL',
  };
}

/** A native error that the child reported itself. */
export function faultOfError(code: string, message: string, phase: Phase): Fault {
  return { code: code.replaceAll('_', '-'), message, phase };
}

/** Faults that the next process would meet again. */
export function isHopeless(fault: Fault): boolean {
  return ['out-of-memory', 'wrong-result', 'io', 'internal', 'too-hot'].includes(fault.code);
}

/** A device that computes something else: no figure of it would mean anything. */
export function wrongResult(proof: NativeProof): Fault {
  return {
    code: 'wrong-result',
    message: `${proof.sentence}; update its driver, or measure with another --backend.`,
    phase: 'proof',
  };
}

/** A driver that fails while its results are proved fails before anything was measured. */
export function failedProof(error: NpuBenchError): Fault {
  const code = error.code === 'NATIVE_CRASH' ? 'crash' : error.code.replaceAll('_', '-');
  return { code, message: error.message, phase: 'proof' };
}

/** A driver that never answers is found out by the proof, which is bounded like a measurement. */
export function hungProof(seconds: number): Fault {
  return {
    code: 'timeout',
    message: `The results were not proved within ${seconds} s, so nothing was measured; allow more with --timeout, or look at the driver.`,
    phase: 'proof',
  };
}
