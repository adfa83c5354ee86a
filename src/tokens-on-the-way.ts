import type { Clock } from "./clock.js";

/** From an answer's last byte until its client has stored what was in it. */
const STORED_WITHIN_MS = 2_000;

/**
 * Sessions whose token has been replaced by a request that is still being answered. Their clients present the old token until the answer
 * arrives: no sign of anything wrong, and no reason to give them another session.
 */
export class TokensOnTheWay {
  readonly #clock: Clock;
  /** How many answers, by session id. */
  readonly #counts = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A new token of this session is about to be sent; returns what is to be called when it has been. */
  add(sessionId: string): () => void {
    this.#counts.set(sessionId, this.#count(sessionId) + 1);
    return () => void this.#clock.after(STORED_WITHIN_MS, () => this.#remove(sessionId));
  }

  has(sessionId: string): boolean {
    return this.#counts.has(sessionId);
  }

  #count(sessionId: string): number {
    return this.#counts.get(sessionId) ?? 0;
  }

  #remove(sessionId: string): void {
    const left = this.#count(sessionId) - 1;
    if (left > 0) this.#counts.set(sessionId, left);
    else this.#counts.delete(sessionId);
  }
}
