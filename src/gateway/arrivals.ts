/** What came in one turn of the event loop. */
interface Turn {
  /** How many had come before. */
  readonly from: number;
  readonly atMs: number;
}

/**
 * Since when the first of those who wait in line has been waiting. A time for each turn of the event loop,
 * and not for each who comes: thousands may come in one.
 */
export class Arrivals {
  readonly #turns: Turn[] = [];
  #come = 0;
  #gone = 0;

  /** One more waits. `isNewTurn`: the last one came in an earlier turn of the event loop. */
  add(isNewTurn: boolean): void {
    if (isNewTurn || this.#turns.length === 0)
      this.#turns.push({ from: this.#come, atMs: performance.now() });
    this.#come++;
  }

  /** The first ones do not wait any more. */
  remove(count: number): void {
    this.#gone += count;
    if (this.#gone === this.#come) {
      this.#turns.length = 0;
      return;
    }
    let past = 0;
    for (let next = this.#turns[past + 1]; next && next.from <= this.#gone; next = this.#turns[past + 1])
      past++;
    if (past > 0) this.#turns.splice(0, past);
  }

  /** Milliseconds; 0 where nobody waits. */
  get oldestMs(): number {
    const first = this.#turns[0];
    return first ? performance.now() - first.atMs : 0;
  }
}
