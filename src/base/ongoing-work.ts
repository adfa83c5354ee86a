/** Work that the store has not answered yet; who closes waits for it. */
export class OngoingWork {
  readonly #work = new Set<unknown>();
  #whenNone: (() => void)[] = [];

  add(work: unknown): void {
    this.#work.add(work);
  }

  remove(work: unknown): void {
    this.#work.delete(work);
    if (this.#work.size === 0) for (const resolve of this.#whenNone.splice(0)) resolve();
  }

  async track<Result>(run: () => Promise<Result>): Promise<Result> {
    const sign = {};
    this.add(sign);
    try {
      return await run();
    } finally {
      this.remove(sign);
    }
  }

  /** Resolves as soon as there is none. */
  untilNone(): Promise<void> {
    if (this.#work.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenNone.push(resolve);
    });
  }
}
