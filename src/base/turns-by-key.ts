import { Turns, type TurnsHost } from "./turns.js";

/** Of a `Map` or `WeakMap` what is used here. */
interface TurnsMap<Key> {
  get(key: Key): Turns<Key> | undefined;
  set(key: Key, turns: Turns<Key>): unknown;
  delete(key: Key): boolean;
}

/** Work on one key runs one after the other; work on different keys goes on at once. */
export class TurnsByKey<Key> {
  /** Those of keys that have work, and no others. */
  readonly #turns: TurnsMap<Key>;
  readonly #host: TurnsHost<Key> = {
    onBusy() {},
    onIdle: (key) => void this.#turns.delete(key),
  };

  /** `turns`: a `WeakMap` where keys are objects, as work that never ends would keep them for ever. */
  constructor(turns: TurnsMap<Key> = new Map<Key, Turns<Key>>()) {
    this.#turns = turns;
  }

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
