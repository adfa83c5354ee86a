/** Work on one key runs one after the other; work on different keys goes on at once. */
export class TurnsByKey {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when all that came before it on this key is over. The next one waits for it, or for `released`, where given. */
  run<Result>(key: string, work: () => Promise<Result>, released?: Promise<void>): Promise<Result> {
    const done = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const over = Promise.race(released ? [done, released] : [done]).then(nothing, nothing);
    this.#last.set(key, over);
    void over.then(() => {
      if (this.#last.get(key) === over) this.#last.delete(key);
    });
    return done;
  }
}

function nothing(): void {}
