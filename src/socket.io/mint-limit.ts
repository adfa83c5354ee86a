import type { Socket } from "socket.io";
import type { Clock } from "../clock.js";

interface Rate {
  /** How many at once. */
  readonly atOnce: number;
  /** After that, one in so many milliseconds. */
  readonly everyMs: number;
}

/** Sessions that one connection may create: one for each of many namespaces. */
export const OF_A_CONNECTION: Rate = { atOnce: 20, everyMs: 6_000 };
/** Sessions that the sockets of one address may create, where the application says what an address is. */
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
    const now = this.#clock.now();
    const { atOnce, everyMs } = this.#rate;
    this.#left = Math.min(atOnce, this.#left + (now - this.#countedAtMs) / everyMs);
    this.#countedAtMs = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

/** The limits of addresses, as the option `addressOf` tells them apart. */
export class AddressLimits {
  readonly #clock: Clock;
  readonly #addressOf: ((socket: Socket) => string | undefined) | undefined;
  /** In the order in which they were last heard of. */
  readonly #limits = new Map<string, MintLimit>();

  constructor(clock: Clock, addressOf: ((socket: Socket) => string | undefined) | undefined) {
    this.#clock = clock;
    this.#addressOf = addressOf;
  }

  of(socket: Socket): MintLimit | undefined {
    const address = this.#addressOf?.(socket);
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
}
