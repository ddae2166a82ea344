import type { DeviceKind } from '../config/options.js';
import { DEVICES } from '../config/options.js';
import { didYouMean } from '../config/suggest.js';
import { NpuBenchError } from '../errors.js';
import type { NativeDevice, NativeProbe } from '../native/binding.js';
import type { NativeHelper } from '../native/helper.js';

export const DEFAULT_BACKEND: Record<DeviceKind, string> = {
  npu: 'qnn',
  cpu: 'xnnpack',
  gpu: 'vulkan',
};
const BACKEND_DEVICE: Record<string, DeviceKind> = {
  qnn: 'npu',
  xnnpack: 'cpu',
  reference: 'cpu',
  vulkan: 'gpu',
  opencl: 'gpu',
};
export const BACKENDS: readonly string[] = Object.keys(BACKEND_DEVICE);

export interface DeviceWish {
  device?: DeviceKind | undefined;
  backend?: string | undefined;
  gpuIndex?: number | undefined;
  extra: Record<string, string>;
}

export interface DeviceChoice {
  kind: DeviceKind;
  backend: string;
  device: NativeDevice;
}

/**
 * The device and backend that were asked for: the NPU unless something else is named. A backend
 * named alone stands for its device. Throws NpuBenchError, exit code 2.
 */
export function wantedBackend(wish: DeviceWish): { kind: DeviceKind; backend: string } {
  const { device, backend } = wish;
  if (backend === undefined) {
    const kind = device ?? 'npu';
    return { kind, backend: DEFAULT_BACKEND[kind] };
  }
  const kind = BACKEND_DEVICE[backend];
  if (kind === undefined) {
    throw new NpuBenchError(
      'BACKEND',
      `There is no backend "${backend}"; choose one of ${BACKENDS.join(', ')}.${didYouMean(backend, BACKENDS)}`,
    );
  }
  if (device !== undefined && device !== kind) {
    const fitting = BACKENDS.filter((name) => BACKEND_DEVICE[name] === device);
    throw new NpuBenchError(
      'BACKEND',
      `The backend ${backend} runs on the ${kind}, not on the ${device}; for --device ${device} use ${fitting.join(' or ')}.`,
    );
  }
  return { kind, backend };
}

/** Devices that could be measured instead, as commands. */
function usableDevices(probes: readonly NativeProbe[]): string {
  const usable = probes.filter(
    (probe) => probe.devices.length > 0 && probe.backend !== 'reference',
  );
  const lines = DEVICES.flatMap((kind) => {
    const probe = usable.find((candidate) => candidate.kind === kind);
    return probe === undefined ? [] : [`--device ${kind} (${probe.devices[0]?.name})`];
  });
  return lines.length > 0
    ? `Devices that can be used here: ${lines.join(', ')}.`
    : 'No device can be used here; `npu-bench doctor` says what each one lacks.';
}

export function explainUnavailable(
  kind: DeviceKind,
  backend: string,
  probes: readonly NativeProbe[],
): string {
  const own = probes.find((probe) => probe.backend === backend);
  const missing =
    own === undefined
      ? `this build of npu-bench has no ${backend} backend`
      : (own.unavailable?.reason ?? 'no such device was found').replace(/\.$/, '');
  const remedy = own?.unavailable?.remedy;
  const advice = remedy ? ` ${remedy.replace(/\.?$/, '.')}` : '';
  return `The ${kind.toUpperCase()} cannot be measured (backend ${backend}): ${missing}.${advice} ${usableDevices(probes)}`;
}

/** Finds the device; never takes another one than was asked for. */
export async function chooseDevice(helper: NativeHelper, wish: DeviceWish): Promise<DeviceChoice> {
  const { kind, backend } = wantedBackend(wish);
  const [own] = await helper.call('probe', { backend, extra: wish.extra });
  const index = kind === 'gpu' ? wish.gpuIndex : undefined;
  const device =
    index === undefined
      ? own?.devices[0]
      : own?.devices.find((candidate) => candidate.index === index);
  if (device !== undefined) return { kind, backend, device };
  if (own !== undefined && own.devices.length > 0) {
    const known = own.devices.map((one) => `${one.index} (${one.name})`).join(', ');
    throw new NpuBenchError('DEVICE', `There is no GPU with index ${index}; found: ${known}.`);
  }
  const others = await helper.call('probe', { extra: wish.extra });
  throw new NpuBenchError('DEVICE', explainUnavailable(kind, backend, others));
}
