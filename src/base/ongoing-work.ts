/** Work that the store has not answered yet; who closes waits for it. */
export class OngoingWork {
  /** A count, not a set: each that begins ends once, and there are thousands. */
  #count = 0;
  #whenNone: (() => void)[] = [];

  begin(): void {
    this.#count++;
  }

  end(): void {
    this.#count--;
    if (this.#count === 0) for (const resolve of this.#whenNone.splice(0)) resolve();
  }

  async track<Result>(run: () => Promise<Result>): Promise<Result> {
    this.begin();
    try {
      return await run();
    } finally {
      this.end();
    }
  }

  /** Resolves as soon as there is none. */
  untilNone(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenNone.push(resolve);
    });
  }
}
