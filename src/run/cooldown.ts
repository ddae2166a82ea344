import { setTimeout as delay } from 'node:timers/promises';
import type { NativeSnapshot } from '../native/binding.js';
import type { NativeHelper } from '../native/helper.js';
import type { Warning } from '../schema/values.js';
import type { RunPlan } from './plan.js';
import type { RunEvent } from './schedule.js';

const LONGEST_WAIT_MS = 10 * 60_000;
const LOOK_MS = 1000;

/** The hottest sensor of a snapshot, in °C; undefined without any. */
export function hottest(snapshot: NativeSnapshot): number | undefined {
  const values = Object.entries(snapshot.numbers).flatMap(([key, value]) =>
    /^(battery_)?temperature_mc\./.test(key) ? [value / 1000] : [],
  );
  return values.length === 0 ? undefined : Math.max(...values);
}

async function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => {
    // Interrupted: the caller looks at the signal itself.
  });
}

async function untilCool(
  celsius: number,
  plan: RunPlan,
  helper: NativeHelper,
  signal: AbortSignal | undefined,
): Promise<Warning[]> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    const now = hottest(await helper.call('snapshot', plan.sampler.roots));
    if (now === undefined) {
      return [
        {
          code: 'cooldown',
          message: 'This machine shows no temperature, so --cooldown did not wait.',
          action: 'Give a time instead, such as --cooldown 30s.',
        },
      ];
    }
    if (now <= celsius || signal?.aborted) return [];
    if (Date.now() >= deadline) {
      return [
        {
          code: 'cooldown',
          message: `After ${LONGEST_WAIT_MS / 60_000} minutes the hottest sensor still shows ${now.toFixed(1)} °C, above the ${celsius} °C of --cooldown.`,
          action: 'Cool the device, or ask for a temperature that it reaches when idle.',
        },
      ];
    }
    await sleep(LOOK_MS, signal);
  }
}

/**
 * Looks at the sensors every second while a process is measured, as --max-temp asks; `onHot` is
 * called at most once. The function that is returned ends it. Without the option nothing is looked
 * at; a look takes a few milliseconds of another processor.
 */
export function watchHeat(
  plan: RunPlan,
  helper: NativeHelper,
  onHot: (celsius: number, limit: number) => void,
): () => void {
  const limit = plan.options['max-temp'];
  if (limit === undefined) return () => {};
  let busy = false;
  const look = async () => {
    if (busy) return;
    busy = true;
    const now = hottest(await helper.call('snapshot', plan.sampler.roots));
    busy = false;
    if (now === undefined || now <= limit) return;
    clearInterval(timer);
    onHot(now, limit);
  };
  // A helper that has ended fails the run itself with its own words.
  const timer = setInterval(() => void look().catch(() => clearInterval(timer)), LOOK_MS);
  void look().catch(() => clearInterval(timer));
  return () => clearInterval(timer);
}

/** What --max-temp can't do on a machine without sensors. */
export function heatWatchWarnings(plan: RunPlan): Warning[] {
  if (plan.options['max-temp'] === undefined || hottest(plan.before) !== undefined) return [];
  return [
    {
      code: 'max-temp',
      message: 'This machine shows no temperature, so --max-temp watches nothing.',
      action: 'Leave it out, or watch the device yourself.',
    },
  ];
}

/** Waits as --cooldown asks: a time between processes, a temperature before each of them. */
export async function waitForCooldown(
  plan: RunPlan,
  helper: NativeHelper,
  index: number,
  { signal, onEvent }: { signal?: AbortSignal | undefined; onEvent?(event: RunEvent): void },
): Promise<Warning[]> {
  const { cooldown } = plan.options;
  if (cooldown === undefined) return [];
  if ('celsius' in cooldown) {
    onEvent?.({ type: 'wait', reason: `waiting for ${cooldown.celsius} °C` });
    return untilCool(cooldown.celsius, plan, helper, signal);
  }
  if (index === 0) return [];
  onEvent?.({ type: 'wait', reason: `cooling down for ${cooldown.seconds} s` });
  await sleep(cooldown.seconds * 1000, signal);
  return [];
}
