#!/usr/bin/env node
/**
 * Measures again and again and lists what `npu-bench run` warned of: on a quiet machine nothing, and
 * with --disturb the thing that was done to it.
 *
 * node scripts/quiet-runs.mjs [--runs N] [--model NAME] [--iterations N] [--disturb spin]
 *
 * The load that other programs caused is shown beside each run, so that an alarm can be told from
 * a false one. Exit code 1: a quiet run had a warning, or a disturbed one had none that names it.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const SPIN = "process.title = 'npb-spinner'; for (;;);";

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    model: { type: 'string', default: 'smollm2-135m' },
    iterations: { type: 'string', default: '5' },
    disturb: { type: 'string' },
  },
});
if (![undefined, 'spin'].includes(values.disturb)) {
  console.error('quiet-runs: --disturb knows "spin", a process that keeps one processor busy');
  process.exit(2);
}

function measure(output) {
  const model = ['--device', 'cpu', '--model', values.model, '--iterations', values.iterations];
  const args = [program, 'run', ...model, '--output', output];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve) => child.once('close', resolve));
}

const mean = (numbers) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
const told = (values, unit, digits) => {
  const known = values.filter((value) => typeof value === 'number');
  return known.length === 0 ? 'not told' : `${mean(known).toFixed(digits)} ${unit}`;
};

const folder = fs.mkdtempSync(join(tmpdir(), 'npu-bench-quiet-'));
let alarmed = 0;
let named = 0;
const counts = new Map();
try {
  for (let run = 1; run <= Number(values.runs); run += 1) {
    const spinner = values.disturb && spawn(process.execPath, ['-e', SPIN], { stdio: 'ignore' });
    const output = join(folder, `${run}.json`);
    const code = await measure(output);
    spinner?.kill();
    if (code !== 0) throw new Error(`run ${run} ended with exit code ${code}`);
    const { iterations, warnings, soundness } = JSON.parse(fs.readFileSync(output, 'utf8'));
    if (warnings.length > 0) alarmed += 1;
    if (warnings.some(({ message }) => message.includes('npb-spinner'))) named += 1;
    for (const { code: kind } of warnings) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const noise = iterations.map((iteration) => iteration.noise ?? {});
    console.log(
      [
        `run ${run}`,
        `soundness ${soundness.score}`,
        `others ${told(
          noise.map((one) => one.other_processors),
          'processors',
          2,
        )}`,
        `steal ${told(
          noise.map((one) => one.steal_percent),
          '%',
          1,
        )}`,
        `held-up tokens ${told(
          noise.map((one) => one.held_up_percent),
          '%',
          1,
        )}`,
        warnings.length === 0 ? 'no warning' : '',
      ]
        .filter(Boolean)
        .join(', '),
    );
    for (const warning of warnings) console.log(`    ${warning.code}: ${warning.message}`);
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
const kinds = [...counts].map(([code, count]) => `${code} ${count}×`).join(', ');
console.log(`${alarmed} of ${values.runs} runs had warnings${kinds ? ` (${kinds})` : ''}.`);
if (values.disturb) console.log(`${named} of ${values.runs} named the process that spun.`);
process.exitCode = (values.disturb ? named === Number(values.runs) : alarmed === 0) ? 0 : 1;
