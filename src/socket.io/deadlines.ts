import type { Socket } from "socket.io";
import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import { Cut } from "./cut.js";

/** After this long without a session a socket of a `required` namespace is disconnected: the client's own connect time-out. */
const REQUIRED_TIMEOUT_MS = 20_000;

/** Whose deadlines they are. */
export interface DeadlineHost {
  readonly gone: boolean;
  readonly isConnected: boolean;
  /** What it has now. */
  readonly session: Session | undefined;
  /** The store has not answered yet what the client has presented. */
  readonly isAsking: boolean;
  /** Has the client come back by itself. */
  closeTransport(): void;
}

/** What the client of one socket has to do in time. Most sockets never need it. No deadline is put off: a client could send something for ever. */
export class Deadlines {
  readonly #socket: Socket;
  readonly #registry: SessionRegistry;
  readonly #host: DeadlineHost;
  #cancelRequired = () => {};
  /** Of each session that it has no part in any more. */
  readonly #cuts: Cut[] = [];

  constructor(socket: Socket, registry: SessionRegistry, host: DeadlineHost) {
    this.#socket = socket;
    this.#registry = registry;
    this.#host = host;
  }

  /** Of a session that it has had, it has not presented the token which that has now. */
  get isCut(): boolean {
    return this.#cuts.length > 0;
  }

  isCutFrom(sessionId: string): boolean {
    return this.#cuts.some((cut) => cut.sessionId === sessionId);
  }

  /** It has presented an old token once more. */
  askAgain(): void {
    this.#cuts.at(-1)?.askAgain();
  }

  /** It must have a session by then. */
  requireSession(): void {
    const { clock, log } = this.#registry;
    this.#cancelRequired = clock.after(REQUIRED_TIMEOUT_MS, () => {
      log.info({}, "a socket that did not ask for the required session was disconnected");
      this.#sendAway();
    });
  }

  /** It has lost this session, and must present its new token. */
  cutLoose(sessionId: string): void {
    if (this.#host.gone || this.isCutFrom(sessionId)) return;
    const cut = new Cut(sessionId);
    this.#cuts.push(cut);
    if (this.#host.isConnected) this.#begin(cut);
  }

  connected(): void {
    for (const cut of this.#cuts) this.#begin(cut);
  }

  #begin(cut: Cut): void {
    cut.begin(this.#socket, this.#registry.clock, () => this.#sendAway());
  }

  /** Whoever has another session, or may be about to have one, has it still when it comes back: by itself, and as another socket. */
  #sendAway(): void {
    const { session, isAsking } = this.#host;
    if (session || isAsking) this.#host.closeTransport();
    else this.#socket.disconnect();
  }

  /** It has this session now. */
  met(sessionId: string): void {
    const at = this.#cuts.findIndex((cut) => cut.sessionId === sessionId);
    if (at >= 0) this.#cuts.splice(at, 1)[0]?.cancel();
    this.#cancelRequired();
  }

  cancel(): void {
    for (const cut of this.#cuts.splice(0)) cut.cancel();
    this.#cancelRequired();
  }
}
