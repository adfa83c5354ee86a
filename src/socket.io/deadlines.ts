import type { Socket } from "socket.io";
import type { Clock } from "../base/clock.js";
import type { CutFact } from "../facts.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import { askForToken } from "./client-messages.js";

/**
 * After this long without a session a socket of a `required` namespace is disconnected: the client's own
 * connect time-out.
 */
const REQUIRED_TIMEOUT_MS = 20_000;
/** A socket that does not present the new token of its session for so long is disconnected. */
const DETACHED_FOR_MS = 10_000;
/** Until then it is asked again so often, where it has presented the old one. */
const AGAIN_AFTER_MS = 1_000;

/** Whose deadlines they are. */
export interface DeadlineHost {
  readonly isGone: boolean;
  readonly isConnected: boolean;
  /** What it has now. */
  readonly session: Session | undefined;
  /** The store has not answered yet what the client has presented. */
  readonly isOpening: boolean;
  /** Has the client come back by itself. */
  closeTransport(): void;
}

/**
 * What the client of one socket has to do in time. Most sockets never need it. No deadline is put off: a
 * client could send something for ever.
 */
export class Deadlines {
  readonly #socket: Socket;
  readonly #registry: SessionRegistry;
  readonly #host: DeadlineHost;
  #cancelRequired = () => {};
  /** Of each session that it has no part in any more. */
  readonly #detachments: Detachment[] = [];

  constructor(socket: Socket, registry: SessionRegistry, host: DeadlineHost) {
    this.#socket = socket;
    this.#registry = registry;
    this.#host = host;
  }

  /** Of a session that it has had, it has not presented the token which that has now. */
  get isDetached(): boolean {
    return this.#detachments.length > 0;
  }

  isDetachedFrom(sessionId: string): boolean {
    return this.#detachments.some((detachment) => detachment.sessionId === sessionId);
  }

  /** It has presented an old token once more. */
  askAgain(): void {
    this.#detachments.at(-1)?.askAgain();
  }

  /** It must have a session by then. */
  requireSession(): void {
    const { clock, log } = this.#registry;
    this.#cancelRequired = clock.after(REQUIRED_TIMEOUT_MS, () => {
      log.info({}, "a socket that did not ask for the required session was disconnected");
      this.#disconnect("required");
    });
  }

  /** It has lost this session, and must present its new token. */
  detach(sessionId: string): void {
    if (this.#host.isGone || this.isDetachedFrom(sessionId)) return;
    const detachment = new Detachment(sessionId);
    this.#detachments.push(detachment);
    if (this.#host.isConnected) this.#begin(detachment);
  }

  start(): void {
    for (const detachment of this.#detachments) this.#begin(detachment);
  }

  #begin(detachment: Detachment): void {
    detachment.begin(this.#socket, this.#registry.clock, () => this.#disconnect("detached"));
  }

  /**
   * Whoever has another session, or may be about to have one, has it still when it comes back: by itself, and
   * as another socket.
   */
  #disconnect(reason: CutFact["reason"]): void {
    this.#registry.facts.cut.tell({ reason });
    const { session, isOpening } = this.#host;
    if (session || isOpening) this.#host.closeTransport();
    else this.#socket.disconnect();
  }

  /** It has this session now: no deadline for it, nor for having one. */
  endDetachment(sessionId: string): void {
    const at = this.#detachments.findIndex((detachment) => detachment.sessionId === sessionId);
    if (at >= 0) this.#detachments.splice(at, 1)[0]?.cancel();
    this.#cancelRequired();
  }

  cancel(): void {
    for (const detachment of this.#detachments.splice(0)) detachment.cancel();
    this.#cancelRequired();
  }
}

/**
 * What becomes of a socket that has no part any more in a session that it has had, until it presents the
 * token which that has now.
 */
class Detachment {
  /** The session that goes on without it, or is over. */
  readonly sessionId: string;
  #askAgain: (() => void) | undefined;
  #cancelAsking: (() => void) | undefined;
  #cancelMissing: (() => void) | undefined;

  constructor(sessionId: string) {
    this.sessionId = sessionId;
  }

  /**
   * Who has no part in the session any more may have the new token by now; a thief has not. Nothing that the
   * client sends puts it off.
   */
  begin(socket: Socket, clock: Clock, onMissed: () => void): void {
    const ask = () => askForToken(socket);
    ask();
    this.#askAgain = () => {
      this.#cancelAsking?.();
      this.#cancelAsking = clock.after(AGAIN_AFTER_MS, ask);
    };
    this.#cancelMissing = clock.after(DETACHED_FOR_MS, onMissed);
  }

  /** The old token was presented: the new one has not reached the client yet. */
  askAgain(): void {
    this.#askAgain?.();
  }

  cancel(): void {
    this.#cancelAsking?.();
    this.#askAgain = undefined;
    this.#cancelMissing?.();
  }
}
