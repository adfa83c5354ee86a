import type { Clock } from "../base/clock.js";
import { bytesToText, type HashText } from "./hash.js";

/**
 * A little less than a connected socket is given to present its new token: after that it comes back, and must
 * not wait again.
 */
const GRACE_MS = 9_000;
/** So long it is known that a token has had its time. */
const REMEMBERED_FOR_MS = 60_000;
const MOST_REMEMBERED = 10_000;

/**
 * Tokens that were presented when a newer one had replaced them. Their client may be about to learn of the
 * new one: it is in another tab's answer, or in that of a login over HTTP, which may take longer than word of
 * it took to get here. To give that client another session would be to log it out.
 */
export class ReplacedTokens {
  readonly #clock: Clock;
  /** When each was presented first, by the hash of its secret, in that order. */
  readonly #firstAtMs = new Map<HashText, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Whether the client of a replaced token is given some more time: a grace period, which begins with the
   * first question.
   */
  isInGrace(secretHash: Uint8Array): boolean {
    const now = this.#clock.now();
    for (const [hash, firstAtMs] of this.#firstAtMs) {
      if (this.#firstAtMs.size < MOST_REMEMBERED && now - firstAtMs < REMEMBERED_FOR_MS) break;
      this.#firstAtMs.delete(hash);
    }
    const hash = bytesToText(secretHash);
    const firstAtMs = this.#firstAtMs.get(hash) ?? now;
    this.#firstAtMs.set(hash, firstAtMs);
    return now - firstAtMs < GRACE_MS;
  }
}
