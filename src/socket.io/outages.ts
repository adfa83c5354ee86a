import type { Clock } from "../clock.js";
import type { SessionError } from "../errors.js";
import type { Log } from "../log.js";

/** While it lasts, an outage is said again at most this often, however many sockets meet it. */
const SAY_EVERY_MS = 60_000;

/** Says once what keeps sessions from opening, and once that it is over. */
export class Outages {
  readonly #clock: Clock;
  readonly #log: Log;
  /** When each code was last said. */
  readonly #saidAtMs = new Map<string, number>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  report(error: SessionError): void {
    const now = this.#clock.now();
    const saidAtMs = this.#saidAtMs.get(error.code);
    if (saidAtMs !== undefined && now - saidAtMs < SAY_EVERY_MS) return;
    this.#saidAtMs.set(error.code, now);
    this.#log.error({ code: error.code }, `sessions cannot be opened: ${error.message}`);
  }

  over(): void {
    if (this.#saidAtMs.size === 0) return;
    this.#saidAtMs.clear();
    this.#log.info({}, "sessions can be opened again");
  }
}
