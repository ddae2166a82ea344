/** 0 is configuration A, 1 is B. */
export type Side = 0 | 1;

/** Whether block k is turned round: the parity of the set bits of k (Thue-Morse). */
function isTurned(block: number): boolean {
  let parity = 0;
  for (let bits = block; bits > 0; bits >>>= 1) parity ^= bits & 1;
  return parity === 1;
}

/**
 * The side of every process of an A/B session with `perSide` samples of each: blocks of A B B A, in
 * which a steady drift meets both sides alike, with some of them turned round to B A A B after the
 * sequence of Thue and Morse, so that a drift that levels off, as heat does, cancels as well. An
 * odd sample makes a last half block.
 */
export function abbaOrder(perSide: number): Side[] {
  const order: Side[] = [];
  for (let block = 0; order.length < 2 * perSide; block += 1) {
    const [first, second]: [Side, Side] = isTurned(block) ? [1, 0] : [0, 1];
    const rest = 2 * perSide - order.length;
    order.push(first, second);
    if (rest > 2) order.push(second, first);
  }
  return order;
}
