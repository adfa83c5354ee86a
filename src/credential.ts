import { SessionError } from "./errors.js";
import type { Identity } from "./store.js";
import { sameHash } from "./token.js";

/** A client that presents garbage without end must not push out what was sent to it. */
const MOST_EXPECTED = 8;

/**
 * By which secret a socket has its session open. What it shows and changes is good only while that secret opens the session:
 * whoever was connected by a token before a login has no part in the session afterwards.
 */
export class Credential {
  #hash: Uint8Array;
  /** Of new secrets on their way to this socket's client, and of those that it has presented: each may become the session's. */
  #expected: Uint8Array[] = [];

  constructor(hash: Uint8Array) {
    this.#hash = hash;
  }

  /** This may become the session's secret without this socket losing its part. */
  expect(secretHash: Uint8Array): void {
    this.#expected = [secretHash, ...this.#expected].slice(0, MOST_EXPECTED);
  }

  /** Takes note of the session's secret; answers whether this socket still has part in it. */
  follow({ secretHash }: Pick<Identity, "secretHash">): boolean {
    if (!this.opens({ secretHash })) return false;
    if (secretHash) this.#hash = secretHash;
    this.#expected = [];
    return true;
  }

  opens({ secretHash }: Pick<Identity, "secretHash">): boolean {
    // The common case, asked with each value that is read.
    if (secretHash === this.#hash) return true;
    return [this.#hash, ...this.#expected].some((hash) => sameHash(secretHash, hash));
  }

  /** Throws `SESSION_TOKEN_CHANGED` where the session is another's by now. */
  check(identity: Identity, sessionId: string): void {
    if (!this.opens(identity)) throw new SessionError("SESSION_TOKEN_CHANGED", undefined, { sessionId });
  }
}
