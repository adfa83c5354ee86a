import type { Clock } from "../base/clock.js";
import type { Identity } from "../store.js";
import { bytesToText, type HashText, isSameHashText } from "./hash.js";

/**
 * A client that has not presented its new token by then has lost its connection, and is told of the loss by
 * another way.
 */
const REMEMBERED_FOR_MS = 60_000;
const MOST_REMEMBERED = 10_000;

interface Unconfirmed {
  /** The secret that it was to replace. */
  readonly replaces: HashText;
  readonly sentAtMs: number;
}

/**
 * New tokens that were sent and not confirmed. Another one may wait in the row in their place by now, but a
 * client may have stored one of these a moment ago: as long as the secret is still the one that both were to
 * replace, it opens the session, or that client would be logged out.
 */
export class UnconfirmedTokens {
  readonly #clock: Clock;
  /** By the hash of their secret, in the order in which they were given up. */
  readonly #tokens = new Map<HashText, Unconfirmed>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(secretHash: Uint8Array, replaces: Uint8Array): void {
    const sentAtMs = this.#clock.now();
    this.#tokens.set(bytesToText(secretHash), { replaces: bytesToText(replaces), sentAtMs });
    for (const [hash, token] of this.#tokens) {
      if (this.#tokens.size <= MOST_REMEMBERED && this.#isRemembered(token)) break;
      this.#tokens.delete(hash);
    }
  }

  /** Whether a token with this secret was sent to take the place of the one that opens the session now. */
  canOpen(secretHash: Uint8Array, { secretHash: current }: Pick<Identity, "secretHash">): boolean {
    const replaces = this.#find(secretHash)?.replaces;
    return current !== null && replaces !== undefined && isSameHashText(replaces, bytesToText(current));
  }

  /** Whether a token with this secret was sent, whatever has taken its place since. */
  has(secretHash: Uint8Array): boolean {
    return this.#find(secretHash) !== undefined;
  }

  #find(secretHash: Uint8Array): Unconfirmed | undefined {
    const token = this.#tokens.get(bytesToText(secretHash));
    return token && this.#isRemembered(token) ? token : undefined;
  }

  #isRemembered({ sentAtMs }: Unconfirmed): boolean {
    return this.#clock.now() - sentAtMs < REMEMBERED_FOR_MS;
  }
}
