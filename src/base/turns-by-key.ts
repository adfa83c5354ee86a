import { Turns, type TurnsHost } from "./turns.js";

/** Work on one key runs one after the other; work on different keys goes on at once. */
export class TurnsByKey<Key> {
  /** Those of keys that have work, and no others. */
  readonly #turns = new Map<Key, Turns<Key>>();
  readonly #host: TurnsHost<Key> = {
    working() {},
    settled: (key) => void this.#turns.delete(key),
  };

  /** How much work on this key is under way or waits. */
  count(key: Key): number {
    return this.#turns.get(key)?.count ?? 0;
  }

  /**
   * Runs `work` when all that came before it on this key is over. The next one waits for it, or for
   * `released`, where given.
   */
  run<Result>(key: Key, work: () => Promise<Result>, released?: Promise<void>): Promise<Result> {
    let turns = this.#turns.get(key);
    if (!turns) {
      turns = new Turns(key, this.#host);
      this.#turns.set(key, turns);
    }
    return turns.run(work, released);
  }
}
