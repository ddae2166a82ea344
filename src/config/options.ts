import { z } from 'zod';
import { NpuBenchError } from '../errors.js';
import { didYouMean } from './suggest.js';

export const DEVICES = ['npu', 'cpu', 'gpu'] as const;
export type DeviceKind = (typeof DEVICES)[number];
export const PRECISIONS = ['auto', 'f32', 'f16', 'int8', 'int4'] as const;

/** Words for the type of synthetic weights, and what GGUF calls them. */
export const QUANTIZATIONS: Record<string, string> = { int8: 'q8_0', int4: 'q4_0' };
const GGUF_TYPES = /^(f32|f16|bf16|q8_0|q4_[01]|q5_[01]|q[2-6]_k|iq4_nl)$/;

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
}

/** A number from a flag (text) or from a config file; the message says what is allowed. */
function number(allowed: string, accept: (value: number) => boolean) {
  return z.unknown().transform((value, context) => {
    const parsed =
      typeof value === 'number'
        ? value
        : typeof value === 'string' && value.trim() !== ''
          ? Number(value)
          : Number.NaN;
    if (accept(parsed)) return parsed;
    context.addIssue({ code: 'custom', message: `must be ${allowed}, not ${shown(value)}` });
    return z.NEVER;
  });
}

const MAX_COUNT = 1e6;
const whole = (least: number, most = MAX_COUNT) =>
  number(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );

function choice<const T extends readonly [string, ...string[]]>(values: T) {
  return z.unknown().transform((value, context): T[number] => {
    if (values.includes(String(value))) return String(value);
    context.addIssue({
      code: 'custom',
      message: `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}, not ${shown(value)}.${didYouMean(String(value), values)}`,
    });
    return z.NEVER;
  });
}

/** "on" and "off" on the command line; true and false are welcome in a config file. */
const onOff = z.unknown().transform((value, context): boolean => {
  if (value === true || value === 'on') return true;
  if (value === false || value === 'off') return false;
  context.addIssue({ code: 'custom', message: `must be on or off, not ${shown(value)}` });
  return z.NEVER;
});

const flag = z.boolean({ error: (issue) => `must be true or false, not ${shown(issue.input)}` });

const text = z
  .string({ error: (issue) => `must be text, not ${shown(issue.input)}` })
  .refine((value) => value.trim() !== '', 'must not be empty');

const promptTokens = z.unknown().transform((value, context): number[] => {
  const parts = Array.isArray(value) ? value : String(value).split(',');
  const ids = parts.map((part) => (String(part).trim() === '' ? Number.NaN : Number(part)));
  if (ids.length > 0 && ids.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 31)) {
    return ids;
  }
  context.addIssue({
    code: 'custom',
    message: `must be token ids such as 5,9,33, not ${shown(value)}`,
  });
  return z.NEVER;
});

const quantization = z.unknown().transform((value, context): string => {
  const name = String(value).toLowerCase();
  if (name in QUANTIZATIONS || GGUF_TYPES.test(name)) return name;
  context.addIssue({
    code: 'custom',
    message: `must be int8, int4, f16, f32 or a GGUF type such as q8_0 or q4_0, not ${shown(value)}`,
  });
  return z.NEVER;
});

/** Numbers of processors, ascending, from "0-3,6"; or "fast". */
const pin = z.unknown().transform((value, context): 'fast' | number[] => {
  const text = Array.isArray(value) ? value.join(',') : String(value).trim();
  if (text === 'fast') return 'fast';
  const cpus = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part);
    const first = Number(match?.[1] ?? Number.NaN);
    const last = Number(match?.[2] ?? first);
    if (match === null || last < first) {
      context.addIssue({
        code: 'custom',
        message: `must be "fast" or processors such as 0-3,6, not ${shown(value)}`,
      });
      return z.NEVER;
    }
    for (let cpu = first; cpu <= last; cpu += 1) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
});

const celsius = z.unknown().transform((value, context): number => {
  const match = /^(\d+(?:\.\d+)?)\s*(°?c)?$/i.exec(String(value).trim());
  if (match && Number(match[1]) > 0) return Number(match[1]);
  context.addIssue({
    code: 'custom',
    message: `must be a temperature such as 85C, not ${shown(value)}`,
  });
  return z.NEVER;
});

export type Cooldown = { seconds: number } | { celsius: number };

const cooldown = z.unknown().transform((value, context): Cooldown => {
  const match = /^(\d+(?:\.\d+)?)\s*(s|°?c)?$/i.exec(String(value).trim());
  if (match) {
    const amount = Number(match[1]);
    return /c/i.test(match[2] ?? '') ? { celsius: amount } : { seconds: amount };
  }
  context.addIssue({
    code: 'custom',
    message: `must be a time such as 30s or a temperature such as 45C, not ${shown(value)}`,
  });
  return z.NEVER;
});

/** Every option of `run`, by its name on the command line without the dashes. */
const RUN_SHAPE = {
  device: choice(DEVICES).optional(),
  backend: text.optional(),
  model: text,
  iterations: whole(1).default(5),
  'batch-size': whole(1, 4096).default(1),
  'input-length': whole(1).optional(),
  'output-length': whole(1).default(128),
  warmup: whole(0).default(1),
  output: text.optional(),
  verbose: flag.default(false),
  threads: whole(1, 4096).optional(),
  prompt: text.optional(),
  'prompt-tokens': promptTokens.optional(),
  precision: choice(PRECISIONS).default('auto'),
  quantization: quantization.optional(),
  seed: whole(0, 2 ** 32 - 1).default(0),
  cache: choice(['drop', 'keep']).default('drop'),
  'packed-cache': onOff.default(false),
  'cold-start': onOff.default(true),
  processes: whole(1).optional(),
  'sample-interval': number(
    'milliseconds from 0.1 to 60000',
    (v) => v >= 0.1 && v <= 60000,
  ).default(10),
  timeout: number('seconds above 0', (v) => v > 0 && v <= 1e6).default(600),
  cooldown: cooldown.optional(),
  'max-temp': celsius.optional(),
  pin: pin.optional(),
  priority: number(
    'a niceness from -20 (most urgent) to 19',
    (v) => Number.isInteger(v) && v >= -20 && v <= 19,
  ).optional(),
  governor: text.optional(),
  json: flag.default(false),
  profile: flag.default(false),
  'model-dir': text.optional(),
  'sysfs-root': text.optional(),
  'meter-command': text.optional(),
  resume: flag.default(false),
  'gpu-index': whole(0, 64).optional(),
  'decode-ahead': onOff.default(true),
  'qnn-lib': text.optional(),
  'perf-profile': text.optional(),
  runtime: text.optional(),
  executions: whole(1).default(50),
  graph: text.optional(),
  'io-memory': choice(['auto', 'shared', 'copied']).default('auto'),
  'any-soc': flag.default(false),
  verify: flag.default(false),
  strict: flag.default(false),
  label: text.optional(),
};

export const RunOptionsSchema = z.object(RUN_SHAPE);
export const RUN_OPTION_NAMES = Object.keys(RUN_SHAPE);

/** The settings of one run, validated; absent means "not asked for". */
export type RunOptions = z.infer<typeof RunOptionsSchema>;

export type RawOptions = Record<string, unknown>;

/** Options that cannot go together, as sentences; the first one found is told. */
function contradiction(options: RunOptions): string | undefined {
  if (options.prompt !== undefined && options['prompt-tokens'] !== undefined) {
    return '--prompt and --prompt-tokens both give the input; leave one out.';
  }
  const ids = options['prompt-tokens']?.length;
  const length = options['input-length'];
  if (ids !== undefined && length !== undefined && ids !== length) {
    return `--prompt-tokens gives ${ids} tokens but --input-length asks for ${length}; leave --input-length out, it follows from the tokens.`;
  }
  if (options.runtime !== undefined && options['qnn-lib'] !== undefined) {
    return '--runtime and --qnn-lib both name the QNN libraries; leave one out.';
  }
  const { processes, iterations } = options;
  if (processes !== undefined && processes > iterations) {
    return `--processes ${processes} is more than --iterations ${iterations}; every process records at least one iteration.`;
  }
  if (options.resume && options.output === undefined) {
    return '--resume goes on with a document: name it with --output FILE.';
  }
  return undefined;
}

/**
 * Checks raw values, as they come from flags and config file. `where` names the origin of a key in
 * messages: "--iterations" or "iterations in run.json". Throws NpuBenchError, exit code 2.
 */
export function parseRunOptions(
  raw: RawOptions,
  where: (key: string) => string = (key) => `--${key}`,
): RunOptions {
  if (raw.model === undefined) {
    throw new NpuBenchError(
      'OPTION',
      '--model is missing: name a .gguf file or a model; `npu-bench models` lists what there is.',
    );
  }
  const result = RunOptionsSchema.safeParse(raw);
  if (!result.success) {
    const issue = result.error.issues[0];
    const key = String(issue?.path[0]);
    const message = issue?.message ?? 'is not valid';
    throw new NpuBenchError(
      'OPTION',
      `${where(key)} ${message}${/[.?]$/.test(message) ? '' : '.'}`,
    );
  }
  const conflict = contradiction(result.data);
  if (conflict !== undefined) throw new NpuBenchError('OPTION', conflict);
  return result.data;
}
