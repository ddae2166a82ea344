import { describe, expect, test, vi } from 'vitest';
import { abbaOrder, type Side } from '../../src/ab/order.js';
import { compareRuns } from '../../src/compare/compare.js';
import { runsOf } from '../../src/compare/runs.js';
import type { Iteration } from '../../src/schema/iteration.js';
import { type Random, seededRandom } from '../../src/stats/random.js';
import { makeDocument, normal } from '../fixtures/make.js';

// Thousands of sessions are judged.
vi.setConfig({ testTimeout: 120_000 });

const document = makeDocument({ processes: 1 });

/** How much slower the device is at a place of a session: 0 at its begin. */
type Drift = (share: number) => number;
const HEATING: Record<string, Drift> = {
  'rising steadily by 20 %': (share) => 0.2 * share,
  'heating up by 20 % and levelling off': (share) => 0.2 * (1 - Math.exp(-4 * share)),
  'stepping down by 15 % in the middle': (share) => (share < 0.45 ? 0 : 0.15),
};

/** A session in which B is truly `ratio` times slower, under a drift and 2 % of noise a process. */
function session(order: readonly Side[], ratio: number, drift: Drift, random: Random) {
  const sides: [Iteration[], Iteration[]] = [[], []];
  order.forEach((side, place) => {
    const slow = (side === 1 ? ratio : 1) * (1 + drift(place / (order.length - 1)));
    const factor = slow * Math.exp(0.02 * normal(random));
    const own = () => factor * Math.exp(0.005 * normal(random));
    sides[side].push({
      iteration: sides[side].length + 1,
      process: sides[side].length + 1,
      cold_start_ms: 250 * own(),
      first_token_ms: 125 * own(),
      subsequent_token_ms: 18 * own(),
    });
  });
  const [a, b] = sides.map((iterations, i) =>
    runsOf({ ...document, iterations }, i === 0 ? 'a.json' : 'b.json'),
  );
  return compareRuns(a ?? [], b ?? [], { threshold: 5 });
}

function flaggedShare(order: (n: number) => Side[], n: number, ratio: number, drift: Drift) {
  const random = seededRandom(n);
  const times = 600;
  let flagged = 0;
  for (let k = 0; k < times; k += 1) {
    if (session(order(n), ratio, drift, random).verdict === 'regression') flagged += 1;
  }
  return flagged / times;
}

const oneAfterTheOther = (n: number): Side[] => [
  ...new Array<Side>(n).fill(0),
  ...new Array<Side>(n).fill(1),
];

describe.each(Object.entries(HEATING))('on a device %s', (_name, drift) => {
  test.each([6, 10, 20])('a true change of 0.03 is not flagged beyond 0.05 (n = %i)', (n) => {
    expect(flaggedShare(abbaOrder, n, 1.03, drift)).toBeLessThanOrEqual(0.02);
  });

  test('the same measured one after the other would be', () => {
    expect(flaggedShare(oneAfterTheOther, 10, 1.03, drift)).toBeGreaterThan(0.5);
  });

  test('a true 20 % is still found', () => {
    expect(flaggedShare(abbaOrder, 20, 1.2, drift)).toBeGreaterThan(0.9);
  });
});
