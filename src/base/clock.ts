/** Time as the library sees it; tests give one that they move by hand. */
export interface Clock {
  /** Milliseconds since any fixed moment; never goes back. May stand still while the machine sleeps. */
  now(): number;
  /**
   * Unix milliseconds by this machine's own clock. It may be wrong, and it jumps when somebody sets it or the
   * machine has slept.
   */
  wallNow(): number;
  /**
   * Calls `run` once after `delayMs` milliseconds without keeping the process alive; returns what cancels it.
   */
  after(delayMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  // Not Date.now(): a corrected or wrong wall clock must not end, prolong or reorder anything.
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs` milliseconds of `clock`. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/** How far the two clocks of a machine drift apart before that counts as a jump. Milliseconds. */
export const JUMP_MS = 1_000;

/**
 * Notices that the two clocks of this machine have moved differently: somebody has set the wall clock, or the
 * machine has slept, which the monotonic clock of Linux does not count. The two cannot be told apart here, so
 * how much time has passed is unknown.
 */
export class ClockJumps {
  readonly #clock: Pick<Clock, "now" | "wallNow">;
  #apartMs: number;
  #lastAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "now" | "wallNow">) {
    this.#clock = clock;
    this.#apartMs = clock.wallNow() - clock.now();
  }

  /**
   * When the last jump was noticed, in milliseconds of the clock: what was learned before is of unknown age.
   */
  get lastAtMs(): number {
    const nowMs = this.#clock.now();
    const apartMs = this.#clock.wallNow() - nowMs;
    if (Math.abs(apartMs - this.#apartMs) > JUMP_MS) {
      this.#apartMs = apartMs;
      this.#lastAtMs = nowMs;
    }
    return this.#lastAtMs;
  }
}
