/** Work that the store has not answered yet; who closes waits for it. */
export class UnderWay {
  readonly #work = new Set<unknown>();
  #whenNone: (() => void)[] = [];

  began(work: unknown): void {
    this.#work.add(work);
  }

  over(work: unknown): void {
    this.#work.delete(work);
    if (this.#work.size === 0) for (const resolve of this.#whenNone.splice(0)) resolve();
  }

  async during<Result>(run: () => Promise<Result>): Promise<Result> {
    const sign = {};
    this.began(sign);
    try {
      return await run();
    } finally {
      this.over(sign);
    }
  }

  /** Resolves as soon as there is none. */
  none(): Promise<void> {
    if (this.#work.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenNone.push(resolve);
    });
  }
}
