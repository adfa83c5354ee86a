import type { Clock } from "../base/clock.js";

/**
 * Between two opens for strangers, in a process: a hundred a second are a few hundredths of a core, and far
 * more than clients need that have lost their sessions and ask again.
 */
const EVERY_MS = 10;

/**
 * The line of those who have presented so many tokens without a session that they may create no more. What
 * they present next is looked at too, at a pace that all of them share: however many there are, nobody else
 * waits behind them.
 */
export class Strangers {
  readonly #clock: Clock;
  readonly #waiting = new Map<object, () => void>();
  #nextAtMs = 0;
  #isTimed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when it is this one's turn, or when it has been dropped. */
  wait(who: object): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(who, resolve);
      this.#schedule();
    });
  }

  /** Nobody waits for it any more. */
  cancel(who: object): void {
    const resolve = this.#waiting.get(who);
    this.#waiting.delete(who);
    resolve?.();
  }

  #schedule(): void {
    if (this.#isTimed || this.#waiting.size === 0) return;
    this.#isTimed = true;
    this.#clock.after(Math.max(0, this.#nextAtMs - this.#clock.now()), () => {
      this.#isTimed = false;
      this.#nextAtMs = this.#clock.now() + EVERY_MS;
      const [next] = this.#waiting.keys();
      if (next) this.cancel(next);
      this.#schedule();
    });
  }
}
