/**
 * The whole native surface, as TypeScript sees it. Every call is synchronous: the process that
 * measures has nothing else to do. Times are nanoseconds on the monotonic clock as `number`
 * (exact below 2^53, a hundred days of uptime) or Float64Array; it is the clock of
 * `process.hrtime.bigint()`.
 *
 * Errors thrown are `Error` with a `code` of native/core/result.h ("invalid_model", …) and a message
 * of one sentence.
 */
export interface NativeBinding {
  info(): NativeInfo;
  nowNs(): number;
  /** [sync] Looks for devices of every backend (or one); opens nothing for good. */
  probe(options?: ProbeOptions): NativeProbe[];
  /** [sync] Reads a model file's description without touching its weights. Throws invalid_model … */
  inspect(options: ModelOptions): NativeModelDescription;
  presets(): NativePreset[];
  /**
   * [sync] Token ids of a text by the model's own tokenizer, without touching its weights: the prompt
   * must be known before a measured process starts. Throws unsupported when the model has no
   * tokenizer that can be read.
   */
  encode(model: ModelOptions, text: string): Int32Array;
  /** [sync] Opens a model on a device. Throws; never falls back to another device. */
  open(model: ModelOptions, session: SessionOptions): NativeSession;
  /**
   * [sync] Runs a few of the model's layers on a backend and on the reference interpreter and
   * compares. Throws what open() throws; a wrong result is `passed: false`. For a process that
   * measures nothing.
   */
  prove(model: ModelOptions, session: SessionOptions): NativeProof;
  /**
   * [sync] Compiles a model ahead of time for the chip `session.extra.qnn_soc` and leaves one entry of
   * the packed cache in `folder`, under its name there; returns its bytes. Throws what open() throws,
   * unsupported where nothing can be prepared for that chip, io.
   */
  prepare(model: ModelOptions, session: SessionOptions, folder: string): number;
  /** [sync] Opens the telemetry sources; reading begins with start(). */
  openSampler(options: SamplerOptions): NativeSampler;
  snapshot(roots?: TelemetryRoots): NativeSnapshot;
  /** [sync] Returns the processors allowed afterwards; throws where the system refuses. */
  schedule(wanted: Scheduling): number[];
  /** [sync] Measures this machine's own limits; takes about `milliseconds`. */
  measureLimits(options: { threads: number; milliseconds: number }): NativeLimits;
  /** [sync] Asks the kernel to forget a file's cached pages; the share of pages still cached after it. */
  dropFileCache(path: string): { cachedBeforeRatio: number; cachedAfterRatio: number };
}

export interface NativeInfo {
  version: string;
  buildType: string;
  compiler: string;
  napiVersion: number;
  backends: string[];
  cpuFeatures: string[];
  performanceCores: number;
  logicalCores: number;
  /** Median cost of one clock reading. */
  clockCostNs: number;
  clockResolutionNs: number;
  xnnpackVersion: string | null;
}

export interface ProbeOptions {
  backend?: string;
  extra?: Record<string, string>;
}

export interface NativeDevice {
  kind: 'cpu' | 'gpu' | 'npu';
  backend: string;
  index: number;
  name: string;
  computeCapability: string;
  driver: string;
  runtimeVersion: string;
  soc: string;
  memoryBytes: number | null;
  software: boolean;
  simulated: boolean;
  properties: Record<string, string>;
}

export interface NativeProbe {
  backend: string;
  kind: 'cpu' | 'gpu' | 'npu';
  devices: NativeDevice[];
  unavailable: { reason: string; remedy: string } | null;
}

export interface ModelOptions {
  /** A .gguf file or a safetensors folder; or a preset's name with `preset: true`. */
  path: string;
  preset?: boolean;
  /** GGUF name of the type of synthetic weights: "q8_0", "q4_0", "f16", "f32". */
  syntheticType?: string;
  seed?: number;
  contextTokens?: number;
  /** What finds the vendor's runtime that reads files of its own kind: "qnn_lib_dir". */
  extra?: Record<string, string>;
}

export interface NativeStoredTensor {
  name: string;
  type: string;
  dims: number[];
  /** In words; empty without quantisation. */
  quantization: string;
  bytes: number;
}

export interface NativeStoredGraph {
  name: string;
  inputs: NativeStoredTensor[];
  outputs: NativeStoredTensor[];
}

export interface NativeModelDescription {
  name: string;
  format: 'gguf' | 'safetensors' | 'synthetic' | 'qnn-context' | 'genie';
  /** graph: compiled graphs, executed as they are with generated inputs. */
  family: 'decoder' | 'encoder' | 'graph';
  architecture: string;
  syntheticWeights: boolean;
  quantization: string;
  parameterCount: number;
  weightBytes: number;
  fileSizeBytes: number;
  nLayers: number;
  dModel: number;
  nHeads: number;
  nKvHeads: number;
  headDim: number;
  dFf: number;
  vocabSize: number;
  contextLength: number;
  tokenizer: string | null;
  tokenizerProblem: string;
  metadata: [key: string, value: string][];
  tensors: { name: string; type: string; rows: number; cols: number; bytes: number }[];
  /** Family graph: at least one; empty otherwise. */
  graphs: NativeStoredGraph[];
}

export interface NativeProof {
  passed: boolean;
  /** ||device − reference|| / ||reference|| over the logits (or vectors) that were compared. */
  normalizedError: number;
  bound: number;
  layers: number;
  tokens: number;
  sentence: string;
}

export interface NativePreset {
  name: string;
  family: 'decoder' | 'encoder';
  parameterCount: number;
}

export interface SessionOptions {
  backend: string;
  deviceIndex?: number;
  batch: number;
  /** KV cache capacity per sequence: input + output length. */
  maxTokens: number;
  /** The longest step: the input length. */
  maxStepTokens: number;
  precision: 'auto' | 'f32' | 'f16' | 'int8' | 'int4';
  /** 0: one per performance core. */
  threads: number;
  cpuIds?: number[];
  packedCacheDir?: string;
  profile?: boolean;
  allLogits?: boolean;
  extra?: Record<string, string>;
}

export interface NativeWorkload {
  /** [batch, inputTokens], sequence-major. */
  prompt: Int32Array;
  batch: number;
  inputTokens: number;
  /** Family graph: executions of each graph. */
  outputTokens: number;
  /** Cross-check only: an open pipe that gets the line "token PID" whenever a token is known. */
  markerFd?: number;
}

export interface NativeUsage {
  cpuNs: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
  minorFaults: number;
  majorFaults: number;
}

/**
 * Step arrays have one entry per step (steps[0] is the prefill); NaN where the backend can't tell. Of
 * compiled graphs a step is an execution: all of the first graph, then all of the second.
 */
export interface NativeIteration {
  beginNs: number;
  tokenNs: Float64Array;
  tokenIds: Int32Array;
  stepWallNs: Float64Array;
  stepTransferNs: Float64Array;
  stepDispatchNs: Float64Array;
  stepExecuteNs: Float64Array;
  stepSynchronizeNs: Float64Array;
  /** Processor time of the thread that drives the session, outside waiting for the device. */
  stepHostCpuNs: Float64Array;
  /** Times that the driver was handed work. */
  stepSubmissions: Float64Array;
  /** Encoders: [batch, d]; empty otherwise. */
  embedding: Float32Array;
  usageBegin: NativeUsage;
  usageFirst: NativeUsage;
  usageEnd: NativeUsage;
  /** Hexadecimal digest of the last step's logits, or of all outputs of compiled graphs. */
  logitsDigest: string;
  /** Of a runtime that drives its own loop, by its own names; empty otherwise. */
  ownFigures: Record<string, number>;
}

export interface NativeOpenTimeline {
  beginNs: number;
  deviceOpenNs: number;
  weightsReadyNs: number;
  compileNs: number;
  packedCacheHit: boolean;
  /** Absent where nothing is compiled, or where the driver gives no kernels to keep. */
  kernelCacheHit?: boolean;
  weightReadBytes: number;
}

export interface NativePlacement {
  op: string;
  where: string;
  kernel: string;
  storedType: string;
  computeFormat: string;
  count: number;
  macsPerToken: number;
  weightBytes: number;
}

export interface NativeOpProfile {
  node: string;
  op: string;
  calls: number;
  totalNs: number;
  bytes: number;
  flops: number;
}

export interface NativeSession {
  readonly device: NativeDevice;
  readonly model: NativeModelDescription;
  /** Threads really used. */
  readonly threads: number;
  readonly openTimeline: NativeOpenTimeline;
  /** Family graph: the graphs of this session, in the order of their executions. */
  readonly graphNames: string[];
  /** Bytes of weights and of KV cache read for one decode step at `past` tokens; null if unknown. */
  decodeBytes(past: number): { weightBytes: number; kvBytes: number } | null;
  /** Arithmetic of a step: 2 × multiply-adds; null if unknown. */
  stepFlops(tokens: number, past: number): number | null;
  run(workload: NativeWorkload): NativeIteration;
  /** One step; returns the greedy token of each logits row. For verify and tests. */
  forward(tokens: Int32Array): Int32Array;
  /** Logits of the last forward, [rows, vocab]. */
  logits(): Float32Array;
  reset(): void;
  memory(): {
    weightsBytes: number;
    kvCacheBytes: number;
    activationsBytes: number;
    otherBytes: number;
    countedInProcess: boolean;
  };
  placement(): NativePlacement[];
  profile(): NativeOpProfile[];
  encode(text: string): Int32Array;
  decode(ids: Int32Array): string;
  close(): void;
}

export interface TelemetryRoots {
  sys?: string;
  proc?: string;
  dev?: string;
}

export interface SamplerOptions {
  periodNs: number;
  roots?: TelemetryRoots;
  meterCommand?: string;
  capacityNs?: number;
}

/** See native/telemetry/sampler.h for the meaning of `quantity`. */
export interface NativeSeries {
  source: string;
  quantity: string;
  label: string;
  component: string;
  counter: boolean;
  inTotal: boolean;
  periodNs: number;
  note: string;
  /** frequency_limit_hz: the hardware's maximum; throttle_level: the deepest state; 0: not told. */
  hardwareLimit: number;
  tNs: Float64Array;
  values: Float64Array;
}

export interface NativeRecording {
  series: NativeSeries[];
  missing: { metric: string; reason: string; remedy: string }[];
  beginNs: number;
  endNs: number;
  samplerCpuNs: number;
  ticks: number;
  lateTicks: number;
  fakeRoots: boolean;
}

export interface NativeSampler {
  start(): void;
  stop(): NativeRecording;
}

export interface NativeSnapshot {
  tNs: number;
  numbers: Record<string, number>;
  texts: Record<string, string>;
}

/** Where and how urgently the calling thread, and those that it starts later, run. */
export interface Scheduling {
  /** Ascending numbers of processors. */
  cpus?: readonly number[];
  /** -20 (most urgent) to 19. */
  niceness?: number;
}

export interface NativeLimits {
  threads: number;
  readBandwidthBytesPerSecond: number;
  f32FlopsPerSecond: number;
  int8OpsPerSecond: number | null;
  clockCostNs: number;
}
