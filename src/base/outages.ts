import type { SessionError } from "../errors.js";
import type { Clock } from "./clock.js";
import type { Log } from "./log.js";
import { LogOnce } from "./log-once.js";

/** What is logged of one kind of work that the store keeps from being done. */
interface Texts {
  readonly failing: string;
  readonly recovered: string;
}

/** Logs once what keeps work from being done, each minute while it lasts, and once that it is over. */
export class Outages {
  readonly #log: Log;
  readonly #texts: Texts;
  /** By codes. */
  readonly #once: LogOnce;

  constructor({ clock, log }: { clock: Clock; log: Log }, texts: Texts) {
    this.#once = new LogOnce({ clock });
    this.#log = log;
    this.#texts = texts;
  }

  report(error: SessionError): void {
    if (!this.#once.isDue(error.code)) return;
    this.#log.error({ code: error.code }, `${this.#texts.failing}: ${error.message}`);
  }

  reportRecovery(): void {
    if (this.#once.reset()) this.#log.info({}, this.#texts.recovered);
  }
}
