import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { finished, SMALL, type Workspace, workspace } from '../support/cli.js';
import { FakeSysfs, SYSTEMS } from '../support/fake-sysfs.js';
import { writeTinyModel } from '../support/tiny-gguf.js';

/** Settings of the machine that a run changes, and that are as before when it has ended. */
let space: Workspace;
let tree: FakeSysfs;
beforeEach(() => {
  space = workspace();
  tree = new FakeSysfs(SYSTEMS.snapdragonLaptop.tree);
});
afterEach(() => {
  tree.dispose();
  space.remove();
});

const governors = () =>
  ['policy0', 'policy4'].map((policy) => {
    const path = `${tree.root}/sys/devices/system/cpu/cpufreq/${policy}/scaling_governor`;
    return readFileSync(path, 'utf8').trim();
  });
const PERFORMANCE = ['performance', 'performance'];
const BEFORE = ['schedutil', 'schedutil'];
const args = () => [...SMALL, '--governor', 'performance', '--sysfs-root', tree.root];

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(20);
}

const hangs = { NPU_BENCH_FAKE_FAULT: '1:2:hang' };
function hanging(): boolean {
  try {
    return space.log().includes('fault hang');
  } catch {
    return false; // No call has been noted yet.
  }
}

describe('--governor', () => {
  it('holds while measuring, is in the document, and is put back', async () => {
    const run = space.start([...args(), '--timeout', '5', '--iterations', '1'], hangs);
    const end = finished(run);
    await until(hanging);
    expect(governors()).toEqual(PERFORMANCE);
    expect((await end).code).toBe(5);
    expect(governors()).toEqual(BEFORE);
    const document = space.document('out.json');
    expect(document.metadata.benchmark_config.governor).toBe('performance');
  });

  it.each([
    ['Ctrl-C', 'SIGINT', true],
    ['a request to end', 'SIGTERM', false],
    ['being killed', 'SIGKILL', false],
  ] as const)('is put back after %s', async (_name, signal, group) => {
    const run = space.start([...args(), '--iterations', '1'], hangs);
    const end = finished(run);
    await until(hanging);
    expect(governors()).toEqual(PERFORMANCE);
    const pid = run.pid as number;
    process.kill(group ? -pid : pid, signal);
    await end;
    await until(() => governors().join() === BEFORE.join());
  });

  it('is put back after a mistake that ends the run', async () => {
    const result = await space.run([...args(), '--backend', 'no-such']);
    expect(result.code).toBe(2);
    expect(governors()).toEqual(BEFORE);
  });

  it('that is not offered changes nothing', async () => {
    const path = 'sys/devices/system/cpu/cpufreq/policy0/scaling_available_governors';
    tree.write(path, 'powersave schedutil');
    const result = await space.run(args());
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/not offered here; choose one of powersave, schedutil\./);
    expect(governors()).toEqual(BEFORE);
  });

  it('says so where there are none', async () => {
    const empty = new FakeSysfs({ 'proc/stat': 'cpu 1 1 1 1' });
    const result = await space.run([
      ...SMALL,
      ...['--governor', 'performance', '--sysfs-root', empty.root],
    ]);
    empty.dispose();
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/has no governors to set/);
  });
});

describe('--max-temp', () => {
  it('ends the measured process when a sensor shows more', async () => {
    const limit = ['--max-temp', '60C', '--sysfs-root', tree.root, '--iterations', '3'];
    const run = space.start([...SMALL, ...limit], { NPU_BENCH_FAKE_FAULT: '2:2:hang' });
    const end = finished(run);
    await until(hanging);
    tree.write('sys/class/thermal/thermal_zone1/temp', '88000');
    expect((await end).code).toBe(5);
    const document = space.document('out.json');
    expect(document.status).toBe('partial');
    expect(document.iterations).toHaveLength(1);
    expect(document.faults[0].code).toBe('too-hot');
    expect(document.faults[0].message).toMatch(/showed 88\.0 °C, above the 60 °C of --max-temp/);
  });
});

/** Threads of a process with their allowed processors and niceness. */
function threadsOf(pid: number): { cpus: string; niceness: number }[] {
  return readdirSync(`/proc/${pid}/task`).map((task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'latin1');
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'latin1');
    const fields = (stat.split(') ')[1] as string).split(' ');
    return {
      cpus: /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] as string,
      niceness: Number(fields[16]),
    };
  });
}

function workerOf(parent: number): number | undefined {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ')[1] as string;
      if (Number(stat.split(' ')[1]) !== parent) continue;
      if (readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('worker.cjs')) {
        return Number(name);
      }
    } catch {
      // It has ended since it was listed.
    }
  }
  return undefined;
}

describe.skipIf(process.platform !== 'linux')('--pin and --priority', () => {
  it('hold for the measured threads, and not for others', async () => {
    writeTinyModel(space.path('tiny.gguf'));
    const real = { NPU_BENCH_TEST_BINDING: '' };
    const run = space.start(
      [
        ...['run', '--device', 'cpu', '--model', 'tiny.gguf', '--iterations', '1'],
        ...['--input-length', '64', '--output-length', '3500', '--batch-size', '8'],
        ...['--pin', '0', '--priority', '5', '--output', 'out.json'],
      ],
      real,
    );
    const end = finished(run);
    const pid = run.pid as number;
    let pinned: { cpus: string; niceness: number }[] = [];
    while (pinned.length === 0 && run.exitCode === null) {
      const worker = workerOf(pid);
      try {
        if (worker !== undefined) {
          pinned = threadsOf(worker).filter(({ cpus, niceness }) => cpus === '0' && niceness === 5);
        }
      } catch {
        // It has ended since it was found.
      }
      await delay(10);
    }
    if (os.availableParallelism() > 1) expect(threadsOf(pid)[0]?.cpus).not.toBe('0');
    expect(threadsOf(pid)[0]?.niceness).not.toBe(5);
    expect((await end).code).toBe(0);
    expect(pinned.length).toBeGreaterThan(0);
    const document = space.document('out.json');
    expect(document.metadata.benchmark_config).toMatchObject({ pinned_to: [0], priority: 5 });
    expect(document.metadata.environment.threads_used).toBe(1);
    expect(document.iterations[0].usage.involuntary_switches).toBeGreaterThanOrEqual(0);
    // One processor: nowhere to move to.
    expect([0, null]).toContain(document.iterations[0].usage.migrations);
  });

  it('refuse processors that are not there, and threads that would share them', async () => {
    writeTinyModel(space.path('tiny.gguf'));
    const model = ['run', '--device', 'cpu', '--model', 'tiny.gguf', '--output', 'out.json'];
    const real = { NPU_BENCH_TEST_BINDING: '' };
    const absent = await space.run([...model, '--pin', '1000'], real);
    expect(absent.code).toBe(2);
    expect(absent.stderr).toMatch(/The processors of --pin can't be used/);
    const shared = await space.run([...model, '--pin', '0', '--threads', '2'], real);
    expect(shared.code).toBe(2);
    expect(shared.stderr).toMatch(/--threads 2 would share the 1 processors of --pin/);
    const odd = await space.run([...model, '--pin', '3-1'], real);
    expect(odd.stderr).toMatch(/--pin must be "fast" or processors such as 0-3,6/);
  });
});
