import type { Iteration } from '../schema/iteration.js';
import { findMetric, sampleOf } from '../schema/metrics.js';
import type { Results } from '../schema/results.js';
import type { Warning } from '../schema/values.js';
import { drift } from '../stats/series.js';
import { findLaunchStates } from '../stats/states.js';
import type { RunPlan } from './plan.js';

/** Spread of the samples, relative to their mean, above which a single figure misleads. */
const HIGH_VARIATION = 0.1;
const NOTABLE_DRIFT = 0.05;

function samplesOf(iterations: readonly Iteration[], id: string): number[] {
  const metric = findMetric(id);
  if (metric === undefined) return [];
  return iterations.flatMap((iteration) => sampleOf(iteration, metric) ?? []);
}

/** What tells the steady speed: later tokens, or a context binary's executions. */
function stepSamples(iterations: readonly Iteration[]): number[] {
  const tokens = samplesOf(iterations, 'latency.subsequent_token_ms');
  return tokens.length > 0 ? tokens : samplesOf(iterations, 'latency.execution_ms');
}

/** Greedy decoding of the same prompt must give the same tokens every time. */
function unstableResults(iterations: readonly Iteration[]): Warning[] {
  const distinct = new Set(
    iterations.map((iteration) => JSON.stringify(iteration.token_ids ?? iteration.logits_digest)),
  );
  if (distinct.size <= 1) return [];
  return [
    {
      code: 'unstable-results',
      message: `The same ${iterations[0]?.graphs ? 'inputs' : 'prompt'} gave ${distinct.size} different outputs in ${iterations.length} iterations: the device or its driver computes unreliably, so its speed means little.`,
      action: 'Check the results with `npu-bench verify`, and update the driver.',
    },
  ];
}

/** Sequences of a batch that were given the same prompt must agree, too. */
function unequalSequences(plan: RunPlan, iterations: readonly Iteration[]): Warning[] {
  if (plan.prompt.source === 'synthetic') return [];
  const unequal = iterations.some((iteration) => {
    const ids = iteration.token_ids;
    if (!Array.isArray(ids?.[0])) return false;
    return new Set(ids.map((sequence) => JSON.stringify(sequence))).size > 1;
  });
  if (!unequal) return [];
  return [
    {
      code: 'unequal-sequences',
      message: 'Sequences of one batch had the same prompt but different outputs.',
      action: 'Check the results with `npu-bench verify`, or run with --batch-size 1.',
    },
  ];
}

function spread(results: Results): Warning[] {
  const warnings: Warning[] = [];
  for (const [label, block] of [
    ['first token', results.latency.first_token_ms],
    ['subsequent token', results.latency.subsequent_token_ms],
    ['execution', results.latency.execution_ms],
  ] as const) {
    if (!block || (block.n ?? 0) < 3 || block.std <= HIGH_VARIATION * block.mean) continue;
    const percent = Math.round((100 * block.std) / block.mean);
    warnings.push({
      code: 'high-variation',
      message: `The times of the ${label} vary by ${percent} % (standard deviation) between iterations.`,
      action: 'Close other programs, raise --warmup and --iterations, or fix the clock frequency.',
    });
  }
  return warnings;
}

function trend(iterations: readonly Iteration[]): Warning[] {
  const change = drift(stepSamples(iterations));
  if (change === undefined || change.p > 0.02 || Math.abs(change.relativeChange) < NOTABLE_DRIFT) {
    return [];
  }
  const percent = Math.round(100 * Math.abs(change.relativeChange));
  const slower = change.relativeChange > 0;
  return [
    {
      code: 'drift',
      message: `From the first to the last iteration the device became ${percent} % ${slower ? 'slower' : 'faster'} per ${iterations[0]?.graphs ? 'execution' : 'token'}.`,
      action: slower
        ? 'Let it cool between iterations: --cooldown 30s or a temperature such as --cooldown 45C.'
        : 'Raise --warmup until the speed is steady.',
    },
  ];
}

function launchStates(plan: RunPlan, iterations: readonly Iteration[]): Warning[] {
  if ((plan.options.processes ?? plan.options.iterations) < plan.options.iterations) return [];
  const states = findLaunchStates(stepSamples(iterations));
  // A single odd launch is an outlier, which the statistics mark.
  if (states === undefined || Math.min(states.lowerCount, states.upperCount) < 2) return [];
  return [
    {
      code: 'launch-states',
      message: `Launches fall into two groups: ${states.lowerCount} fast ones and ${states.upperCount} that are ${states.ratio.toFixed(2)}× slower; the mean describes neither.`,
      action:
        'Compare medians, and look for what differs between launches (core, clock, memory layout).',
    },
  ];
}

function promptNotes(plan: RunPlan): Warning[] {
  const { fitted, length } = plan.prompt;
  if (fitted === undefined) return [];
  return [
    {
      code: 'prompt-fitted',
      message: `The prompt was ${fitted === 'cut' ? 'cut at its end' : 'repeated'} to have the ${length} tokens of --input-length.`,
      action: 'Leave --input-length out to measure the prompt as it is.',
    },
  ];
}

function notReal(plan: RunPlan): Warning[] {
  const warnings: Warning[] = [];
  if (plan.fake.addon) {
    warnings.push({
      code: 'fake-addon',
      message: "These figures come from a test's stand-in for the native addon and mean nothing.",
      action: 'Unset NPU_BENCH_TEST_BINDING to measure.',
    });
  } else if (plan.choice.device.simulated) {
    warnings.push({
      code: 'simulated-device',
      message: `${plan.choice.device.name} is simulated: the results are right, its times and power mean nothing.`,
    });
  } else if (plan.choice.device.software) {
    warnings.push({
      code: 'software-device',
      message: `${plan.choice.device.name} is a program on the processor, not a ${plan.choice.kind.toUpperCase()}: its speed says nothing about one.`,
    });
  }
  if (plan.fake.telemetry) {
    warnings.push({
      code: 'fake-telemetry',
      message:
        'Power, temperatures and frequencies were read from a test tree (--sysfs-root), not from this machine.',
    });
  }
  return warnings;
}

/** Warnings that follow from plan and iterations alone, in the order of their weight. */
export function runWarnings(
  plan: RunPlan,
  iterations: readonly Iteration[],
  results: Results,
): Warning[] {
  return [
    ...notReal(plan),
    ...unstableResults(iterations),
    ...unequalSequences(plan, iterations),
    ...promptNotes(plan),
    ...spread(results),
    ...trend(iterations),
    ...launchStates(plan, iterations),
  ];
}
