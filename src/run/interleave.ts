/** Waits until the caller may start its next process; its place in the common order, from 0. */
export type Turn = () => Promise<number>;

export type Play<T> = (turn: Turn) => Promise<T>;

/** One of several measurements that share the machine process by process. */
class Player<T> {
  ended = false;
  outcome: Promise<T> | undefined;
  #resume: ((place: number) => void) | undefined;
  #halted: () => void = () => {};

  constructor(readonly play: Play<T>) {}

  /** Runs it to its first turn, or to its end. */
  begin(): Promise<void> {
    return this.#untilHalt(() => {
      const turn = () =>
        new Promise<number>((resolve) => {
          this.#resume = resolve;
          this.#halted();
        });
      const end = () => {
        this.ended = true;
        this.#halted();
      };
      this.outcome = this.play(turn);
      this.outcome.then(end, end);
    });
  }

  /** Gives it a turn and waits until it asks for the next one, or has ended. */
  grant(place: number): Promise<void> {
    return this.#untilHalt(() => this.#resume?.(place));
  }

  async #untilHalt(act: () => void): Promise<void> {
    const halted = new Promise<void>((resolve) => {
      this.#halted = resolve;
    });
    act();
    await halted;
    // A failure is told at once; the others stay where they are.
    if (this.ended) await this.outcome;
  }
}

/**
 * Lets several measurements take turns: `order` names the player of every process. Never do two
 * run at once. A player that ends early leaves its further turns out; one that needs more than the
 * order gives gets them at the end. Rejects as soon as one player does.
 */
export async function interleave<T>(
  order: readonly number[],
  plays: readonly Play<T>[],
): Promise<T[]> {
  const players = plays.map((play) => new Player(play));
  for (const player of players) await player.begin();
  let place = 0;
  for (const index of order) {
    const player = players[index];
    if (player !== undefined && !player.ended) await player.grant(place++);
  }
  for (const player of players) {
    while (!player.ended) await player.grant(place++);
  }
  return Promise.all(players.map((player) => player.outcome as Promise<T>));
}
