import { SessionError } from "./errors.js";
import type { Identity } from "./store.js";
import { sameHash } from "./token.js";

/** New secrets that may be on their way to one client; a later one takes the place of the first. */
const MOST_SENT = 2;

/**
 * By which secret a socket has its session open. What it shows and changes is good only while that secret opens the session:
 * whoever was connected by a token before a login has no part in the session afterwards.
 */
export class Credential {
  #hash: Uint8Array;
  #before: Uint8Array | undefined;
  /** Of new secrets on their way to this socket's client: each may become the session's. */
  #sent: Uint8Array[] = [];
  /** Of what the client has presented last. Apart, so that presenting garbage pushes out nothing. */
  #presented: Uint8Array | undefined;

  constructor(hash: Uint8Array) {
    this.#hash = hash;
  }

  /** This may become the session's secret without this socket losing its part: it is being sent to it. */
  expect(secretHash: Uint8Array): void {
    this.#sent = [secretHash, ...this.#sent].slice(0, MOST_SENT);
  }

  /** Likewise: the client holds it. */
  presents(secretHash: Uint8Array): void {
    this.#presented = secretHash;
  }

  /** Whether this socket has had the session by this secret, before the one that it has it by now. */
  was(secretHash: Uint8Array): boolean {
    return this.#before !== undefined && sameHash(this.#before, secretHash);
  }

  /** Takes note of the session's secret; answers whether this socket still has part in it. */
  follow({ secretHash }: Pick<Identity, "secretHash">): boolean {
    if (!this.opens({ secretHash })) return false;
    if (secretHash && !sameHash(secretHash, this.#hash)) {
      this.#before = this.#hash;
      this.#hash = secretHash;
    }
    this.#sent = this.#sent.filter((sent) => !sameHash(secretHash, sent));
    return true;
  }

  opens({ secretHash }: Pick<Identity, "secretHash">): boolean {
    // The common case, asked with each value that is read.
    if (secretHash === this.#hash) return true;
    const own = [this.#hash, ...this.#sent, ...(this.#presented ? [this.#presented] : [])];
    return own.some((hash) => sameHash(secretHash, hash));
  }

  /** Throws `SESSION_TOKEN_CHANGED` where the session is another's by now. */
  check(identity: Identity, sessionId: string): void {
    if (!this.opens(identity)) throw new SessionError("SESSION_TOKEN_CHANGED", undefined, { sessionId });
  }
}
