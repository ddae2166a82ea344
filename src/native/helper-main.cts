/**
 * A process that makes native calls on behalf of the parent, which never loads the addon itself:
 * a driver that crashes while it is looked for costs this process only.
 */
import type { NativeBinding, NativeRecording, SamplerOptions } from './binding.js' with {
  'resolution-mode': 'import',
};
import type { EffectRequest } from './effect.js' with { 'resolution-mode': 'import' };
import type { VerifyRequest } from './verify.js' with { 'resolution-mode': 'import' };

interface Request {
  id: number;
  method: string;
  args: unknown[];
}

function send(message: unknown): void {
  process.send?.(message);
}

function fail(id: number, error: unknown): void {
  const { code, message } = error as { code?: string; message?: string };
  send({ id, error: { code: code ?? 'internal', message: String(message ?? error) } });
}

/** Records what the machine does when nothing is measured: the baseline of power. */
async function recordIdle(
  binding: NativeBinding,
  options: SamplerOptions,
  milliseconds: number,
): Promise<NativeRecording> {
  const sampler = binding.openSampler(options);
  sampler.start();
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return sampler.stop();
}

async function answer(binding: NativeBinding, { id, method, args }: Request): Promise<void> {
  try {
    let result: unknown;
    if (method === 'recordIdle') {
      result = await recordIdle(binding, ...(args as [SamplerOptions, number]));
    } else if (method === 'verify') {
      const { verify } = await import('./verify.js');
      result = verify(binding, args[0] as VerifyRequest);
    } else if (method === 'decodeEffect') {
      const { decodeEffect } = await import('./effect.js');
      result = decodeEffect(binding, args[0] as EffectRequest);
    } else {
      const call = binding[method as keyof NativeBinding] as (...values: unknown[]) => unknown;
      result = call(...args);
    }
    send({ id, result });
  } catch (error) {
    fail(id, error);
  }
}

// Ctrl-C reaches the whole process group; the parent ends this process when it has done with it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.once('disconnect', () => process.exit());
let binding: NativeBinding | undefined;
let loadFailure: unknown;
try {
  binding = require(process.argv[2] as string) as NativeBinding;
} catch (error) {
  loadFailure = { code: 'addon_load', message: (error as Error).message };
}
// From here on a crash is not one of loading.
send({ id: 0 });
process.on('message', (request: Request) => {
  if (binding === undefined) fail(request.id, loadFailure);
  else void answer(binding, request);
});
