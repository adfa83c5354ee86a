import type { Clock } from "../clock.js";

/** Sessions that one connection may create: 20 at once, one for each of many namespaces, then one in six seconds. */
const AT_ONCE = 20;
const EVERY_MS = 6_000;

/** How many sessions a connection may still create (a token bucket). */
export class MintLimit {
  readonly #clock: Clock;
  #left = AT_ONCE;
  #countedAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#countedAtMs = clock.now();
  }

  /** Whether one more may be created; counts it if so. */
  take(): boolean {
    const now = this.#clock.now();
    this.#left = Math.min(AT_ONCE, this.#left + (now - this.#countedAtMs) / EVERY_MS);
    this.#countedAtMs = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
