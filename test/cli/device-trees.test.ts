import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Workspace, workspace } from '../support/cli.js';
import { FakeSysfs, SYSTEMS } from '../support/fake-sysfs.js';
import { writeTinyModel } from '../support/tiny-gguf.js';

/** The built addon reads a tree of another device while it measures a tiny model here. */
const REAL = { NPU_BENCH_TEST_BINDING: '' };

let space: Workspace;
let tree: FakeSysfs | undefined;
beforeEach(() => {
  space = workspace();
  writeTinyModel(space.path('tiny.gguf'));
});
afterEach(() => {
  tree?.dispose();
  space.remove();
});

async function measure(root: string, outputLength = '3500') {
  const args = [
    '--device',
    'cpu',
    '--model',
    'tiny.gguf',
    '--iterations',
    '1',
    '--batch-size',
    '8',
  ];
  const lengths = ['--input-length', '64', '--output-length', outputLength];
  const place = ['--sysfs-root', root, '--output', 'out.json'];
  const result = await space.run(['run', ...args, ...lengths, ...place], REAL);
  expect(result.stderr).toBe('');
  expect(result.code).toBe(0);
  return space.document('out.json');
}

describe('a run on a tree of another system', () => {
  it.each(Object.entries(SYSTEMS))('%s', async (_name, system) => {
    tree = new FakeSysfs(system.tree);
    const document = await measure(tree.root);
    const codes = document.warnings.map((warning: { code: string }) => warning.code);
    expect(document.metadata.environment.fake_telemetry).toBe(true);
    expect(codes).toEqual(expect.arrayContaining(['fake-telemetry', ...system.warnings]));
    const { average_power_w: power } = document.results.power;
    if (system.watts === null) {
      expect(power).toBeNull();
      const metrics = document.unavailable.map((entry: { metric: string }) => entry.metric);
      expect(metrics).toContain('power.average_power_w');
    } else {
      expect(power.mean).toBeCloseTo(system.watts, 3);
      expect(document.results.power.rails.length).toBeGreaterThan(0);
    }
    const temperatures = document.iterations[0].hygiene.before.temperatures_c ?? {};
    for (const [zone, celsius] of Object.entries(system.temperatures)) {
      const found = Object.entries(temperatures).find(([key]) => key.endsWith(`.${zone}`));
      expect(found?.[1], zone).toBeCloseTo(celsius, 3);
    }
  });

  it('gives watts and joules of a running energy counter', async () => {
    tree = new FakeSysfs(SYSTEMS.x86Laptop.tree);
    tree.runCounter('sys/class/powercap/intel-rapl:0/energy_uj', 20);
    const document = await measure(tree.root, '3000');
    const { power } = document.results;
    expect(power.average_power_w.mean).toBeGreaterThan(18);
    expect(power.average_power_w.mean).toBeLessThan(22);
    expect(power.method).toMatch(/powercap/);
    const [iteration] = document.iterations;
    expect(iteration.energy_j).toBeCloseTo(
      (power.average_power_w.mean * iteration.total_ms) / 1000,
      6,
    );
  });
});

describe('a sweep on a tree of another system', () => {
  it('scales power and memory beside throughput', async () => {
    tree = new FakeSysfs(SYSTEMS.snapdragonLaptop.tree);
    const model = ['--device', 'cpu', '--model', 'tiny.gguf', '--iterations', '1'];
    const lengths = ['--input-length', '64', '--output-length', '100', '--batch-sizes', '1,8'];
    const place = ['--sysfs-root', tree.root, '--output', 'out.json'];
    const result = await space.run(['sweep', ...model, ...lengths, ...place], REAL);
    expect(result.code).toBe(0);
    const rows = result.stdout.split('\n').filter((line) => /^[18] /.test(line));
    expect(rows).toHaveLength(2);
    for (const row of rows) expect(row).toMatch(/^[18] +[\d.]+ tok\/sec +12\.5 W +[\d.]+ MB +/);
  });
});
