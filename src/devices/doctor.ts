import { accessSync, constants, mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cacheDirectory } from '../models/cache.js';
import { findModels, modelFolders } from '../models/find.js';
import type { NativeSnapshot } from '../native/binding.js';
import { withHelper } from '../native/helper.js';
import { locateAddon } from '../native/load.js';
import { scoreOf, snapshotWarnings } from '../telemetry/index.js';
import { toolVersion } from '../version.js';
import { probeEach } from './probe.js';

export interface Check {
  name: string;
  status: 'ok' | 'warning' | 'failure';
  detail: string;
  remedy?: string;
}

/** Enough for every telemetry source to have been opened and read once. */
const SAMPLE_MS = 500;

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function check(name: string, status: Check['status'], detail: string, remedy?: string): Check {
  return { name, status, detail, ...(remedy ? { remedy } : {}) };
}

async function addonCheck(): Promise<Check> {
  try {
    const { path, fake } = locateAddon();
    const info = await withHelper((helper) => helper.call('info'));
    if (info.version !== toolVersion() && !fake) {
      return check(
        'native addon',
        'failure',
        `${path} is of version ${info.version}, and this program of ${toolVersion()}`,
        'Install the package again; in a checkout run npm run build:native.',
      );
    }
    return check(
      'native addon',
      'ok',
      `${path}, version ${info.version}, ${info.buildType}, backends ${info.backends.join(', ')}`,
    );
  } catch (error) {
    return check('native addon', 'failure', sentence(error));
  }
}

async function deviceChecks(extra: Record<string, string>): Promise<Check[]> {
  const probes = (await probeEach(extra)).filter((probe) => probe.backend !== 'reference');
  return probes.map((probe) => {
    const name = `${probe.kind} (${probe.backend})`;
    if (probe.devices.length > 0) {
      const names = probe.devices.map(
        (device) => `${device.name}${device.software ? ' (a program on the processor)' : ''}`,
      );
      return check(name, 'ok', names.join(', '));
    }
    const { reason, remedy } = probe.unavailable ?? { reason: 'no device was found', remedy: '' };
    return check(name, 'warning', reason, remedy);
  });
}

async function telemetryChecks(): Promise<Check[]> {
  const recording = await withHelper((helper) => helper.recordIdle({ periodNs: 10e6 }, SAMPLE_MS));
  const missing = recording.missing.map((entry) =>
    check(`telemetry: ${entry.metric}`, 'warning', entry.reason, entry.remedy),
  );
  const power = recording.series.filter((one) => one.inTotal);
  const found =
    power.length === 0
      ? []
      : [check('power', 'ok', power.map((one) => `${one.source} (${one.label})`).join(', '))];
  return [...found, ...missing];
}

/** What the machine's state is, as far as it is told; what is wrong with it has checks of its own. */
export function stateOf({ numbers, texts }: NativeSnapshot): string {
  const governors = new Set(
    Object.entries(texts).flatMap(([key, value]) => (/^governor\./.test(key) ? [value] : [])),
  );
  const onOff = (value: number | undefined) => (value === undefined ? undefined : value > 0);
  const facts: [string, string | boolean | undefined][] = [
    ['governor', governors.size === 0 ? undefined : [...governors].sort().join(' and ')],
    ['turbo', onOff(numbers.turbo_enabled)],
    ['address randomization', onOff(numbers.aslr)],
    ['power', texts.power_source],
    ['screen', texts.screen],
    ['clock', texts.clock_source],
    [
      'steal',
      numbers.steal_percent === undefined ? undefined : `${numbers.steal_percent.toFixed(1)} %`,
    ],
  ];
  const word = (value: string | boolean | undefined) =>
    value === undefined ? 'not told here' : value === true ? 'on' : value === false ? 'off' : value;
  return facts.map(([name, value]) => `${name}: ${word(value)}`).join(', ');
}

/** What would make a run unsound now; the load is that of the last `SAMPLE_MS`. */
async function machineChecks(): Promise<Check[]> {
  const snapshot = await withHelper(async (helper) => {
    await helper.call('snapshot');
    await delay(SAMPLE_MS);
    return helper.call('snapshot');
  });
  const state = check('machine', 'ok', stateOf(snapshot));
  const warnings = snapshotWarnings(snapshot);
  const { score, verdict } = scoreOf(warnings);
  const total = check(
    'soundness now',
    verdict === 'sound' ? 'ok' : 'warning',
    `${score} of 100 (${verdict})`,
  );
  return [
    state,
    ...warnings.map(({ code, message, action }) => check(code, 'warning', message, action)),
    total,
  ];
}

async function pageCacheCheck(): Promise<Check> {
  const file = fileURLToPath(new URL('../../package.json', import.meta.url));
  try {
    await withHelper((helper) => helper.call('dropFileCache', file));
    return check('page cache', 'ok', 'file pages can be dropped before a cold start');
  } catch (error) {
    return check(
      'page cache',
      'warning',
      sentence(error),
      'Cold starts are measured with a warm file cache here: use --cache keep to say so.',
    );
  }
}

function folderCheck(): Check {
  const folder = cacheDirectory();
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return check('cache folder', 'ok', folder);
  } catch (error) {
    return check(
      'cache folder',
      'warning',
      sentence(error),
      'Name another one in NPU_BENCH_CACHE.',
    );
  }
}

function modelCheck(): Check {
  const folders = modelFolders();
  const found = findModels(folders);
  return found.length > 0
    ? check('models', 'ok', found.map((model) => model.name).join(', '))
    : check(
        'models',
        'warning',
        `no model file in ${folders.join(', ')}`,
        'Give --model a path, or a preset with synthetic weights (`npu-bench models`).',
      );
}

/** Everything that a run needs, each with its remedy. Later checks need the addon. */
export async function examine(extra: Record<string, string>): Promise<Check[]> {
  const node = check('node', 'ok', `${process.version} on ${process.platform}-${process.arch}`);
  const addon = await addonCheck();
  const own = [folderCheck(), modelCheck()];
  if (addon.status === 'failure') return [node, addon, ...own];
  return [
    node,
    addon,
    ...(await deviceChecks(extra)),
    ...(await telemetryChecks()),
    ...(await machineChecks()),
    await pageCacheCheck(),
    ...own,
  ];
}
