import { NpuBenchError } from '../errors.js';

/** A system for which a package client can fetch Qualcomm's QNN runtime. */
export interface RuntimeSystem {
  name: string;
  /** pip: a wheel, by its platform tag; mvn: an Android archive. */
  client: { pip: string } | { mvn: true };
  /** Where the libraries lie inside the package: the first of these that has them. */
  folders: string[];
  /** What of that folder is the runtime: backend, system, preparation and DSP libraries. */
  libraries: RegExp;
}

export const RUNTIME_PACKAGE = 'onnxruntime-qnn';
export const RUNTIME_VERSION = '2.7.0';
/** Group and name of the archive for Android, whose versions are those of the SDK. */
export const ANDROID_PACKAGE = 'com.qualcomm.qti:qnn-runtime';

const WINDOWS = /^(Qnn|Htp|libQnnHtp|Genie).*\.(dll|so|cat)$/i;
const LINUX = /^lib(Qnn|Genie|qnn).*\.so(\.\d+)*$/i;

const SYSTEMS: Record<string, RuntimeSystem> = {
  'linux-arm64': {
    name: 'linux-arm64',
    client: { pip: 'manylinux_2_34_aarch64' },
    folders: ['onnxruntime_qnn'],
    libraries: LINUX,
  },
  'windows-arm64': {
    name: 'windows-arm64',
    client: { pip: 'win_arm64' },
    folders: ['onnxruntime_qnn/libs/arm64', 'onnxruntime_qnn'],
    libraries: WINDOWS,
  },
  'windows-x64': {
    name: 'windows-x64',
    client: { pip: 'win_amd64' },
    folders: ['onnxruntime_qnn/libs/amd64', 'onnxruntime_qnn'],
    libraries: WINDOWS,
  },
  'android-arm64': {
    name: 'android-arm64',
    client: { mvn: true },
    folders: ['jni/arm64-v8a'],
    libraries: LINUX,
  },
};

export function hostSystem(platform: string = process.platform, arch: string = process.arch) {
  return `${platform === 'win32' ? 'windows' : platform}-${arch}`;
}

/** Throws NpuBenchError, exit code 2, for a system that no package serves. */
export function runtimeSystem(name: string): RuntimeSystem {
  const system = SYSTEMS[name];
  if (system !== undefined) return system;
  const known = Object.keys(SYSTEMS).join(', ');
  throw new NpuBenchError(
    'RUNTIME',
    `No package carries Qualcomm's QNN runtime for ${name}; there is one for ${known}. Elsewhere install Qualcomm's AI Runtime SDK and set QAIRT_SDK_ROOT.`,
  );
}
