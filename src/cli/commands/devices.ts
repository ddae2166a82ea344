import type { Command } from 'commander';
import { DEVICES } from '../../config/options.js';
import { probeEach } from '../../devices/probe.js';
import type { NativeProbe } from '../../native/binding.js';
import { bytesText, wrap } from '../format.js';

const HELP = `
Examples:
  npu-bench devices
  npu-bench devices --json
  npu-bench devices --qnn-lib ~/qnn

Exit codes: 0 at least one device can be measured, 2 none.`;

function probeText(probe: NativeProbe): string {
  const head = `${probe.kind.toUpperCase()}  ${probe.backend}`;
  if (probe.devices.length === 0) {
    const { reason, remedy } = probe.unavailable ?? { reason: 'no device was found', remedy: '' };
    const advice = remedy ? `\n  ${wrap(`Remedy: ${remedy}`, 78, '  ')}` : '';
    return `${head}: not available\n  ${wrap(reason, 78, '  ')}${advice}`;
  }
  const lines = probe.devices.map((device) => {
    const facts = [
      device.computeCapability,
      device.driver && `driver ${device.driver}`,
      device.runtimeVersion && `runtime ${device.runtimeVersion}`,
      device.soc,
      device.memoryBytes === null ? '' : bytesText(device.memoryBytes),
      device.software ? 'a program on the processor' : '',
      device.simulated ? 'simulated' : '',
    ].filter((fact) => fact !== '');
    const name = `[${device.index}] ${device.name}`;
    return `  ${name}${facts.length > 0 ? `\n      ${wrap(facts.join(', '), 74, '      ')}` : ''}`;
  });
  return `${head}\n${lines.join('\n')}`;
}

async function devices(flags: { json?: boolean; qnnLib?: string }): Promise<void> {
  const extra: Record<string, string> = {};
  if (flags.qnnLib !== undefined) extra.qnn_lib_dir = flags.qnnLib;
  const all = await probeEach(extra);
  const probes = all.filter((probe) => probe.backend !== 'reference');
  probes.sort((a, b) => DEVICES.indexOf(a.kind) - DEVICES.indexOf(b.kind));
  process.stdout.write(
    flags.json ? `${JSON.stringify(probes, null, 2)}\n` : `${probes.map(probeText).join('\n\n')}\n`,
  );
  process.exitCode = probes.some((probe) => probe.devices.length > 0) ? 0 : 2;
}

export function register(program: Command): void {
  program
    .command('devices')
    .description('List what can be measured here, and for the rest why not and what to do.')
    .option('--json', 'print JSON')
    .option('--qnn-lib <folder>', "folder of Qualcomm's QNN libraries")
    .addHelpText('after', HELP)
    .action(devices);
}
