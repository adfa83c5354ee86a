import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import type { SessionWatcher } from "../session/session-host.js";
import type { Identity } from "../store.js";
import type { Credential } from "../token/credential.js";

/**
 * More of them, and the client has to come back as another socket, which has had none: it is more than a
 * connection may create at once.
 */
const MOST = 32;

/**
 * The sessions that one socket has had before the one that it has now. What becomes of them concerns it: it
 * may know what was theirs.
 */
export class PastSessions {
  readonly #registry: SessionRegistry;
  /** Has a session's id when the socket has no part in it any more. */
  readonly #onLost: (sessionId: string) => void;
  readonly #all = new Map<string, PastSession>();

  constructor(registry: SessionRegistry, onLost: (sessionId: string) => void) {
    this.#registry = registry;
    this.#onLost = onLost;
  }

  /** `false` where those are too many. */
  add(session: Session, credential: Credential | undefined): boolean {
    const { id } = session;
    if (this.#all.size >= MOST) return false;
    const onLost = () => {
      this.remove(id);
      this.#onLost(id);
    };
    this.#all.set(id, new PastSession(this.#registry, session, { credential, onLost }));
    return true;
  }

  /** The socket has it again. */
  remove(sessionId: string): void {
    this.#all.get(sessionId)?.release();
    this.#all.delete(sessionId);
  }

  clear(): void {
    for (const id of [...this.#all.keys()]) this.remove(id);
  }
}

/** Without a socket: it is not in use by this, and nothing that is sent to it is for who has only had it. */
class PastSession implements SessionWatcher {
  readonly #registry: SessionRegistry;
  readonly #session: Session;
  readonly #credential: Credential | undefined;
  readonly #onLost: () => void;

  constructor(
    registry: SessionRegistry,
    session: Session,
    { credential, onLost }: { credential: Credential | undefined; onLost: () => void },
  ) {
    this.#registry = registry;
    this.#session = registry.acquire(session);
    this.#credential = credential;
    this.#onLost = onLost;
    registry.watched.add(this.#session, this);
  }

  onLoginEnd(): void {}

  onTokenChange(identity: Identity): void {
    if (!this.#credential?.follow(identity)) this.#onLost();
  }

  onEnd(): void {
    this.#onLost();
  }

  release(): void {
    this.#registry.watched.remove(this.#session, this);
    this.#registry.release(this.#session);
  }
}
