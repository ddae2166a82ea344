import type {
  ModelOptions,
  NativeDevice,
  NativeIteration,
  NativeModelDescription,
  NativeOpenTimeline,
  NativeOpProfile,
  NativePlacement,
  NativeRecording,
  SamplerOptions,
  Scheduling,
  SessionOptions,
} from '../native/binding.js';

/** What one measured process is asked to do; sent once, right after it was spawned. */
export interface MeasureRequest {
  type: 'measure';
  model: ModelOptions;
  session: SessionOptions;
  sampler: SamplerOptions;
  /** [batch, inputTokens], sequence-major. */
  prompt: Int32Array;
  batch: number;
  inputTokens: number;
  outputTokens: number;
  coldStart: boolean;
  warmups: number;
  /** Numbers of the iterations that this process records, in order. */
  iterations: number[];
  /** Decode the generated tokens to text, after the measurement. */
  wantText: boolean;
  scheduling?: Scheduling;
}

/** Parent to child: the sample is safe, the next iteration may begin. */
export interface NextRequest {
  type: 'next';
}

export type Phase = 'start' | 'load' | 'first inference' | 'warm-up' | 'iteration' | 'exit';

/** Moments of a cold start on the monotonic clock, in order. */
export interface StartTimeline {
  /** First line of JavaScript in the child. */
  mainNs: number;
  addonLoadedNs: number;
  /** The request was read and the telemetry runs: harness time between addon and model. */
  harnessReadyNs: number;
  open: NativeOpenTimeline;
  openedNs: number;
}

export interface SessionFacts {
  device: NativeDevice;
  model: NativeModelDescription;
  threads: number;
  memory: {
    weightsBytes: number;
    kvCacheBytes: number;
    activationsBytes: number;
    otherBytes: number;
    countedInProcess: boolean;
  };
  placement: NativePlacement[];
  /** At the middle of the decode phase. */
  decodeBytes: { weightBytes: number; kvBytes: number } | null;
  prefillFlops: number | null;
  decodeFlops: number | null;
  /** Family graph: names in the order of the executions. */
  graphNames: string[];
}

export type WorkerMessage =
  | { type: 'phase'; phase: Phase; iteration: number; step: number }
  | SampleMessage
  | { type: 'profile'; profile: NativeOpProfile[] }
  | { type: 'done' }
  | { type: 'error'; code: string; message: string; phase: Phase };

/** One recorded iteration with everything that its process knew at its end. */
export interface SampleMessage {
  type: 'sample';
  iteration: number;
  /** Only with the first sample of a process. */
  start: StartTimeline | null;
  /** The cold iteration (one token); null without a cold start. */
  cold: NativeIteration | null;
  warm: NativeIteration;
  recording: NativeRecording;
  session: SessionFacts;
  text: string | null;
  /** Highest resident memory so far, loading included, and during the recorded iteration. */
  peakProcessBytes: number | null;
  peakIterationBytes: number | null;
  /** Moves of this process's threads between processors in the iteration; null where not told. */
  migrations: number | null;
}
