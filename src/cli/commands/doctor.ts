import type { Command } from 'commander';
import pc from 'picocolors';
import { type Check, examine } from '../../devices/doctor.js';
import { wrap } from '../format.js';

const HELP = `
Examples:
  npu-bench doctor
  npu-bench doctor --json > doctor.json
  npu-bench doctor --qnn-lib ~/qnn

Exit codes: 0 nothing failed (warnings have remedies), 2 something that every run needs is broken.`;

const MARKS = {
  ok: () => pc.green('ok  '),
  warning: () => pc.yellow('note'),
  failure: () => pc.red('FAIL'),
};

function checkText(check: Check): string {
  const head = `${MARKS[check.status]()}  ${check.name}: `;
  const detail = check.detail.includes('\n')
    ? check.detail.replaceAll('\n', '\n      ')
    : wrap(check.detail, 74 - check.name.length, '      ');
  const remedy =
    check.remedy === undefined ? '' : `\n      ${wrap(`→ ${check.remedy}`, 74, '        ')}`;
  return head + detail + remedy;
}

async function doctor(flags: { json?: boolean; qnnLib?: string }): Promise<void> {
  const checks = await examine(flags.qnnLib === undefined ? {} : { qnn_lib_dir: flags.qnnLib });
  process.stdout.write(
    flags.json ? `${JSON.stringify(checks, null, 2)}\n` : `${checks.map(checkText).join('\n')}\n`,
  );
  process.exitCode = checks.some((check) => check.status === 'failure') ? 2 : 0;
}

export function register(program: Command): void {
  program
    .command('doctor')
    .description('Check drivers, libraries, permissions, power sources and the machine.')
    .option('--json', 'print JSON')
    .option('--qnn-lib <folder>', "folder of Qualcomm's QNN libraries")
    .addHelpText('after', HELP)
    .action(doctor);
}
