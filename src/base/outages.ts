import type { SessionError } from "../errors.js";
import type { Clock } from "./clock.js";
import type { Log } from "./log.js";

/** While it lasts, an outage is said again at most this often, however many sockets meet it. */
const SAY_EVERY_MS = 60_000;

/** What is said of one kind of work that the store keeps from being done. */
interface Texts {
  readonly failing: string;
  readonly over: string;
}

/** Says once what keeps work from being done, and once that it is over. */
export class Outages {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #texts: Texts;
  /** When each code was last said. */
  readonly #saidAtMs = new Map<string, number>();

  constructor({ clock, log }: { clock: Clock; log: Log }, texts: Texts) {
    this.#clock = clock;
    this.#log = log;
    this.#texts = texts;
  }

  report(error: SessionError): void {
    const now = this.#clock.now();
    const saidAtMs = this.#saidAtMs.get(error.code);
    if (saidAtMs !== undefined && now - saidAtMs < SAY_EVERY_MS) return;
    this.#saidAtMs.set(error.code, now);
    this.#log.error({ code: error.code }, `${this.#texts.failing}: ${error.message}`);
  }

  over(): void {
    if (this.#saidAtMs.size === 0) return;
    this.#saidAtMs.clear();
    this.#log.info({}, this.#texts.over);
  }
}
