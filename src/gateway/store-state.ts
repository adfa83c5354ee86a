import type { Clock } from "../base/clock.js";
import { SessionError, type SessionErrorCode } from "../errors.js";
import { StoreFault, type UnixSeconds } from "../store.js";
import { storeError } from "./retry.js";

/** Pauses between looks at a store that does not answer, each twice as long as the one before. */
const LOOK_PAUSE = { firstMs: 500, longestMs: 5_000 };
/** How much the latest read counts for the latency. */
const WEIGHT = 1 / 8;

/** What speaks of the store as a whole, of the errors that it may throw for good. */
const OF_THE_STORE: ReadonlySet<SessionErrorCode> = new Set([
  "SESSION_CONNECTION_INVALID",
  "SESSION_TABLE_INVALID",
  "SESSION_STORE_UNAVAILABLE",
  "SESSION_STORE_FAILED",
]);

/** The store has not answered for `storeTimeout`. */
export interface Outage {
  /** When the first of its failures was. */
  readonly since: UnixSeconds;
  /** Of the last failure. */
  readonly code: SessionErrorCode;
}

export interface StoreStateHost {
  readonly clock: Clock;
  readonly storeTimeoutMs: number;
  readonly isClosed: boolean;
  /** Asks the store for anything. What comes of it is heard by {@link StoreState} as of all else. */
  lookAtStore(): Promise<unknown>;
  onStoreDown(outage: Outage): void;
  /** `downFor`: seconds. */
  onStoreUp(outage: Outage, downFor: number): void;
}

/**
 * Whether the store answers, by what comes of the statements that are sent anyway. Only while it does not, it
 * is looked at: nobody else may be sent here meanwhile, and then nobody would notice that it is back.
 */
export class StoreState {
  readonly #host: StoreStateHost;
  #since: UnixSeconds;
  #failingSinceMs: number | undefined;
  #isDown = false;
  #lastError: SessionErrorCode | undefined;
  #latencyMs: number | undefined;
  #cancelDown = () => {};
  #cancelLook = () => {};

  constructor(host: StoreStateHost) {
    this.#host = host;
    this.#since = this.#now;
  }

  /** `"retrying"`: something has failed, nothing has been answered since. `"down"`: for `storeTimeout`. */
  get status(): "up" | "retrying" | "down" {
    if (this.#isDown) return "down";
    return this.#failingSinceMs === undefined ? "up" : "retrying";
  }

  /** When that began; where it is `"down"`, when the first failure was. */
  get since(): UnixSeconds {
    return this.#since;
  }

  /** What the last failure was, also where it is over. */
  get lastError(): SessionErrorCode | undefined {
    return this.#lastError;
  }

  /** How long reads take, the last ones more than those before; `undefined` before the first. */
  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  get #now(): UnixSeconds {
    return Math.floor(this.#host.clock.wallNow() / 1000);
  }

  /** A read was answered: it waits for nobody's locks. */
  onRead(durationMs: number): void {
    this.#latencyMs = (this.#latencyMs ?? durationMs) * (1 - WEIGHT) + durationMs * WEIGHT;
    this.onAnswer();
  }

  onAnswer(): void {
    if (this.#failingSinceMs === undefined) return;
    const { clock } = this.#host;
    const downFor = Math.round((clock.now() - this.#failingSinceMs) / 1000);
    const outage = this.#isDown && this.#outage;
    this.close();
    this.#isDown = false;
    this.#failingSinceMs = undefined;
    this.#since = this.#now;
    if (outage) this.#host.onStoreUp(outage, downFor);
  }

  onFailure(error: unknown): void {
    if (!isOfTheStore(error)) return;
    this.#lastError = storeError(error).code;
    if (this.#failingSinceMs !== undefined || this.#host.isClosed) return;
    const { clock, storeTimeoutMs } = this.#host;
    this.#failingSinceMs = clock.now();
    this.#since = this.#now;
    this.#cancelDown = clock.after(storeTimeoutMs, () => {
      this.#isDown = true;
      this.#host.onStoreDown(this.#outage);
    });
    this.#lookAfter(LOOK_PAUSE.firstMs, this.#failingSinceMs);
  }

  get #outage(): Outage {
    return { since: this.#since, code: this.#lastError ?? "SESSION_STORE_UNAVAILABLE" };
  }

  /** Until it answers; `failingSinceMs` tells whether it has, and fails anew. */
  #lookAfter(pauseMs: number, failingSinceMs: number): void {
    const { clock } = this.#host;
    // With jitter, so that not all processes look at once.
    this.#cancelLook = clock.after(pauseMs * (0.5 + Math.random()), async () => {
      await this.#host.lookAtStore().catch(() => {});
      if (this.#failingSinceMs !== failingSinceMs || this.#host.isClosed) return;
      this.#lookAfter(Math.min(pauseMs * 2, LOOK_PAUSE.longestMs), failingSinceMs);
    });
  }

  /** Waits for nothing more. An outage that has been told of may still be told to be over. */
  close(): void {
    this.#cancelDown();
    this.#cancelLook();
  }
}

/** Not of one row: somebody may have that locked, or it may hold what cannot be read. */
function isOfTheStore(error: unknown): boolean {
  if (error instanceof StoreFault) return !error.mayBeOneEntry;
  return !(error instanceof SessionError) || OF_THE_STORE.has(error.code);
}
