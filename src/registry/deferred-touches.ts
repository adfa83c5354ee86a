import type { Rows } from "../gateway/batched-store.js";
import { isPassing } from "../gateway/retry.js";

/** What may be owed at once; more is far beyond what an outage of a minute lets pile up. */
const MOST = 100_000;
/** Tried at once, as long as all goes well: where the store is away, this many are enough to find out. */
const MOST_AT_ONCE = 256;

/** What became of touches that were tried again. */
interface Retried {
  /** The store has answered one at least: of those that can help nobody any more it is not asked. */
  readonly isAnswered: boolean;
  /** Why some could not be made, if any. */
  readonly reason: unknown;
}

interface OwedTouch {
  readonly beginVisit: boolean;
  /** By then the session is over, by the clock of this process. */
  readonly untilMs: number;
}

/**
 * Touches that the store did not take, because it was away or somebody had the row locked. The session may not be open here any more, and
 * its user may come back late: so they are made later, for as long as they can help.
 */
export class OwedTouches {
  readonly #rows: Rows;
  readonly #owed = new Map<string, OwedTouch>();
  #isTrying = false;
  /** Fewer after each failure, until those are among themselves that fail. */
  #atOnce = MOST_AT_ONCE;

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  /** Whether there is nothing to be tried now. */
  get isIdle(): boolean {
    return this.#owed.size === 0 || this.#isTrying;
  }

  owe(sessionId: string, { beginVisit, untilMs }: OwedTouch): void {
    const before = this.#owed.get(sessionId);
    if (!before && this.#owed.size >= MOST) return;
    this.#owed.set(sessionId, { beginVisit: beginVisit || before?.beginVisit === true, untilMs });
  }

  /** Whether the one that is owed, if any, begins a visit. */
  beginsVisit(sessionId: string): boolean {
    return this.#owed.get(sessionId)?.beginVisit === true;
  }

  /** Whether one is owed already. */
  has(sessionId: string): boolean {
    return this.#owed.has(sessionId);
  }

  /** One that came later has been written. */
  made(sessionId: string): void {
    this.#owed.delete(sessionId);
  }

  /** Tries all again while `goesOn` says so, and the store is not away. */
  async retry(nowMs: number, goesOn: () => boolean): Promise<Retried> {
    this.#isTrying = true;
    let reason: unknown;
    let isAnswered = false;
    const ids = [...this.#owed.keys()];
    while (ids.length > 0 && goesOn() && !isPassing(reason)) {
      const some = await this.#retrySome(ids.splice(0, this.#atOnce), nowMs);
      this.#atOnce = some.reason ? Math.ceil(this.#atOnce / 2) : Math.min(2 * this.#atOnce, MOST_AT_ONCE);
      reason = some.reason ?? reason;
      isAnswered ||= some.isAnswered;
    }
    this.#isTrying = false;
    return { isAnswered, reason };
  }

  async #retrySome(ids: readonly string[], nowMs: number): Promise<Retried> {
    let isAnswered = false;
    const settled = await Promise.allSettled(
      ids.map(async (id) => {
        const touch = this.#owed.get(id);
        if (!touch) return;
        let isOver = touch.untilMs <= nowMs;
        if (!isOver) {
          isOver = await this.#touch(id, touch);
          isAnswered = true;
        }
        // Whoever owes it anew meanwhile is not forgotten.
        if (isOver && this.#owed.get(id) === touch) this.#owed.delete(id);
      }),
    );
    return { isAnswered, reason: settled.find((each) => each.status === "rejected")?.reason };
  }

  async #touch(id: string, touch: OwedTouch): Promise<boolean> {
    try {
      return await this.#rows.touch(id, touch);
    } catch (error) {
      // To the end of the line: what keeps one from being made must not keep others from being tried.
      const owed = this.#owed.get(id);
      this.#owed.delete(id);
      if (owed) this.#owed.set(id, owed);
      throw error;
    }
  }
}
