#!/usr/bin/env node
// Simulates pairs of runs with a known true ratio, judges each with the verdict that `compare` gives,
// and writes how often it errs into docs/verdicts.md between its markers. Needs `npm run build:ts`.
//
//   node scripts/calibrate-verdict.mjs [--pairs 10000] [--check]
//
// --check writes nothing, and fails when a target is missed.

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { candidateOf, judge } from '../dist/compare/verdict.js';
import { findChangePoints } from '../dist/history/change-points.js';
import { median } from '../dist/stats/basics.js';
import { seededRandom } from '../dist/stats/random.js';
import { findLaunchStates } from '../dist/stats/states.js';

const { values: flags } = parseArgs({
  options: {
    pairs: { type: 'string', default: '10000' },
    check: { type: 'boolean', default: false },
  },
});
const PAIRS = Number(flags.pairs);
const DOCUMENT = new URL('../docs/verdicts.md', import.meta.url);
const THRESHOLD = 5;

let random = seededRandom(1);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const exponential = () => -Math.log(1 - random());
const list = (n, draw) => Array.from({ length: n }, (_, i) => draw(i));

// One value per process, in the order of measuring; `scale` is the true level.
const independent = (factor) => (n, scale) => list(n, () => scale * factor());
const logNormal = (cv) => independent(() => Math.exp(cv * normal()));
const skewed = independent(() => Math.exp(0.015 * normal()) * (1 + 0.015 * exponential()));
const outliers = independent(() => Math.exp(0.02 * normal()) * (random() < 0.1 ? 1.3 : 1));
const bimodal = independent(() => Math.exp(0.02 * normal()) * (random() < 0.15 ? 1.08 : 1));
// A run that warms up: a trend of 0 … 8 % over its processes, of its own size on each side.
const drifting = (n, scale) => {
  const slope = 0.08 * random();
  return list(n, (i) => scale * (1 + (slope * i) / (n - 1)) * Math.exp(0.015 * normal()));
};

const sample = (unit, baseline, current, samplesAreMedians = false) => ({
  unit,
  baseline,
  current,
  samplesAreMedians,
});
const processes = (model) => (n, ratio) => [
  sample('process', model(n, 100), model(n, 100 * ratio)),
];

// Each value is the median of five iterations: 2 % between processes, 1 % within them.
const nested = (n, scale) =>
  list(n, () => {
    const level = scale * Math.exp(0.02 * normal());
    return median(list(5, () => level * Math.exp(0.01 * normal())));
  });

// Separate runs of ten processes: 2 % between runs, 1 % between processes.
const runs = (n, ratio) => {
  const side = (scale) =>
    list(n, () => {
      const level = scale * Math.exp(0.02 * normal());
      return median(list(10, () => level * Math.exp(0.01 * normal())));
    });
  return [sample('run', side(100), side(100 * ratio), true)];
};

// One process a side, n iterations: what launches differ by is the same for all of them.
const single = (launch) => (n, ratio) => {
  const side = (scale) => {
    const level = scale * launch();
    return list(n, () => level * Math.exp(0.01 * normal()));
  };
  return [sample('iteration', side(100), side(100 * ratio))];
};

// Five gated metrics of the same processes, half of their variance in common; one of them is slower.
const family = (factor) => (n, ratio) => {
  const shared = list(2 * n, normal);
  return [0.01, 0.02, 0.02, 0.03, 0.04].map((cv, index) => {
    const value = (i) => Math.exp(cv * Math.SQRT1_2 * ((shared[i] ?? 0) + normal())) * factor();
    const scale = index === 1 ? ratio : 1;
    return sample(
      'process',
      list(n, value),
      list(n, (i) => scale * value(n + i)),
    );
  });
};

// A device that heats up by 4 % from the first baseline process to the last current one.
const heating = (n, ratio) => {
  const value = (i) => 100 * (1 + (0.04 * i) / (2 * n - 1)) * Math.exp(0.01 * normal());
  return [
    sample(
      'process',
      list(n, value),
      list(n, (i) => ratio * value(n + i)),
    ),
  ];
};

const PROCESS_MODELS = [
  ['normal, 2 %', processes(logNormal(0.02)), { from: 5, false: true }],
  ['normal, 3 %', processes(logNormal(0.03)), { from: 8, false: true }],
  ['normal, 4 %', processes(logNormal(0.04)), { from: 10, false: true }],
  ['normal, 5 %', processes(logNormal(0.05)), { from: 14, false: true }],
  ['skewed (exponential tail)', processes(skewed), { false: true }],
  ['10 % of launches 1.3 × slower', processes(outliers), { false: true }],
  ['bimodal: 15 % of launches 8 % slower', processes(bimodal), { false: true }],
  ['drifting: up to 8 % within a run', processes(drifting), { false: true }],
  ['2 % between, 1 % within, medians of 5', processes(nested), { from: 5, false: true }],
  ['five metrics, 1 – 4 %', family(() => 1), { from: 5, false: true }],
  [
    'five metrics, 10 % of launches 1.3 ×',
    family(() => (random() < 0.1 ? 1.3 : 1)),
    { false: true },
  ],
];
const HEATING_MODELS = [['heating by 4 % from first to last, current second', heating, {}]];
const SINGLE_MODELS = [
  ['one process, 2 % between launches', single(() => Math.exp(0.02 * normal())), { false: true }],
  [
    'one process, 15 % of launches 8 % slower',
    single(() => (random() < 0.15 ? 1.08 : 1)),
    { false: true },
  ],
];
const RUN_MODELS = [['runs of 10 processes, 2 % between runs', runs, { false: true }]];

const RATIOS = [1, 1.03, 1.07, 1.1, 1.15];
/** Those with a target get all pairs, the others a fifth of them. */
const TARGET_RATIOS = [1, 1.1];

/** Shares of pairs with any regression, with any inconclusive metric, and any improvement. */
function simulate(draw, n, ratio) {
  const pairs = TARGET_RATIOS.includes(ratio) ? PAIRS : PAIRS / 5;
  const counts = { regression: 0, inconclusive: 0, improvement: 0, 'no change': 0 };
  for (let i = 0; i < pairs; i++) {
    const candidates = draw(n, ratio).map((samples) =>
      candidateOf(samples, { direction: 'lower', gated: true, threshold: THRESHOLD }),
    );
    const verdicts = new Set(judge(candidates).map((judgement) => judgement.verdict));
    const first = ['regression', 'inconclusive', 'improvement'].find((name) => verdicts.has(name));
    counts[first ?? 'no change'] += 1;
  }
  return Object.fromEntries(
    Object.entries(counts).map(([key, count]) => [key, (100 * count) / pairs]),
  );
}

const cell = (value) => (value === 0 ? '0' : value < 10 ? value.toFixed(2) : value.toFixed(1));
const misses = [];

function table(models, sizes, unit) {
  const lines = [
    `| noise | ${unit} a side | ${RATIOS.map((ratio) => `flagged at ${ratio.toFixed(2)}`).join(' | ')} | no change at 1.00 |`,
    `|:--|--:|${'--:|'.repeat(RATIOS.length + 1)}`,
  ];
  for (const [name, draw, target] of models) {
    for (const n of sizes) {
      random = seededRandom(n * 1009 + name.length);
      const results = RATIOS.map((ratio) => simulate(draw, n, ratio));
      const flagged = results.map((result) => result.regression);
      if (target.false && flagged[0] > 1) misses.push(`${name}, n = ${n}: ${flagged[0]} % false`);
      if (n >= target.from && flagged[3] < 95)
        misses.push(`${name}, n = ${n}: ${flagged[3]} % found`);
      lines.push(
        `| ${name} | ${n} | ${flagged.map(cell).join(' | ')} | ${cell(results[0]['no change'])} |`,
      );
    }
  }
  return lines;
}

function statesTable() {
  const lines = ['| launches | named |', '|:--|--:|'];
  const rate = (n, cv, draw) => {
    let found = 0;
    let drawn = 0;
    while (drawn < PAIRS / 5) {
      const slow = draw();
      const values = list(n, (i) => 100 * Math.exp(cv * normal()) * (slow?.[i] ?? 1));
      if (slow && new Set(slow).size < 2) continue;
      drawn += 1;
      if (findLaunchStates(values)) found += 1;
    }
    return (100 * found) / drawn;
  };
  for (const [factor, cv] of [
    [1.08, 0.01],
    [1.15, 0.015],
    [1.3, 0.02],
    [2, 0.05],
    [25, 0.05],
  ]) {
    const share = rate(20, cv, () => list(20, () => (random() < 0.15 ? factor : 1)));
    if (factor >= 1.15 && share < 95) misses.push(`launch states: ${share} % of ${factor} named`);
    lines.push(
      `| 20 launches, ${cv * 100} % noise, 15 % of them ${factor} × slower (at least one) | ${cell(share)} % |`,
    );
  }
  for (const n of [5, 8, 10, 20, 50]) {
    const share = rate(n, 0.05, () => undefined);
    if (share > 1) misses.push(`launch states: ${share} % false at n = ${n}`);
    lines.push(`| ${n} launches, 5 % noise, all alike | ${cell(share)} % |`);
  }
  return lines;
}

function changePointTable() {
  const lines = [
    '| series of 40 runs | step found | within one run of the truth | false steps |',
    '|:--|--:|--:|--:|',
  ];
  const trials = PAIRS / 5;
  for (const [cv, ratio] of [
    [0.02, 1],
    [0.04, 1],
    [0.01, 1.05],
    [0.02, 1.1],
    [0.03, 1.15],
  ]) {
    let found = 0;
    let exact = 0;
    let wrong = 0;
    for (let i = 0; i < trials; i++) {
      const at = 5 + Math.floor(random() * 30);
      const series = list(40, (k) => 100 * (k >= at ? ratio : 1) * Math.exp(cv * normal()));
      const steps = findChangePoints(series);
      const near = steps.filter((step) => ratio !== 1 && Math.abs(step.index - at) <= 3);
      if (near.length > 0) found += 1;
      if (near.some((step) => Math.abs(step.index - at) <= 1)) exact += 1;
      if (steps.length > near.length) wrong += 1;
    }
    const share = (count) => `${cell((100 * count) / trials)} %`;
    if (ratio === 1 && wrong / trials > 0.01) misses.push(`change points: ${share(wrong)} false`);
    const name = `${cv * 100} % noise, ${ratio === 1 ? 'no step' : `a step of ${Math.round((ratio - 1) * 100)} %`}`;
    lines.push(
      `| ${name} | ${ratio === 1 ? '–' : share(found)} | ${ratio === 1 ? '–' : share(exact)} | ${share(wrong)} |`,
    );
  }
  return lines;
}

const lines = [
  `Per cent of ${PAIRS.toLocaleString('en')} simulated pairs (a fifth of them at 1.03, 1.07 and 1.15) in which a regression is called, at a threshold of ${THRESHOLD} %, by the true ratio.`,
  '',
  '**Processes are the samples** (a `run` document a side):',
  '',
  ...table(PROCESS_MODELS, [5, 8, 10, 14, 20], 'processes'),
  '',
  '**Runs are the samples** (three or more documents a side):',
  '',
  ...table(RUN_MODELS, [3, 4, 5, 10], 'runs'),
  '',
  '**What no test can see**: one side measured after the other while the device heats up. Compare the',
  'column 1.03 with the tables above; taking the runs of both sides in turn is the remedy.',
  '',
  ...table(HEATING_MODELS, [5, 10, 20], 'processes'),
  '',
  '**One process a side** (indicative; the threshold is widened):',
  '',
  ...table(SINGLE_MODELS, [5, 10, 20], 'iterations'),
  '',
  '**Launch states**:',
  '',
  ...statesTable(),
  '',
  '**Change points** of `history show`:',
  '',
  ...changePointTable(),
];

if (!flags.check) {
  const [begin, end] = ['<!-- calibration begins -->', '<!-- calibration ends -->'];
  const text = readFileSync(DOCUMENT, 'utf8');
  const head = text.slice(0, text.indexOf(begin) + begin.length);
  const tail = text.slice(text.indexOf(end));
  writeFileSync(DOCUMENT, `${head}\n\n${lines.join('\n')}\n\n${tail}`);
}
process.stdout.write(`${lines.join('\n')}\n`);
for (const miss of misses) process.stderr.write(`target missed: ${miss}\n`);
process.exitCode = misses.length > 0 ? 1 : 0;
