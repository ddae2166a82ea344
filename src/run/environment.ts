import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { NativeInfo, NativeSnapshot } from '../native/binding.js';
import type { SystemInfo } from '../schema/metadata.js';

const OS_NAMES: Record<string, string> = {
  linux: 'Linux',
  android: 'Android',
  win32: 'Windows',
  darwin: 'macOS',
};

/** The file's text, or undefined where the system has no such file. */
function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function distribution(): string | undefined {
  return /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(readOptional('/etc/os-release') ?? '')?.[1];
}

export function systemInfo(info: NativeInfo, snapshot: NativeSnapshot): SystemInfo {
  const cpu = os.cpus()[0]?.model.trim();
  return {
    os: OS_NAMES[process.platform] ?? process.platform,
    os_release: distribution() ?? os.release(),
    cpu: cpu === undefined || cpu === '' || cpu === 'unknown' ? null : cpu,
    memory_gb: Math.round(os.totalmem() / 1e8) / 10,
    npu_memory_gb: null,
    kernel: os.release(),
    architecture: process.arch,
    cpu_features: info.cpuFeatures,
    cores: info.logicalCores,
    performance_cores: info.performanceCores,
    governor: governorOf(snapshot),
  };
}

/** Scaling governors of all clusters, as one text: "performance" or "schedutil, performance". */
function governorOf(snapshot: NativeSnapshot): string | null {
  const governors = new Set(
    Object.entries(snapshot.texts).flatMap(([key, value]) => (/governor/.test(key) ? [value] : [])),
  );
  return governors.size === 0 ? null : [...governors].sort().join(', ');
}

/** Processor time that a control group allows, in cores; undefined without a limit. */
function cpuQuota(): number | undefined {
  const [quota, period] = (readOptional('/sys/fs/cgroup/cpu.max') ?? '')
    .trim()
    .split(' ')
    .map(Number);
  return quota && period ? quota / period : undefined;
}

function virtualMachine(): string | undefined {
  const product = readOptional('/sys/class/dmi/id/product_name')?.trim();
  if (/^flags\s*:.*\bhypervisor\b/m.test(readOptional('/proc/cpuinfo') ?? '')) {
    return product || 'a hypervisor';
  }
  return undefined;
}

const WATCHED_VARIABLES =
  /^(NPU_BENCH_|QNN_|ADSP_LIBRARY_PATH$|VK_|LP_NUM_THREADS$|OCL_|POCL_|NODE_OPTIONS$|MALLOC_|LD_PRELOAD$)/;

/** What else may influence the figures. */
export function environmentFacts(info: NativeInfo): Record<string, unknown> {
  const variables = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => WATCHED_VARIABLES.test(name)),
  );
  const quota = cpuQuota();
  const machine = virtualMachine();
  const load = os.loadavg()[0];
  return {
    node: process.version,
    addon: {
      version: info.version,
      build_type: info.buildType,
      compiler: info.compiler,
      ...(info.xnnpackVersion === null ? {} : { xnnpack: info.xnnpackVersion }),
    },
    clock_cost_ns: info.clockCostNs,
    clock_resolution_ns: info.clockResolutionNs,
    ...(process.platform === 'win32' || load === undefined ? {} : { load_average_1min: load }),
    ...(quota === undefined ? {} : { cpu_quota_cores: quota }),
    ...(machine === undefined ? {} : { virtual_machine: machine }),
    ...(Object.keys(variables).length === 0 ? {} : { variables }),
  };
}
