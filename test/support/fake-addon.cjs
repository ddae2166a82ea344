/**
 * A stand-in for the native addon, for tests of everything around it. It computes nothing; its
 * documents are marked. Chosen only through NPU_BENCH_TEST_BINDING.
 *
 * NPU_BENCH_FAKE_LOG    file to which every call is appended, one line each
 * NPU_BENCH_FAKE_FAULT  "PROCESS:CALL:KIND": in the PROCESS-th opened session, at its CALL-th run
 *                       (0 is the opening itself), do KIND: segv, abort, hang, exit, kill or an error
 *                       code of the native side
 * NPU_BENCH_FAKE_MODE   "unstable": other tokens in every process
 */
const fs = require('node:fs');

const log = process.env.NPU_BENCH_FAKE_LOG;
const [faultProcess, faultCall, faultKind] = (process.env.NPU_BENCH_FAKE_FAULT ?? '').split(':');
const TOKEN_MS = 1;

const now = () => Number(process.hrtime.bigint());
const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function note(line) {
  if (log) fs.appendFileSync(log, `${line}\n`);
}

function opensSoFar() {
  if (!log || !fs.existsSync(log)) return 0;
  return fs
    .readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('open')).length;
}

function nativeError(code, message) {
  return Object.assign(new Error(message), { code });
}

/** Of a test's own tree; the machine's sensors are none of this addon's business. */
function temperaturesBelow(roots) {
  const folder = `${roots?.sys}/class/thermal`;
  if (roots === undefined || !fs.existsSync(folder)) return {};
  const zones = fs.readdirSync(folder).filter((name) => name.startsWith('thermal_zone'));
  return Object.fromEntries(
    zones.map((name) => {
      const read = (file) => fs.readFileSync(`${folder}/${name}/${file}`, 'utf8').trim();
      return [`temperature_mc.cpu.${read('type')}`, Number(read('temp'))];
    }),
  );
}

function maybeFail(process_, call) {
  if (Number(faultProcess) !== process_ || Number(faultCall) !== call) return;
  note(`fault ${faultKind}`);
  if (faultKind === 'segv') process.kill(process.pid, 'SIGSEGV');
  else if (faultKind === 'kill') process.kill(process.pid, 'SIGKILL');
  else if (faultKind === 'abort') process.abort();
  else if (faultKind === 'exit') process.exit(3);
  else if (faultKind === 'hang') pause(3_600_000);
  else throw nativeError(faultKind, `The fake device says ${faultKind}.`);
  pause(10_000);
}

const device = {
  kind: 'cpu',
  backend: 'xnnpack',
  index: 0,
  name: 'Fake CPU',
  computeCapability: '',
  driver: '',
  runtimeVersion: '',
  soc: '',
  memoryBytes: null,
  software: false,
  simulated: true,
  properties: {},
};

function description(options) {
  const encoder = /bge|minilm/.test(options.path);
  return {
    name: options.preset ? options.path : 'fake-model',
    format: options.preset ? 'synthetic' : 'gguf',
    family: encoder ? 'encoder' : 'decoder',
    architecture: encoder ? 'bert' : 'llama',
    syntheticWeights: options.preset === true,
    quantization: 'Q8_0',
    parameterCount: 1e6,
    weightBytes: 1.0625e6,
    fileSizeBytes: options.preset ? 0 : 1.1e6,
    nLayers: 2,
    dModel: 64,
    nHeads: 4,
    nKvHeads: 2,
    headDim: 16,
    dFf: 128,
    vocabSize: 4096,
    contextLength: 2048,
    tokenizer: options.preset ? null : 'fake',
    tokenizerProblem: options.preset ? 'synthetic weights have no tokenizer' : '',
    metadata: [['tokenizer.ggml.bos_token_id', '1']],
    graphs: [],
    tensors: [{ name: 'token_embd.weight', type: 'Q8_0', rows: 4096, cols: 64, bytes: 278528 }],
  };
}

function usage() {
  const { user, system } = process.cpuUsage();
  return {
    cpuNs: (user + system) * 1000,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
    minorFaults: 0,
    majorFaults: 0,
  };
}

function runIteration(process_, workload, encoder) {
  const outputs = encoder ? 1 : workload.outputTokens;
  const nothing = () => new Float64Array(outputs).fill(Number.NaN);
  const beginNs = now();
  const usageBegin = usage();
  const tokenNs = new Float64Array(outputs);
  let usageFirst = usageBegin;
  for (let i = 0; i < outputs; i += 1) {
    pause(i === 0 ? 5 * TOKEN_MS : TOKEN_MS);
    tokenNs[i] = now();
    if (i === 0) usageFirst = usage();
  }
  const shift = process.env.NPU_BENCH_FAKE_MODE === 'unstable' ? process_ : 0;
  return {
    beginNs,
    tokenNs,
    tokenIds: encoder
      ? new Int32Array(0)
      : Int32Array.from(
          { length: workload.batch * outputs },
          (_, i) => 100 + (i % outputs) + shift,
        ),
    stepWallNs: tokenNs.map((t, i) => t - (i === 0 ? beginNs : tokenNs[i - 1])),
    stepTransferNs: nothing(),
    stepDispatchNs: nothing(),
    stepExecuteNs: nothing(),
    stepSynchronizeNs: nothing(),
    stepHostCpuNs: nothing(),
    stepSubmissions: nothing(),
    embedding: new Float32Array(encoder ? workload.batch * 4 : 0).fill(0.5),
    usageBegin,
    usageFirst,
    usageEnd: usage(),
    logitsDigest: '00000000deadbeef',
    ownFigures: {},
  };
}

function open(model, session) {
  const process_ = opensSoFar() + 1;
  note(`open ${session.backend}`);
  maybeFail(process_, 0);
  const beginNs = now();
  const facts = description(model);
  const encoder = facts.family === 'encoder';
  let calls = 0;
  return {
    device,
    model: facts,
    threads: session.threads || 2,
    graphNames: [],
    openTimeline: {
      beginNs,
      deviceOpenNs: now(),
      weightsReadyNs: now(),
      compileNs: now(),
      packedCacheHit: false,
      weightReadBytes: facts.weightBytes,
    },
    decodeBytes: (past) => ({ weightBytes: facts.weightBytes, kvBytes: past * 128 }),
    stepFlops: (tokens) => 2 * facts.parameterCount * tokens,
    run(workload) {
      calls += 1;
      note(`run ${workload.outputTokens}`);
      maybeFail(process_, calls);
      return runIteration(process_, workload, encoder);
    },
    forward: (tokens) => Int32Array.from(tokens, (id) => id),
    logits: () => new Float32Array(facts.vocabSize),
    reset() {},
    memory: () => ({
      weightsBytes: facts.weightBytes,
      kvCacheBytes: 1e5,
      activationsBytes: 1e4,
      otherBytes: 0,
      countedInProcess: true,
    }),
    placement: () => [
      {
        op: 'linear',
        where: 'cpu',
        kernel: 'fake',
        storedType: 'Q8_0',
        computeFormat: 'none',
        count: 15,
        macsPerToken: 1e6,
        weightBytes: facts.weightBytes,
      },
    ],
    profile: () => [
      { node: 'blk.0.attn_q', op: 'linear', calls: 1, totalNs: 1000, bytes: 64, flops: 64 },
    ],
    encode: (text) => encode(text),
    decode: (ids) => Array.from(ids, (id) => `<${id}>`).join(''),
    close() {
      note('close');
    },
  };
}

/** One token a word, after a begin token. */
function encode(text) {
  return Int32Array.from([1, ...text.split(' ').map((word) => 10 + word.length)]);
}

const limits = {
  readBandwidthBytesPerSecond: 20e9,
  f32FlopsPerSecond: 50e9,
  int8OpsPerSecond: null,
  clockCostNs: 25,
};

module.exports = {
  info: () => ({
    version: '0.0.0-fake',
    buildType: 'fake',
    compiler: 'none',
    napiVersion: 8,
    backends: ['qnn', 'xnnpack', 'reference'],
    cpuFeatures: [],
    performanceCores: 2,
    logicalCores: 2,
    clockCostNs: 25,
    clockResolutionNs: 1,
    xnnpackVersion: null,
  }),
  nowNs: now,
  probe({ backend } = {}) {
    const all = [
      {
        backend: 'qnn',
        kind: 'npu',
        devices: [],
        unavailable: { reason: 'libQnnHtp.so was not found', remedy: 'Install the QNN runtime.' },
      },
      { backend: 'xnnpack', kind: 'cpu', devices: [device], unavailable: null },
      { backend: 'reference', kind: 'cpu', devices: [device], unavailable: null },
    ];
    return all.filter((probe) => backend === undefined || probe.backend === backend);
  },
  inspect: description,
  presets: () => [
    { name: 'llama-7b', family: 'decoder', parameterCount: 7e9 },
    { name: 'bge-small', family: 'encoder', parameterCount: 33e6 },
  ],
  encode: (_model, text) => encode(text),
  open,
  openSampler() {
    let beginNs = 0;
    return {
      start() {
        note('sampler start');
        beginNs = now();
      },
      stop() {
        note('sampler stop');
        const endNs = now();
        const series = (quantity, component, values) => ({
          source: 'fake',
          quantity,
          label: '',
          component,
          counter: false,
          inTotal: false,
          periodNs: 1e7,
          note: '',
          tNs: Float64Array.from(
            values,
            (_, i) => beginNs + ((endNs - beginNs) * i) / (values.length - 1),
          ),
          values: Float64Array.from(values),
        });
        return {
          series: [series('memory_rss_bytes', 'process', [50e6, 60e6, 60e6])],
          missing: [
            { metric: 'power', reason: 'no power source was found', remedy: 'Use a meter.' },
          ],
          beginNs,
          endNs,
          samplerCpuNs: 1000,
          ticks: 3,
          lateTicks: 0,
          fakeRoots: false,
        };
      },
    };
  },
  prove() {
    const passed = process.env.NPU_BENCH_FAKE_MODE !== 'wrong-result';
    const sentence = `fake ${passed ? 'agrees with' : 'computes something else than'} the reference`;
    return {
      passed,
      normalizedError: passed ? 0 : 1,
      bound: 0.001,
      layers: 1,
      tokens: 19,
      sentence,
    };
  },
  schedule: ({ cpus = [0], niceness }) => {
    note(`schedule ${cpus} ${niceness}`);
    return cpus;
  },
  snapshot: (roots) => ({ tNs: now(), numbers: temperaturesBelow(roots), texts: {} }),
  measureLimits: ({ threads }) => ({ threads, ...limits }),
  dropFileCache(path) {
    note(`drop ${require('node:path').basename(path)}`);
    return { cachedBeforeRatio: 1, cachedAfterRatio: 0 };
  },
};
