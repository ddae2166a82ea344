import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { finished, program, type Workspace, workspace } from '../support/cli.js';
import { writeTinyModel } from '../support/tiny-gguf.js';

/** What disturbs a run from outside, with the addon that was built here. */
const REAL = { NPU_BENCH_TEST_BINDING: '' };
const LONG = [
  '--input-length',
  '64',
  '--output-length',
  '3500',
  '--batch-size',
  '8',
  '--warmup',
  '0',
];

let space: Workspace;
const others: ChildProcess[] = [];
beforeEach(() => {
  space = workspace();
  writeTinyModel(space.path('tiny.gguf'));
});
afterEach(() => {
  for (const child of others.splice(0)) child.kill('SIGKILL');
  space.remove();
});

const ARGS = ['run', '--device', 'cpu', '--model', 'tiny.gguf', ...LONG, '--iterations', '1'];
const SHORT = ['run', '--device', 'cpu', '--model', 'tiny.gguf', '--iterations', '1'];

type Warning = { code: string; message: string; action?: string };
const warningsOf = (): Warning[] => space.document('out.json').warnings;

/** The measured process of a run; undefined while there is none. */
function measuredProcess(parent: number): number | undefined {
  const isMeasured = (pid: string) => {
    try {
      const [, after] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ') as [string, string];
      if (Number(after.split(' ')[1]) !== parent) return false;
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('worker.cjs');
    } catch {
      // It has ended since it was listed.
      return false;
    }
  };
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isMeasured(name));
  return pid === undefined ? undefined : Number(pid);
}

interface QuotaGroup {
  folder: string;
  /** Leaves its processes a twentieth of a processor. */
  tighten(): void;
}

/** A control group whose processor quota can be set; undefined where none can be made. */
function makeQuotaGroup(): QuotaGroup | undefined {
  const name = `npu-bench-test-${process.pid}`;
  for (const [root, file, free, tight] of [
    ['/sys/fs/cgroup', 'cpu.max', 'max 100000', '5000 100000'],
    ['/sys/fs/cgroup/cpu', 'cpu.cfs_quota_us', '-1', '5000'],
  ] as const) {
    const folder = `${root}/${name}`;
    const set = (quota: string) => writeFileSync(`${folder}/${file}`, quota, { flag: 'r+' });
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    try {
      set(free);
      return { folder, tighten: () => set(tight) };
    } catch {
      // The other version of control groups, or no processor controller here.
      rmdirSync(folder);
    }
  }
  return undefined;
}

const quotaGroup = makeQuotaGroup();
afterAll(() => {
  if (quotaGroup !== undefined) rmdirSync(quotaGroup.folder);
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a disturbed run', () => {
  it('names the neighbour that kept a processor busy', async () => {
    const spin = "process.title = 'npb-spinner'; process.stdout.write('up'); for (;;);";
    const child = spawn(process.execPath, ['-e', spin], { stdio: ['ignore', 'pipe', 'ignore'] });
    others.push(child);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const result = await space.run([...ARGS, '--output', 'out.json'], REAL);
    expect(result.code).toBe(0);
    const warning = warningsOf().find(({ code }) => code === 'noisy-neighbour');
    expect(warning?.message).toMatch(/^Other processes kept \d\.\d\d processors busy/);
    // On a machine with more such neighbours another one may be the busiest.
    const named = /most of all (.+) \((\d+)\)/.exec(warning?.message ?? '');
    if (named?.[2] !== String(child.pid)) expect(warning?.message).toMatch(/kept [1-9]/);
    else expect(named[1]).toBe('npb-spinner');
    expect(space.document('out.json').soundness.score).toBeLessThan(100);
  });

  it('that is stopped and continued all the time says so', async () => {
    const run = space.start([...ARGS, '--output', 'out.json'], REAL);
    let over = false;
    const end = finished(run).then((result) => {
      over = true;
      return result;
    });
    while (!over) {
      const pid = measuredProcess(run.pid as number);
      try {
        if (pid !== undefined) {
          process.kill(pid, 'SIGSTOP');
          await pause(60);
          process.kill(pid, 'SIGCONT');
        }
      } catch (error) {
        // It ended in between.
        expect((error as NodeJS.ErrnoException).code).toBe('ESRCH');
      }
      await pause(60);
    }
    expect((await end).code).toBe(0);
    const warning = warningsOf().find(({ code }) => code === 'stalled');
    expect(warning?.message).toMatch(/stood still \d+ times, \d+ % of the time/);
    expect(warning?.action).toMatch(/cpulimit/);
  });

  it.skipIf(quotaGroup === undefined)('under a processor quota says so', async () => {
    const script = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
    const words = [process.execPath, program, ...SHORT, '--output', 'out.json'];
    const run = spawn('sh', ['-c', script, quotaGroup?.folder as string, ...words], {
      cwd: space.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...REAL, NPU_BENCH_CACHE: space.path('cache') },
    });
    const end = finished(run);
    // `exec` keeps the process: the measured one is its child.
    while (measuredProcess(run.pid as number) === undefined) await pause(5);
    quotaGroup?.tighten();
    expect(await end).toMatchObject({ code: 0 });
    const warning = warningsOf().find(({ code }) => code === 'cpu-quota');
    expect(warning?.message).toMatch(/^The processor was rationed: .* for \d+ % of the time/);
  });
});
