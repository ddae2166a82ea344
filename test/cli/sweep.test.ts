import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { casesOf, parseDocument } from '../../src/schema/index.js';
import { finished, type Workspace, workspace } from '../support/cli.js';

let space: Workspace;
beforeEach(() => {
  space = workspace();
});
afterEach(() => space.remove());

const LENGTHS = ['--input-length', '8', '--output-length', '4'];
const SWEEP = ['sweep', '--device', 'cpu', '--model', 'llama-7b', '--output', 'out.json'];

type Case = { id: string; status: string; iterations: unknown[]; faults?: unknown[] };
type Step = { case: string; run: number };

describe('a sweep', () => {
  it('measures every combination into one document, round by round', async () => {
    const lists = ['--batch-sizes', '1,2', '--threads-list', '1,2'];
    const result = await space.run([...SWEEP, ...LENGTHS, ...lists, '--iterations', '2']);
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    const document = parseDocument(readFileSync(space.path('out.json'), 'utf8'), 'out.json');
    expect(document.status).toBe('complete');
    const cases = casesOf(document);
    expect(cases.map(({ metadata: { benchmark_config: c } }) => [c.threads, c.batch_size])).toEqual(
      [
        [1, 1],
        [1, 2],
        [2, 1],
        [2, 2],
      ],
    );
    for (const entry of cases) expect(entry.iterations).toHaveLength(2);
    const { steps, order } = document.sweep as { steps: Step[]; order: string };
    expect(order).toBe('random');
    expect(new Set(steps.slice(0, 4).map((step) => step.case)).size).toBe(4);
    expect(new Set(steps.slice(4).map((step) => step.case)).size).toBe(4);
    expect(result.stdout).toMatch(
      /Threads {2}Batch Size {2}Throughput +Power +Memory +First Token\n1 +1 +[\d.]+ tok\/sec/,
    );
    expect(result.stdout).toContain('Power is not available: no power source was found.');
  });

  it('of batch sizes gives a scaling chart and table in its report', async () => {
    await space.run([...SWEEP, ...LENGTHS, '--batch-sizes', '1,2,4', '--iterations', '1']);
    const html = await space.run(['export', 'out.json', '--format', 'html', '--output', 'r.html']);
    expect(html.code).toBe(0);
    expect(readFileSync(space.path('r.html'), 'utf8')).toMatch(/<svg[^>]*>.*in proportion/s);
    await space.run(['export', 'out.json', '--format', 'markdown', '--output', 'r.md']);
    expect(readFileSync(space.path('r.md'), 'utf8')).toMatch(/\| *4 *\|/);
  });

  it('repeated with --runs tells the spread between runs, and is comparable by its runs', async () => {
    const args = [...SWEEP, ...LENGTHS, '--batch-sizes', '1,2', '--iterations', '2', '--runs', '3'];
    const result = await space.run(args);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/Between Runs +Within Runs\nbatch 1 +Cold start/);
    const document = space.document('out.json');
    expect(document.cases.map((entry: Case) => entry.id)).toEqual([
      'batch_size=1 run=1',
      'batch_size=2 run=1',
      'batch_size=1 run=2',
      'batch_size=2 run=2',
      'batch_size=1 run=3',
      'batch_size=2 run=3',
    ]);
    const times = document.cases.map((entry: { timestamp: string }) => entry.timestamp);
    expect(times[4] > times[0]).toBe(true);
    const first = document.repeatability.find(
      (entry: { metric: string }) => entry.metric === 'latency.first_token_ms',
    );
    expect(first).toMatchObject({ case: 'batch 1', runs: 3 });
    const compared = await space.run(['compare', 'out.json', 'out.json', '--format', 'json']);
    const { cases } = JSON.parse(compared.stdout);
    expect(cases.map((entry: { name: string }) => entry.name)).toEqual(['batch 1', 'batch 2']);
    expect(cases[0].metrics[0].unit).toBe('run');
  });

  it('keeps a case that crashes apart from the others', async () => {
    const args = [...SWEEP, ...LENGTHS, '--batch-sizes', '1,2', '--iterations', '2'];
    const result = await space.run([...args, '--order', 'interleaved'], {
      NPU_BENCH_FAKE_FAULT: '2:1:segv',
    });
    expect(result.code).toBe(5);
    const document = space.document('out.json');
    expect(document.status).toBe('partial');
    expect(document.cases.map((entry: Case) => [entry.id, entry.status])).toEqual([
      ['batch_size=1', 'complete'],
      ['batch_size=2', 'partial'],
    ]);
    expect(result.stdout).toMatch(/Fault in batch_size=2 \(crash\)/);
  });

  it('interrupted keeps what is finished, and resumes with the rest only', async () => {
    const lists = ['--batch-sizes', '1,2', '--iterations', '2', '--order', 'sequential'];
    const child = space.start([...SWEEP, ...LENGTHS, ...lists], {
      NPU_BENCH_FAKE_FAULT: '3:1:hang',
    });
    const end = finished(child);
    const hung = () => {
      try {
        return space.log().includes('fault hang');
      } catch {
        return false;
      }
    };
    while (!hung()) await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(-(child.pid as number), 'SIGINT');
    expect((await end).code).toBe(130);
    const before = space.document('out.json');
    expect(before.status).toBe('partial');
    expect(before.cases.map((entry: Case) => entry.id)).toEqual(['batch_size=1']);

    writeFileSync(space.path('calls.log'), '');
    const args = [...SWEEP, ...LENGTHS, ...lists, '--resume'];
    const result = await space.run(args);
    expect(result.code).toBe(0);
    expect(space.log().filter((line) => line.startsWith('open'))).toHaveLength(2);
    const after = space.document('out.json');
    expect(after.status).toBe('complete');
    expect(after.cases[0]).toEqual(before.cases[0]);
    const steps = after.sweep.steps.map((step: Step) => step.case);
    expect(steps.slice(0, 2)).toEqual(['batch_size=1', 'batch_size=1']);
    expect(steps.slice(-2)).toEqual(['batch_size=2', 'batch_size=2']);
  });

  it('resumed with other values adds their cases to what is there', async () => {
    const args = [...SWEEP, ...LENGTHS, '--iterations', '1'];
    await space.run([...args, '--batch-sizes', '1']);
    const result = await space.run([...args, '--batch-sizes', '2,4', '--resume']);
    expect(result.code).toBe(0);
    const { cases, status } = space.document('out.json');
    expect(status).toBe('complete');
    expect(cases.map((entry: Case) => entry.id)).toEqual([
      'batch_size=1',
      'batch_size=2',
      'batch_size=4',
    ]);
    const repeated = await space.run([...args, '--batch-sizes', '1', '--resume', '--runs', '2']);
    expect(repeated.code).toBe(2);
    expect(repeated.stderr).toMatch(/it was made with --runs 1/);
  });

  it('resumes nothing that was made with other options', async () => {
    await space.run([...SWEEP, ...LENGTHS, '--batch-sizes', '1', '--iterations', '1']);
    const other = ['--batch-sizes', '1', '--iterations', '2', '--resume'];
    const result = await space.run([...SWEEP, ...LENGTHS, ...other]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/cannot be resumed: its common options are/);
  });

  it('refuses before anything is measured what one case cannot do', async () => {
    const args = ['sweep', '--model', 'llama-7b', '--devices', 'cpu,npu', '--output', 'out.json'];
    const result = await space.run([...args, ...LENGTHS]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/^npu-bench: Case device=npu: /);
    expect(space.log().some((line) => line.startsWith('open'))).toBe(false);
  });

  it('leaves it out under --skip-unavailable, and says so', async () => {
    const args = ['sweep', '--model', 'llama-7b', '--devices', 'npu,cpu', '--output', 'out.json'];
    const result = await space.run([
      ...args,
      ...LENGTHS,
      '--iterations',
      '1',
      '--skip-unavailable',
    ]);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/Left out device=npu: /);
    const document = space.document('out.json');
    expect(document.cases.map((entry: Case) => entry.id)).toEqual(['device=cpu']);
    expect(document.sweep.skipped[0].id).toBe('device=npu');
  });

  it.each([
    [['--batch-sizes', '1,x'], /--batch-size must be a whole number/],
    [['--devices', 'cpu', '--backends', 'xnnpack'], /--devices and --backends both/],
    [['--runs', '0'], /--runs must be a whole number from 1/],
  ])('%o is a usage error', async (args, message) => {
    const result = await space.run(['sweep', '--model', 'llama-7b', ...args]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
  });
});
