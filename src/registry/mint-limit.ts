import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { LogOnce } from "../base/log-once.js";
import { ignoreRejection, isThenable } from "../base/promises.js";

/** The address that a visitor counts under; `undefined` is not limited. */
export type AddressOf<Visitor> = (visitor: Visitor) => string | undefined;

interface Rate {
  /** How many at once. */
  readonly atOnce: number;
  /** After that, one in so many milliseconds. */
  readonly everyMs: number;
}

/** Sessions that one connection may create: one for each of many namespaces. */
export const OF_A_CONNECTION: Rate = { atOnce: 20, everyMs: 6_000 };
/** Sessions that the visitors from one address may create, where the application says what an address is. */
const OF_AN_ADDRESS: Rate = { atOnce: 60, everyMs: 1_000 };
/** Addresses remembered; more than these at once, and the longest unheard of begins anew. */
const MAX_ADDRESSES = 10_000;

/** How many sessions may still be created (a token bucket). */
export class MintLimit {
  readonly #clock: Clock;
  readonly #rate: Rate;
  #left: number;
  #countedAtMs: number;

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#left = rate.atOnce;
    this.#countedAtMs = clock.now();
  }

  /** Whether one more may be created; counts it if so. */
  take(): boolean {
    if (this.isUsedUp) return false;
    this.#left--;
    return true;
  }

  /** Whether none may be created now. */
  get isUsedUp(): boolean {
    const now = this.#clock.now();
    const { atOnce, everyMs } = this.#rate;
    this.#left = Math.min(atOnce, this.#left + (now - this.#countedAtMs) / everyMs);
    this.#countedAtMs = now;
    return this.#left < 1;
  }
}

/** The limits of addresses, as an option `addressOf` tells those of sockets, or of requests, apart. */
export class AddressLimits<Visitor> {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #addressOf: AddressOf<Visitor> | undefined;
  readonly #once = new LogOnce();
  /** In the order in which they were last heard of. */
  readonly #limits = new Map<string, MintLimit>();

  constructor({ clock, log }: { clock: Clock; log: Log }, addressOf: AddressOf<Visitor> | undefined) {
    this.#clock = clock;
    this.#log = log;
    this.#addressOf = addressOf;
  }

  of(visitor: Visitor): MintLimit | undefined {
    const address = this.#readAddress(visitor);
    if (typeof address !== "string") return undefined;
    const limit = this.#limits.get(address) ?? new MintLimit(this.#clock, OF_AN_ADDRESS);
    this.#limits.delete(address);
    this.#limits.set(address, limit);
    for (const oldest of this.#limits.keys()) {
      if (this.#limits.size <= MAX_ADDRESSES) break;
      this.#limits.delete(oldest);
    }
    return limit;
  }

  #readAddress(visitor: Visitor): unknown {
    try {
      const address: unknown = this.#addressOf?.(visitor);
      if (!isThenable(address)) return address;
      // Nobody waits for it, so it must not be an unhandled rejection either.
      ignoreRejection(address);
      this.#logFailure("gave a promise");
    } catch (error) {
      // A client's headers may be other than the application expects: no reason to end the process, or to
      // limit everybody.
      this.#logFailure("threw", error instanceof Error ? error.name : typeof error);
    }
    return undefined;
  }

  #logFailure(how: string, kind = ""): void {
    if (this.#once.isDue()) this.#log.warn({}, `addressOf ${how} (said once)${kind && `: ${kind}`}`);
  }
}
