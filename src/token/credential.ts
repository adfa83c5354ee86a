import { SessionError } from "../errors.js";
import type { Identity } from "../store.js";
import { bytesToText, type HashText, isSameHashText } from "./hash.js";
import type { CompactIdentity } from "./identity.js";

/** New secrets that may be on their way to one client; a later one takes the place of the first. */
const MOST_SENT = 2;

/** What opens a session, as it comes and as it is kept. */
type Openable = Pick<Identity, "secretHash"> | CompactIdentity;

/** Other secrets than the one that a socket has its session by; most sockets never have any. */
interface Others {
  previous?: HashText;
  /** Of new secrets on their way to this socket's client: each may become the session's. */
  sent: readonly HashText[];
  /** Of what the client has presented last. Apart, so that presenting garbage pushes out nothing. */
  presented?: HashText;
}

/**
 * By which secret a socket has its session open. What it shows and changes is good only while that secret
 * opens the session: whoever was connected by a token before a login has no part in the session afterwards.
 */
export class Credential {
  #hash: HashText;
  #others: Others | undefined;
  /** What it was last found to open, so that reading value after value costs no comparison of hashes. */
  #opened: CompactIdentity | undefined;

  constructor(hash: Uint8Array | HashText) {
    this.#hash = toText(hash);
  }

  /** As it is now, whatever its client presents, or is sent, from now on. */
  copy(): Credential {
    const copy = new Credential(this.#hash);
    copy.#others = this.#others && { ...this.#others };
    return copy;
  }

  /** Of the secret that its client has it by. */
  get hash(): HashText {
    return this.#hash;
  }

  /** This may become the session's secret without this socket losing its part: it is being sent to it. */
  addSent(secretHash: Uint8Array): void {
    this.#opened = undefined;
    this.#others ??= { sent: [] };
    this.#others.sent = [toText(secretHash), ...this.#others.sent].slice(0, MOST_SENT);
  }

  /** Likewise: the client holds it. */
  acceptPresented(secretHash: Uint8Array): void {
    this.#opened = undefined;
    this.#others ??= { sent: [] };
    this.#others.presented = toText(secretHash);
  }

  /** Whether its client has presented this secret last. */
  hasPresented(secretHash: Uint8Array): boolean {
    return (
      this.#others?.presented !== undefined && isSameHashText(this.#others.presented, toText(secretHash))
    );
  }

  /** Whether this socket has had the session by this secret, before the one that it has it by now. */
  isPrevious(secretHash: Uint8Array): boolean {
    return this.#others?.previous !== undefined && isSameHashText(this.#others.previous, toText(secretHash));
  }

  /** Takes note of the session's secret; answers whether this socket still has part in it. */
  follow(identity: Openable): boolean {
    if (!this.canOpen(identity)) return false;
    this.#opened = undefined;
    const hash = identity.secretHash && toText(identity.secretHash);
    if (hash && !isSameHashText(hash, this.#hash)) {
      this.#others ??= { sent: [] };
      this.#others.previous = this.#hash;
      this.#hash = hash;
    }
    if (this.#others && hash)
      this.#others.sent = this.#others.sent.filter((sent) => !isSameHashText(hash, sent));
    return true;
  }

  canOpen(opened: Openable): boolean {
    // The common case, asked with each value that is read.
    if (opened === this.#opened) return true;
    if (!this.#matches(opened)) return false;
    if (isKept(opened)) this.#opened = opened;
    return true;
  }

  #matches({ secretHash }: Openable): boolean {
    if (secretHash === null) return false;
    const hash = toText(secretHash);
    if (isSameHashText(hash, this.#hash)) return true;
    if (!this.#others) return false;
    const { sent, presented } = this.#others;
    return (
      sent.some((each) => isSameHashText(hash, each)) ||
      (presented !== undefined && isSameHashText(hash, presented))
    );
  }

  /** Throws `SESSION_TOKEN_CHANGED` where the session is another's by now. */
  assertCanOpen(opened: Openable, sessionId: string): void {
    if (!this.canOpen(opened)) throw new SessionError("SESSION_TOKEN_CHANGED", undefined, { sessionId });
  }
}

function isKept(opened: Openable): opened is CompactIdentity {
  return typeof opened.secretHash === "string";
}

function toText(hash: Uint8Array | HashText): HashText {
  return typeof hash === "string" ? hash : bytesToText(hash);
}
