import type { Clock } from "./clock.js";

/** What lasts is logged again at most this often, however many meet it. */
const AGAIN_AFTER_MS = 60_000;

/**
 * Remembers what was logged, so that many who meet the same make one line of the log. With a clock, what
 * lasts is logged again after a minute; without one, not before it was over.
 */
export class LogOnce {
  readonly #clock: Clock | undefined;
  /** When each was logged last. */
  readonly #loggedAtMs = new Map<string, number>();

  constructor({ clock }: { clock?: Clock } = {}) {
    this.#clock = clock;
  }

  /** Whether this is to be logged now; then it counts as logged. */
  isDue(what = ""): boolean {
    const nowMs = this.#clock?.now() ?? 0;
    const loggedAtMs = this.#loggedAtMs.get(what);
    if (loggedAtMs !== undefined && (!this.#clock || nowMs - loggedAtMs < AGAIN_AFTER_MS)) return false;
    this.#loggedAtMs.set(what, nowMs);
    return true;
  }

  /** It is over, and logged anew when it comes back. Answers whether anything had been logged. */
  reset(): boolean {
    const hasLogged = this.#loggedAtMs.size > 0;
    this.#loggedAtMs.clear();
    return hasLogged;
  }
}
