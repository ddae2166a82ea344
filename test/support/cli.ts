import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';

// Every case starts several processes; a loaded machine takes its time.
vi.setConfig({ testTimeout: 180_000 });

const root = fileURLToPath(new URL('../../', import.meta.url));
export const program = join(root, 'dist/cli/main.js');
export const fakeAddon = join(root, 'test/support/fake-addon.cjs');

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Workspace {
  folder: string;
  path(name: string): string;
  /** Calls that the fake addon has seen, over all processes. */
  log(): string[];
  document(name: string): ReturnType<typeof JSON.parse>;
  start(args: readonly string[], env?: Record<string, string>): ChildProcess;
  run(args: readonly string[], env?: Record<string, string>): Promise<Finished>;
  remove(): void;
}

export function finished(child: ChildProcess): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** A folder of its own in which the built program runs against the fake addon. */
export function workspace(): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'npu-bench-test-'));
  const logFile = join(folder, 'calls.log');
  const start = (args: readonly string[], env: Record<string, string> = {}) =>
    spawn(process.execPath, [program, ...args], {
      cwd: folder,
      // A process group of its own, so that a test can send a signal to all of it as a terminal does.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        NO_COLOR: '1',
        NPU_BENCH_CACHE: join(folder, 'cache'),
        NPU_BENCH_TEST_BINDING: fakeAddon,
        NPU_BENCH_FAKE_LOG: logFile,
        ...env,
      },
    });
  return {
    folder,
    path: (name) => join(folder, name),
    log: () => readFileSync(logFile, 'utf8').trim().split('\n'),
    document: (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')),
    start,
    run: (args, env) => finished(start(args, env)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const SMALL = [
  ...['run', '--device', 'cpu', '--model', 'llama-7b'],
  ...['--input-length', '8', '--output-length', '4', '--output', 'out.json'],
];
