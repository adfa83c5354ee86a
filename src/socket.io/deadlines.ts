import type { Socket } from "socket.io";
import type { SessionRegistry } from "../sessions.js";
import { Cut } from "./cut.js";
import { type Deadline, forSession } from "./deadline.js";

/** Whose deadlines they are. */
export interface DeadlineHost {
  readonly gone: boolean;
  readonly isConnected: boolean;
  /** The store has not answered yet what the client has presented: every deadline is put off. */
  readonly isAsking: boolean;
}

/** What the client of one socket has to do in time. Most sockets never need it. */
export class Deadlines {
  readonly #socket: Socket;
  readonly #registry: SessionRegistry;
  readonly #host: DeadlineHost;
  readonly #isAsking = () => this.#host.isAsking;
  #forSession: Deadline | undefined;
  #cut: Cut | undefined;

  constructor(socket: Socket, registry: SessionRegistry, host: DeadlineHost) {
    this.#socket = socket;
    this.#registry = registry;
    this.#host = host;
  }

  /** The secret of its session has been replaced, and it has not presented the new one. */
  get isCut(): boolean {
    return this.#cut !== undefined;
  }

  /** Which session that is. */
  get cutFrom(): string | undefined {
    return this.#cut?.sessionId;
  }

  /** It has presented the old token once more. */
  askAgain(): void {
    this.#cut?.askAgain();
  }

  /** It must have a session by then. */
  requireSession(): void {
    this.#forSession = forSession(this.#socket, this.#registry, this.#isAsking);
  }

  /** It has lost this session, and must present the new token. */
  cutLoose(sessionId: string): void {
    if (this.#host.gone) return;
    this.#cut?.cancel();
    this.#cut = new Cut(sessionId);
    if (this.#host.isConnected) this.connected();
  }

  connected(): void {
    this.#cut?.begin(this.#socket, this.#registry.clock, this.#isAsking);
  }

  /** It has this session now. */
  met(sessionId: string): void {
    if (sessionId === this.#cut?.sessionId) {
      this.#cut.cancel();
      this.#cut = undefined;
    }
    this.#forSession?.cancel();
    this.#forSession = undefined;
  }

  cancel(): void {
    this.#cut?.cancel();
    this.#forSession?.cancel();
  }
}
