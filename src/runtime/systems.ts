import { NpuBenchError } from '../errors.js';

/** A system for which a package client can fetch Qualcomm's QNN runtime. */
export interface RuntimeSystem {
  name: string;
  /** pip's platform tag of the package that carries the libraries. */
  pipPlatform: string;
  /** Where the libraries lie inside the package. */
  folder: string;
  /** What of that folder is the runtime: backend, system, preparation and DSP libraries. */
  libraries: RegExp;
}

export const RUNTIME_PACKAGE = 'onnxruntime-qnn';
export const RUNTIME_VERSION = '2.7.0';

const WINDOWS = /^(Qnn|Htp|libQnnHtp|Genie).*\.(dll|so|cat)$/i;
const LINUX = /^lib(Qnn|Genie|qnn).*\.so(\.\d+)*$/i;

const SYSTEMS: Record<string, RuntimeSystem> = {
  'linux-arm64': {
    name: 'linux-arm64',
    pipPlatform: 'manylinux_2_34_aarch64',
    folder: 'onnxruntime_qnn',
    libraries: LINUX,
  },
  'windows-arm64': {
    name: 'windows-arm64',
    pipPlatform: 'win_arm64',
    folder: 'onnxruntime_qnn/libs/arm64',
    libraries: WINDOWS,
  },
  'windows-x64': {
    name: 'windows-x64',
    pipPlatform: 'win_amd64',
    folder: 'onnxruntime_qnn/libs/amd64',
    libraries: WINDOWS,
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
  const android = name.startsWith('android')
    ? " On Android, take the libraries from Maven's com.qualcomm.qti:qnn-runtime and name their folder with --qnn-lib."
    : '';
  throw new NpuBenchError(
    'RUNTIME',
    `No package carries Qualcomm's QNN runtime for ${name}; there is one for ${known}.${android} Elsewhere install Qualcomm's AI Runtime SDK and set QAIRT_SDK_ROOT.`,
  );
}
