import { sorted } from './basics.js';

/**
 * Cliff's delta: P(current > baseline) − P(current < baseline), from −1 to 1; 0 when neither side
 * tends to be larger.
 */
export function cliffsDelta(baseline: ArrayLike<number>, current: ArrayLike<number>): number {
  const ascending = sorted(baseline);
  const firstAtLeast = (value: number, orEqual: boolean): number => {
    let low = 0;
    let high = ascending.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = ascending[middle] as number;
      if (orEqual ? entry <= value : entry < value) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  let score = 0;
  for (let i = 0; i < current.length; i++) {
    const value = current[i] as number;
    score += firstAtLeast(value, false) - (ascending.length - firstAtLeast(value, true));
  }
  return score / (baseline.length * current.length);
}

/**
 * Holm's step-down correction: adjusted p-values in the given order, to be compared with the
 * level of the whole family.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((i, j) => at(pValues, i) - at(pValues, j));
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * at(pValues, index)));
    adjusted[index] = largest;
  });
  return adjusted;
}

function at(values: readonly number[], index: number): number {
  return values[index] as number;
}
