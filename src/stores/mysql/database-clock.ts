import { type Clock, ClockJumps, systemClock } from "../../base/clock.js";
import type { UnixSeconds } from "../../store.js";

/** How far an answer may be from what is known without being a jump of the database's clock. Seconds. */
const NEAR = 1;

/**
 * The database's clock as this process knows it: by its answers and the time since, right to a second.
 *
 * A database tells the time when a statement began, which lies between sending it and getting its answer. So
 * each answer gives two bounds, however slow it was, and what is known is moved between them. An answer that
 * is further off is believed: the database's clock was set, or another server has taken over.
 */
export class DatabaseClock {
  readonly #source: Pick<Clock, "now" | "wallNow">;
  readonly #jumps: ClockJumps;
  /**
   * Database clock minus process clock, in seconds; before the database has been heard, this machine's idea
   * of it.
   */
  #offset: number;
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  /** Whether there has been a connection whose time nobody has set. */
  hasRun = false;

  constructor(source: Pick<Clock, "now" | "wallNow"> = systemClock) {
    this.#source = source;
    this.#jumps = new ClockJumps(source);
    this.#offset = (source.wallNow() - source.now()) / 1000;
  }

  /** To be called before a statement is sent, for {@link heard}: milliseconds of the process clock. */
  sending(): number {
    // A jump from before is not taken for one on the way.
    void this.#jumps.lastAtMs;
    return this.#source.now();
  }

  /**
   * Whether {@link exactNow} is the database's clock. Not before it has been heard, nor after this machine's
   * clocks have jumped: the machine may have slept, with its monotonic clock standing still.
   */
  get isKnown(): boolean {
    return this.#answeredAtMs > this.#jumps.lastAtMs;
  }

  /**
   * When the database was last heard, milliseconds of the process clock; since before all time where that
   * does not count any more.
   */
  get answeredAtMs(): number {
    return this.isKnown ? this.#answeredAtMs : Number.NEGATIVE_INFINITY;
  }

  /** Whole seconds. */
  get now(): UnixSeconds {
    return Math.floor(this.exactNow);
  }

  /** Seconds with fractions. */
  get exactNow(): number {
    return this.#source.now() / 1000 + this.#offset;
  }

  /**
   * Takes in what the database has answered: `unixTime` is when a statement began, rounded down to a multiple
   * of `resolution` seconds; `sentAtMs` is what {@link sending} gave.
   */
  heard(unixTime: number, sentAtMs: number, resolution = 1): void {
    const isKnown = this.isKnown;
    // How long the answer took is unknown.
    if (this.#jumps.lastAtMs > sentAtMs) return;
    const nowMs = this.#source.now();
    const least = unixTime - nowMs / 1000;
    const most = unixTime + resolution - sentAtMs / 1000;
    const known = this.#offset;
    const isNear = isKnown && known >= least - NEAR && known <= most + NEAR;
    this.#offset = isNear ? Math.min(Math.max(known, least), most) : (least + most) / 2;
    this.#answeredAtMs = nowMs;
  }
}
