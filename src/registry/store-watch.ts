import type { Clock } from "../base/clock.js";
import { type Facts, outcomeOf } from "../facts.js";
import type { BatchedStore } from "../gateway/batched-store.js";
import type { Statement } from "../gateway/statement.js";
import { type Outage, StoreState, type StoreStateHost } from "../gateway/store-state.js";
import type { Events } from "./events.js";

/** An id that no session has: what is asked for where only the answer counts. */
const NO_SESSION = "0".repeat(32);

/** What a {@link StoreWatch} needs of the registry. */
export interface WatchedRegistry {
  readonly clock: Clock;
  readonly facts: Facts;
  readonly events: Events;
  readonly storeTimeoutMs: number;
  readonly isClosed: boolean;
  readonly store: BatchedStore;
  track<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Hears of every statement, and tells when the store does not answer any more, and when it does again. */
export class StoreWatch implements StoreStateHost {
  readonly state: StoreState;
  readonly clock: Clock;
  readonly storeTimeoutMs: number;
  readonly #registry: WatchedRegistry;

  constructor(registry: WatchedRegistry) {
    this.#registry = registry;
    this.clock = registry.clock;
    this.storeTimeoutMs = registry.storeTimeoutMs;
    this.state = new StoreState(this);
  }

  get isClosed(): boolean {
    return this.#registry.isClosed;
  }

  onStatement(ended: Statement): void {
    if (ended.error !== undefined) this.state.onFailure(ended.error);
    else if (ended.kind === "load" || ended.kind === "verify") this.state.onRead(ended.durationMs);
    else this.state.onAnswer();
    const { statement } = this.#registry.facts;
    if (!statement.isHeard) return;
    const { error, ...facts } = ended;
    statement.tell({ ...facts, outcome: outcomeOf(error) });
  }

  lookAtStore(): Promise<unknown> {
    // What is on its way tells as much, and must not wait for one more.
    const { length, lanesTaken } = this.#registry.store.queue;
    if (length > 0 || lanesTaken > 0) return Promise.resolve();
    return this.#registry.track(() => this.#registry.store.loadRevision(NO_SESSION));
  }

  onStoreDown(outage: Outage): void {
    this.#registry.events.emit("storeDown", outage);
  }

  onStoreUp(outage: Outage, downFor: number): void {
    this.#registry.events.emit("storeUp", { ...outage, downFor });
  }
}
