import { seededRandom } from '../stats/random.js';

/**
 * `random`: rounds in which every case has one process, shuffled anew in each round, so that heat
 * and neighbours meet all cases alike. `interleaved`: the same rounds in the order of the cases.
 * `sequential`: one case after the other.
 */
export const ORDERS = ['random', 'interleaved', 'sequential'] as const;
export type Order = (typeof ORDERS)[number];

function shuffled(values: readonly number[], random: () => number): number[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as number, result[i] as number];
  }
  return result;
}

/**
 * The case of every process of a sweep: `processes[i]` are those that case i still needs. The same
 * seed gives the same order.
 */
export function sweepOrder(kind: Order, processes: readonly number[], seed: number): number[] {
  if (kind === 'sequential') {
    return processes.flatMap((count, index) => new Array<number>(count).fill(index));
  }
  const random = seededRandom(seed);
  const order: number[] = [];
  for (let round = 0; round < Math.max(0, ...processes); round += 1) {
    const due = processes.flatMap((count, index) => (count > round ? [index] : []));
    order.push(...(kind === 'random' ? shuffled(due, random) : due));
  }
  return order;
}
