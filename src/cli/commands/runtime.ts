import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { NpuBenchError } from '../../errors.js';
import { fetchRuntime, installFetched, tryRuntime } from '../../runtime/install.js';
import { installedRuntimes, removeRuntime } from '../../runtime/store.js';
import { hostSystem, RUNTIME_VERSION, runtimeSystem } from '../../runtime/systems.js';
import { bytesText } from '../format.js';

const HELP = `
Examples:
  npu-bench runtime install qnn
  npu-bench runtime install qnn --version 2.7.0 --accept-license
  npu-bench runtime list
  npu-bench runtime install qnn --system linux-arm64 --accept-license
  npu-bench runtime install qnn --system android-arm64 --version 2.26.0
  npu-bench run --runtime qnn@2.51 --model MODEL
  npu-bench runtime remove 2.7.0

With --system the libraries are fetched for another machine, to be copied there (for Android with
Maven, for adb push). The libraries are Qualcomm's and under Qualcomm's licence; npu-bench doesn't ship them.`;

interface InstallFlags {
  version: string;
  system?: string;
  acceptLicense?: boolean;
}

function onlyQnn(runtime: string): void {
  if (runtime !== 'qnn') {
    throw new NpuBenchError('RUNTIME', `There is no runtime "${runtime}" to install; it is qnn.`);
  }
}

async function accepted(flags: InstallFlags): Promise<boolean> {
  if (flags.acceptLicense) return true;
  if (!process.stdin.isTTY) {
    throw new NpuBenchError(
      'LICENCE',
      "The vendor's licence above must be accepted: run again with --accept-license.",
    );
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question('Accept this licence? [y/N] ')).trim());
  } finally {
    prompt.close();
  }
}

async function install(runtime: string, flags: InstallFlags): Promise<void> {
  onlyQnn(runtime);
  const host = hostSystem();
  const system = runtimeSystem(flags.system ?? host);
  const fetched = fetchRuntime(flags.version, system);
  try {
    process.stdout.write(`${fetched.licence}\n\n`);
    if (!(await accepted(flags))) {
      throw new NpuBenchError('LICENCE', 'The licence was not accepted: nothing is installed.');
    }
    const folder = installFetched(fetched, flags.version, system);
    process.stdout.write(`Installed QNN runtime ${flags.version} for ${system.name}: ${folder}\n`);
    if (system.name !== host) return;
    const { usable, sentence } = await tryRuntime(folder);
    process.stdout.write(
      `${usable ? 'It works here' : 'It does not work here yet'}: ${sentence}\n`,
    );
    process.exitCode = usable ? 0 : 2;
  } finally {
    rmSync(fetched.folder, { recursive: true, force: true });
  }
}

function list(flags: { json?: boolean }): void {
  const all = installedRuntimes();
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
    return;
  }
  const lines = all.map(
    (one) =>
      `${one.version}  SDK ${one.sdk ?? 'unknown'}  ${one.system}  ${bytesText(one.bytes)}  ${one.folder}`,
  );
  process.stdout.write(
    lines.length > 0
      ? `${lines.join('\n')}\n`
      : 'No QNN runtime is installed; `npu-bench runtime install qnn` fetches one.\n',
  );
}

function remove(version: string): void {
  for (const one of removeRuntime(version.replace(/^qnn@/, ''))) {
    process.stdout.write(`Removed ${one.folder}\n`);
  }
}

export function register(program: Command): void {
  const runtime = program
    .command('runtime')
    .description("Install, list and remove versions of Qualcomm's QNN runtime.")
    .addHelpText('after', HELP);
  runtime
    .command('install')
    .argument('<runtime>', 'qnn')
    .description(
      'fetch the runtime with pip (Android: Maven), show its licence, and keep its libraries',
    )
    .option('--version <version>', 'version of the package that carries it', RUNTIME_VERSION)
    .option(
      '--system <name>',
      'for another machine: linux-arm64, windows-arm64, windows-x64 or android-arm64',
    )
    .option('--accept-license', "accept the vendor's licence without being asked")
    .action(install);
  runtime
    .command('list')
    .description('installed versions')
    .option('--json', 'print JSON')
    .action(list);
  runtime
    .command('remove')
    .argument('<version>', 'a version that `runtime list` shows')
    .description('delete a version')
    .action(remove);
}
