import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NpuBenchError } from '../errors.js';
import type { NativeBinding, NativeRecording, SamplerOptions } from './binding.js';
import type { EffectFigures, EffectRequest } from './effect.js';
import { describeEnd, LESS_MEMORY, lastWords, ranOutOfMemory } from './ends.js';
import { type AddonLocation, loadError, locateAddon } from './load.js';
import type { VerifyFigures, VerifyRequest } from './verify.js';

type BindingMethod =
  | 'info'
  | 'probe'
  | 'inspect'
  | 'presets'
  | 'encode'
  | 'snapshot'
  | 'prove'
  | 'prepare'
  | 'measureLimits'
  | 'dropFileCache';

/** Native error codes that a user can put right: exit code 2. The others are failures: 5. */
const USAGE_CODES = new Set([
  'invalid_argument',
  'invalid_model',
  'unsupported',
  'not_found',
  'device_unavailable',
]);

export function nativeError(code: string, message: string, addonPath: string): NpuBenchError {
  if (code === 'addon_load') {
    const problem = 'the system refuses the file';
    return loadError('ADDON_LOAD', { problem, detail: message, path: addonPath });
  }
  return new NpuBenchError(code, message, USAGE_CODES.has(code) ? 2 : 5);
}

const KEPT_TEXT = 4096;

interface Pending {
  method: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Reply {
  /** 0: the addon has been loaded, or the attempt has failed. */
  id: number;
  result?: unknown;
  error?: { code: string; message: string };
}

/** A child process that makes native calls; one call after the other. */
export class NativeHelper {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #stderr = '';
  #end: string | undefined;
  #loaded = false;

  constructor(readonly addon: AddonLocation = locateAddon()) {
    const script = fileURLToPath(new URL('./helper-main.cjs', import.meta.url));
    this.#child = fork(script, [addon.path], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.on('message', (reply: Reply) => this.#receive(reply));
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-KEPT_TEXT);
    });
    this.#child.on('close', (code, signal) => this.#ended(describeEnd(code, signal)));
    this.#child.on('error', (error) => this.#ended(`could not be started (${error.message})`));
  }

  call<M extends BindingMethod>(
    method: M,
    ...args: Parameters<NativeBinding[M]>
  ): Promise<ReturnType<NativeBinding[M]>> {
    return this.#send(method, args) as Promise<ReturnType<NativeBinding[M]>>;
  }

  recordIdle(options: SamplerOptions, milliseconds: number): Promise<NativeRecording> {
    return this.#send('recordIdle', [options, milliseconds]) as Promise<NativeRecording>;
  }

  verify(request: VerifyRequest): Promise<VerifyFigures> {
    return this.#send('verify', [request]) as Promise<VerifyFigures>;
  }

  decodeEffect(request: EffectRequest): Promise<EffectFigures> {
    return this.#send('decodeEffect', [request]) as Promise<EffectFigures>;
  }

  /** Ends the process; a call under way is rejected. */
  close(): void {
    if (this.#end === undefined) this.#child.kill('SIGKILL');
  }

  #send(method: string, args: unknown[]): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#crash(method));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { method, resolve, reject });
      this.#child.send({ id, method, args }, (error) => {
        if (error && this.#pending.delete(id)) reject(this.#crash(method));
      });
    });
  }

  #receive(reply: Reply): void {
    this.#loaded = true;
    const call = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.error === undefined) call?.resolve(reply.result);
    else call?.reject(nativeError(reply.error.code, reply.error.message, this.addon.path));
  }

  #ended(how: string): void {
    this.#end = how;
    for (const call of this.#pending.values()) call.reject(this.#crash(call.method));
    this.#pending.clear();
  }

  #crash(method: string): NpuBenchError {
    if (!this.#loaded) {
      return loadError('ADDON_CRASH', {
        problem: `the process that loaded it ${this.#end ?? 'is gone'}${lastWords(this.#stderr)}`,
        path: this.addon.path,
      });
    }
    const how = `The process that made the native call "${method}" ${this.#end ?? 'is gone'}`;
    if (ranOutOfMemory(this.#stderr)) {
      return new NpuBenchError('out_of_memory', `${how}: memory ran out; ${LESS_MEMORY}.`, 5);
    }
    return new NpuBenchError(
      'NATIVE_CRASH',
      `${how}; a driver or the addon is at fault${lastWords(this.#stderr)}. \`npu-bench doctor\` tries each device apart.`,
      5,
    );
  }
}

/** Runs `use` with a helper process that is ended afterwards, whatever happens. */
export async function withHelper<T>(use: (helper: NativeHelper) => Promise<T>): Promise<T> {
  const helper = new NativeHelper();
  try {
    return await use(helper);
  } finally {
    helper.close();
  }
}
