import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { QUANTIZATIONS, type RunOptions } from '../config/options.js';
import { chooseDevice, type DeviceChoice } from '../devices/choose.js';
import { NpuBenchError } from '../errors.js';
import { cacheDirectory, hashFile } from '../models/cache.js';
import { weightFiles } from '../models/files.js';
import { chooseModel } from '../models/find.js';
import type {
  ModelOptions,
  NativeInfo,
  NativeLimits,
  NativeModelDescription,
  NativeProof,
  NativeRecording,
  NativeSnapshot,
  SamplerOptions,
  Scheduling,
  SessionOptions,
} from '../native/binding.js';
import { type NativeHelper, withHelper } from '../native/helper.js';
import { findRuntime } from '../runtime/store.js';
import { hostSystem } from '../runtime/systems.js';
import type { Fault } from '../schema/values.js';
import { failedProof, hungProof, wrongResult } from './faults.js';
import { schedulingOf } from './pin.js';
import {
  beginTokenOf,
  graphInputs,
  type Prompt,
  syntheticPrompt,
  textPrompt,
  tokenPrompt,
} from './prompt.js';

const DEFAULT_INPUT_LENGTH = 512;
const LIMITS_MS = 300;
/** Long enough for slow power sources; without any, a glance is enough. */
const IDLE_MS = 1000;
const GLANCE_MS = 30;
/** The kernel counts in ticks of up to 10 ms: shorter, and one of them looks like a busy machine. */
const LOAD_WINDOW_MS = 500;
const MAX_RECORDING_NS = 3600e9;

/** Everything that is settled before the first measured process starts. */
export interface RunPlan {
  options: RunOptions;
  startedAt: Date;
  addonPath: string;
  /** A test's stand-in for the addon, or telemetry from a fake tree. */
  fake: { addon: boolean; telemetry: boolean };
  info: NativeInfo;
  choice: DeviceChoice;
  model: ModelOptions;
  description: NativeModelDescription;
  /** Files whose pages a cold start reads; empty for synthetic weights. */
  weightFiles: string[];
  sha256: string | null;
  /** Word for the weights' type in the document. */
  quantization: string;
  /** The model's name in the document: of its file, or of the preset. */
  name: string;
  prompt: Prompt;
  outputTokens: number;
  session: SessionOptions;
  sampler: SamplerOptions;
  /** Of the measured process. */
  scheduling?: Scheduling;
  before: NativeSnapshot;
  idle: NativeRecording;
  limits: NativeLimits;
  /** What the backend computes for this model against the reference; null for the reference itself. */
  proof: NativeProof | null;
  /** Why nothing may be measured: a wrong result, or a driver that failed while it was proved. */
  proofFault: Fault | null;
}

export function samplerOptions(options: RunOptions): SamplerOptions {
  return {
    periodNs: Math.round(options['sample-interval'] * 1e6),
    capacityNs: MAX_RECORDING_NS,
    ...(options['sysfs-root'] === undefined
      ? {}
      : { roots: telemetryRoots(options['sysfs-root']) }),
    ...(options['meter-command'] === undefined ? {} : { meterCommand: options['meter-command'] }),
  };
}

/** A tree with the machine's own layout: DIR/sys, DIR/proc, DIR/dev. */
export function telemetryRoots(root: string) {
  return { sys: join(root, 'sys'), proc: join(root, 'proc'), dev: join(root, 'dev') };
}

export function backendExtras(options: RunOptions): Record<string, string> {
  return {
    ...(options['qnn-lib'] === undefined ? {} : { qnn_lib_dir: options['qnn-lib'] }),
    ...(options.runtime === undefined
      ? {}
      : { qnn_lib_dir: findRuntime(options.runtime, hostSystem()).folder }),
    ...(options['perf-profile'] === undefined ? {} : { perf_profile: options['perf-profile'] }),
    ...(options['io-memory'] === 'auto' ? {} : { io_memory: options['io-memory'] }),
    // Where the NPU backend keeps the ranges that fixed-point activations were calibrated to.
    ...(options.precision === 'int8' || options.precision === 'int4'
      ? { qnn_ranges_dir: packedCacheFolder() }
      : {}),
    ...(options['decode-ahead'] ? {} : { decode_ahead: 'off' }),
  };
}

/** What only compiled graphs are opened with. */
function graphExtras(options: RunOptions): Record<string, string> {
  return {
    seed: String(options.seed),
    ...(options['any-soc'] ? { any_soc: 'yes' } : {}),
    ...(options.graph === undefined
      ? {}
      : {
          graphs: options.graph
            .split(',')
            .map((name) => name.trim())
            .join('\n'),
        }),
  };
}

/** The native description of what `--model` names, without its weights. */
export async function resolveModel(
  helper: NativeHelper,
  options: Pick<RunOptions, 'model' | 'model-dir' | 'quantization' | 'seed'>,
  extra: Record<string, string> = {},
): Promise<{ model: ModelOptions; description: NativeModelDescription; quantization: string }> {
  const chosen = chooseModel(options.model, await helper.call('presets'), options['model-dir']);
  if (chosen.kind === 'file') {
    if (options.quantization !== undefined) {
      throw new NpuBenchError(
        'OPTION',
        `--quantization chooses the type of synthetic weights, but ${chosen.path} holds its own; leave it out, or convert the file.`,
      );
    }
    const model = {
      path: chosen.path,
      ...(Object.keys(extra).length > 0 ? { extra } : {}),
    };
    const description = await helper.call('inspect', model);
    return { model, description, quantization: description.quantization };
  }
  const word = options.quantization ?? 'int8';
  const model = {
    path: chosen.name,
    preset: true,
    syntheticType: QUANTIZATIONS[word] ?? word,
    seed: options.seed,
  };
  return { model, description: await helper.call('inspect', model), quantization: word };
}

/** File or folder name without the ending; the title inside a file is often no name at all. */
export function modelName(model: ModelOptions): string {
  return basename(model.path).replace(/\.(gguf|bin)$/i, '');
}

/** A Genie embedding takes text and cuts it up itself. */
function genieText(text: string | undefined): Prompt {
  if (text === undefined) {
    throw new NpuBenchError(
      'PROMPT',
      'A Genie embedding takes text, not token ids; give it with --prompt TEXT.',
    );
  }
  return {
    source: 'text',
    ids: new Int32Array(0),
    length: 0,
    rule: 'cut up by Genie itself',
    text,
  };
}

/** Options that say something about tokens, which compiled graphs know nothing of. */
const TOKEN_OPTIONS = ['prompt', 'prompt-tokens', 'input-length'] as const;

function noPrompt(options: RunOptions): Prompt {
  const given = TOKEN_OPTIONS.find((name) => options[name] !== undefined);
  if (given !== undefined || options['batch-size'] !== 1 || options.verify) {
    const name = given ?? (options.verify ? 'verify' : 'batch-size');
    throw new NpuBenchError(
      'OPTION',
      `--${name} means nothing for a context binary, whose graphs take tensors of fixed shapes; leave it out.`,
    );
  }
  return graphInputs(options.seed);
}

async function makePrompt(
  helper: NativeHelper,
  options: RunOptions,
  model: ModelOptions,
  description: NativeModelDescription,
): Promise<Prompt> {
  const batch = options['batch-size'];
  const length = options['input-length'];
  const { prompt: text, 'prompt-tokens': ids } = options;
  if (description.family === 'graph') return noPrompt(options);
  if (description.format === 'genie' && description.family === 'encoder') {
    return genieText(options.prompt);
  }
  if (ids !== undefined) return tokenPrompt(ids, description.vocabSize, batch);
  if (text !== undefined) {
    const encoded = await helper.call('encode', model, text);
    return textPrompt(text, encoded, beginTokenOf(description), batch, length);
  }
  const tokens = length ?? DEFAULT_INPUT_LENGTH;
  return syntheticPrompt(description.vocabSize, tokens, batch, options.seed);
}

function checkContext(description: NativeModelDescription, input: number, output: number): void {
  if (description.family === 'graph' || description.contextLength === 0) return;
  const needed = description.family === 'encoder' ? input : input + output;
  if (description.contextLength > 0 && needed > description.contextLength) {
    throw new NpuBenchError(
      'CONTEXT',
      `${description.name} holds at most ${description.contextLength} tokens, but ${
        description.family === 'encoder' ? '--input-length' : '--input-length and --output-length'
      } ask for ${needed}; shorten them.`,
    );
  }
}

function packedCacheFolder(): string {
  const folder = join(cacheDirectory(), 'packed');
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new NpuBenchError(
      'CACHE',
      `The cache folder ${folder} cannot be made (${(error as NodeJS.ErrnoException).code}); name another one in NPU_BENCH_CACHE, or leave --packed-cache off.`,
      2,
      { cause: error },
    );
  }
  return folder;
}

/** Also of what a vendor's tools compiled: there is no reference for it. */
const NOT_PROVED = { proof: null, proofFault: null };

/**
 * Holds the backend's results against the reference, in a process of its own: a driver that crashes
 * is a fault of the run, and nothing of the model stays mapped where the page cache is dropped.
 */
async function prove(
  backend: string,
  model: ModelOptions,
  session: SessionOptions,
  timeoutSeconds: number,
): Promise<Pick<RunPlan, 'proof' | 'proofFault'>> {
  // The reference itself needs no proof.
  if (backend === 'reference') return NOT_PROVED;
  let hung = false;
  try {
    const proof = await withHelper(async (helper) => {
      const timer = setTimeout(() => {
        hung = true;
        helper.close();
      }, timeoutSeconds * 1000);
      return helper.call('prove', model, session).finally(() => clearTimeout(timer));
    });
    return { proof, proofFault: proof.passed ? null : wrongResult(proof) };
  } catch (error) {
    if (hung) return { proof: null, proofFault: hungProof(timeoutSeconds) };
    if (error instanceof NpuBenchError && error.exitCode !== 2) {
      return { proof: null, proofFault: failedProof(error) };
    }
    throw error;
  }
}

/** The baseline of power: what the machine draws when nothing is measured. */
async function recordIdle(helper: NativeHelper, sampler: SamplerOptions): Promise<NativeRecording> {
  const glance = await helper.recordIdle(sampler, GLANCE_MS);
  return glance.series.some((one) => one.inTotal) ? helper.recordIdle(sampler, IDLE_MS) : glance;
}

function refuseOtherBackend(choice: DeviceChoice, description: NativeModelDescription): void {
  if (choice.backend === 'qnn') return;
  throw new NpuBenchError(
    'BACKEND',
    `${description.name} is compiled for Qualcomm's runtime (${description.format}), which only the NPU executes, not ${choice.backend}; use --device npu.`,
  );
}

/**
 * Checks and settles everything: model, device, prompt, the machine's state and limits. Throws
 * NpuBenchError (exit code 2 for what a user can put right). Nothing is measured yet.
 */
export async function planRun(options: RunOptions, helper: NativeHelper): Promise<RunPlan> {
  const extra = backendExtras(options);
  const info = await helper.call('info');
  const choice = await chooseDevice(helper, {
    device: options.device,
    backend: options.backend,
    gpuIndex: options['gpu-index'],
    extra,
  });
  const { model, description, quantization } = await resolveModel(helper, options, extra);
  const compiled = description.format === 'qnn-context' || description.format === 'genie';
  if (compiled) refuseOtherBackend(choice, description);
  if (description.family === 'graph') Object.assign(extra, graphExtras(options));
  if (description.format === 'genie' && options.prompt !== undefined) {
    extra.prompt_text = options.prompt;
  }
  const prompt = await makePrompt(helper, options, model, description);
  const encoder = description.family === 'encoder';
  const outputTokens = {
    encoder: 1,
    decoder: options['output-length'],
    graph: options.executions,
  }[description.family];
  checkContext(description, prompt.length, outputTokens);

  const files = model.preset ? [] : weightFiles(model.path);
  const sampler = samplerOptions(options);
  const scheduling = schedulingOf(options);
  const threads = options.threads ?? scheduling?.cpus?.length ?? 0;
  const session: SessionOptions = {
    backend: choice.backend,
    deviceIndex: choice.device.index,
    batch: options['batch-size'],
    maxTokens: prompt.length + (encoder ? 0 : outputTokens),
    maxStepTokens: prompt.length,
    precision: options.precision,
    threads,
    ...(options['packed-cache'] ? { packedCacheDir: packedCacheFolder() } : {}),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
  const limits = await helper.call('measureLimits', {
    threads: threads || info.performanceCores,
    milliseconds: LIMITS_MS,
  });
  const roots = sampler.roots;
  const proved = compiled
    ? NOT_PROVED
    : await prove(choice.backend, model, session, options.timeout);
  const sha256 = files.length === 1 ? await hashFile(files[0] as string) : null;
  // Load is told between two looks: the first one only begins the window of the second, in which
  // no process of ours may be at work.
  await helper.call('snapshot', roots);
  const idleFrom = Date.now();
  const idle = await recordIdle(helper, sampler);
  const left = LOAD_WINDOW_MS - (Date.now() - idleFrom);
  if (left > 0 && !helper.addon.fake) await delay(left);
  return {
    options,
    startedAt: new Date(),
    addonPath: helper.addon.path,
    fake: { addon: helper.addon.fake, telemetry: options['sysfs-root'] !== undefined },
    info,
    choice,
    model: { ...model, contextTokens: session.maxTokens },
    description,
    weightFiles: files,
    sha256,
    quantization,
    name: modelName(model),
    prompt,
    outputTokens,
    session,
    sampler,
    ...(scheduling === undefined ? {} : { scheduling }),
    before: await helper.call('snapshot', roots),
    idle,
    limits,
    ...proved,
  };
}
