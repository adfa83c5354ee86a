import type { Socket } from "socket.io";
import type { Clock } from "../base/clock.js";
import { askForToken } from "./client-messages.js";

/** A socket that does not present the new token of its session for so long is disconnected. */
const DETACHED_FOR_MS = 10_000;
/** Until then it is asked again so often, where it has presented the old one. */
const AGAIN_AFTER_MS = 1_000;

/** What becomes of a socket that has no part any more in a session that it has had, until it presents the token which that has now. */
export class Detachment {
  /** The session that goes on without it, or is over. */
  readonly sessionId: string;
  #askAgain: (() => void) | undefined;
  #cancelAsking: (() => void) | undefined;
  #cancelMissing: (() => void) | undefined;

  constructor(sessionId: string) {
    this.sessionId = sessionId;
  }

  /** Who has no part in the session any more may have the new token by now; a thief has not. Nothing that the client sends puts it off. */
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
