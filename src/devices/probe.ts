import type { NativeProbe } from '../native/binding.js';
import { withHelper } from '../native/helper.js';
import { wantedBackend } from './choose.js';

/**
 * Looks for the devices of every backend, each in a process of its own: a driver that crashes while
 * it is looked for is one line of the answer, not its end.
 */
export async function probeEach(extra: Record<string, string>): Promise<NativeProbe[]> {
  const { backends } = await withHelper((helper) => helper.call('info'));
  const probes: NativeProbe[] = [];
  for (const backend of backends) {
    const found = await withHelper((helper) => helper.call('probe', { backend, extra })).catch(
      (error: Error): NativeProbe[] => [
        {
          backend,
          kind: wantedBackend({ backend, extra }).kind,
          devices: [],
          unavailable: {
            reason: error.message,
            remedy: "Update or reinstall this device's driver.",
          },
        },
      ],
    );
    probes.push(...found);
  }
  return probes;
}
