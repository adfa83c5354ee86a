import type { Socket } from "socket.io";
import type { Clock } from "../clock.js";
import { Deadline } from "./deadline.js";
import { askForToken } from "./reply.js";

/** A socket that does not present the new token of its session for so long is disconnected. */
const CUT_AFTER_MS = 10_000;
/** Until then it is asked again so often, where it has presented the old one. */
const AGAIN_AFTER_MS = 1_000;

/** What becomes of a socket whose token has been replaced, until it presents the new one. */
export class Cut {
  /** The session that goes on without it. */
  readonly sessionId: string;
  #deadline: Deadline | undefined;
  #askAgain: (() => void) | undefined;
  #cancelAsking: (() => void) | undefined;

  constructor(sessionId: string) {
    this.sessionId = sessionId;
  }

  /** Who has no part in the session any more may have the new token by now; a thief has not. */
  begin(socket: Socket, clock: Clock, isPresenting: () => boolean): void {
    const ask = () => askForToken(socket);
    ask();
    this.#askAgain = () => {
      this.#cancelAsking?.();
      this.#cancelAsking = clock.after(AGAIN_AFTER_MS, ask);
    };
    // Also where it has taken another session meanwhile: the application may have put the socket into rooms of the one it lost.
    this.#deadline = new Deadline(clock, CUT_AFTER_MS, isPresenting, () => socket.disconnect());
  }

  /** The old token was presented: the new one has not reached the client yet. */
  askAgain(): void {
    this.#askAgain?.();
  }

  cancel(): void {
    this.#cancelAsking?.();
    this.#askAgain = undefined;
    this.#deadline?.cancel();
  }
}
