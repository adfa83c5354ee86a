import type { BatchedStore } from "../gateway/batched-store.js";
import { isPassing } from "../gateway/retry.js";

/** What may be deferred at once; more is far beyond what an outage of a minute lets pile up. */
const MOST = 100_000;
/** Tried at once, as long as all goes well: where the store is away, this many are enough to find out. */
const MOST_AT_ONCE = 256;

/** What became of touches that were tried again. */
interface RetryResult {
  /** The store has answered one at least: of those that can help nobody any more it is not asked. */
  readonly isAnswered: boolean;
  /** Why some could not be made, if any. */
  readonly reason: unknown;
}

interface DeferredTouch {
  readonly beginVisit: boolean;
  /** By then the session is over, by the clock of this process. */
  readonly untilMs: number;
}

/**
 * Touches that the store did not take, because it was away or somebody had the row locked. The session may
 * not be open here any more, and its user may come back late: so they are made later, for as long as they can
 * help.
 */
export class DeferredTouches {
  readonly #store: BatchedStore;
  readonly #touches = new Map<string, DeferredTouch>();
  #isTrying = false;
  /** Fewer after each failure, until those are among themselves that fail. */
  #atOnce = MOST_AT_ONCE;

  constructor(store: BatchedStore) {
    this.#store = store;
  }

  /** Whether there is nothing to be tried now. */
  get isIdle(): boolean {
    return this.#touches.size === 0 || this.#isTrying;
  }

  add(sessionId: string, { beginVisit, untilMs }: DeferredTouch): void {
    const before = this.#touches.get(sessionId);
    if (!before && this.#touches.size >= MOST) return;
    this.#touches.set(sessionId, { beginVisit: beginVisit || before?.beginVisit === true, untilMs });
  }

  /** Whether the one that is deferred, if any, begins a visit. */
  beginsVisit(sessionId: string): boolean {
    return this.#touches.get(sessionId)?.beginVisit === true;
  }

  /** Whether one is deferred already. */
  has(sessionId: string): boolean {
    return this.#touches.has(sessionId);
  }

  /** One that came later has been written. */
  remove(sessionId: string): void {
    this.#touches.delete(sessionId);
  }

  /** Tries all again while `goesOn` says so, and the store is not away. */
  async retry(nowMs: number, goesOn: () => boolean): Promise<RetryResult> {
    this.#isTrying = true;
    let reason: unknown;
    let isAnswered = false;
    const ids = [...this.#touches.keys()];
    while (ids.length > 0 && goesOn() && !isPassing(reason)) {
      const some = await this.#retrySome(ids.splice(0, this.#atOnce), nowMs);
      this.#atOnce = some.reason ? Math.ceil(this.#atOnce / 2) : Math.min(2 * this.#atOnce, MOST_AT_ONCE);
      reason = some.reason ?? reason;
      isAnswered ||= some.isAnswered;
    }
    this.#isTrying = false;
    return { isAnswered, reason };
  }

  async #retrySome(ids: readonly string[], nowMs: number): Promise<RetryResult> {
    let isAnswered = false;
    const settled = await Promise.allSettled(
      ids.map(async (id) => {
        const touch = this.#touches.get(id);
        if (!touch) return;
        let isOver = touch.untilMs <= nowMs;
        if (!isOver) {
          isOver = await this.#touch(id, touch);
          isAnswered = true;
        }
        // One that is deferred anew meanwhile is not forgotten.
        if (isOver && this.#touches.get(id) === touch) this.#touches.delete(id);
      }),
    );
    return { isAnswered, reason: settled.find((each) => each.status === "rejected")?.reason };
  }

  async #touch(id: string, touch: DeferredTouch): Promise<boolean> {
    try {
      return await this.#store.touch(id, touch);
    } catch (error) {
      // To the end of the line: what keeps one from being made must not keep others from being tried.
      const deferred = this.#touches.get(id);
      this.#touches.delete(id);
      if (deferred) this.#touches.set(id, deferred);
      throw error;
    }
  }
}
