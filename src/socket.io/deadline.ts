import type { Socket } from "socket.io";
import type { Clock } from "../clock.js";
import type { SessionRegistry } from "../sessions.js";

/** After this long without a session a socket of a `required` namespace is disconnected: the client's own connect time-out. */
const REQUIRED_TIMEOUT_MS = 20_000;

/** A time by which a socket's client must have done something. Put off while `isAtIt`: the store may not have answered yet. */
export class Deadline {
  readonly #clock: Clock;
  readonly #afterMs: number;
  readonly #isAtIt: () => boolean;
  readonly #missed: () => void;
  #cancel = () => {};

  constructor(clock: Clock, afterMs: number, isAtIt: () => boolean, missed: () => void) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.#isAtIt = isAtIt;
    this.#missed = missed;
    this.#start();
  }

  #start(): void {
    this.#cancel = this.#clock.after(this.#afterMs, () => {
      if (this.#isAtIt()) this.#start();
      else this.#missed();
    });
  }

  cancel(): void {
    this.#cancel();
  }
}

/** By which a socket of a `required` namespace must have a session. */
export function forSession(
  socket: Socket,
  { clock, log }: SessionRegistry,
  isOpening: () => boolean,
): Deadline {
  return new Deadline(clock, REQUIRED_TIMEOUT_MS, isOpening, () => {
    log.info({}, "a socket that did not ask for the required session was disconnected");
    socket.disconnect();
  });
}
