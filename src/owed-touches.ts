import { isPassing } from "./retry.js";
import type { Rows } from "./rows.js";

/** What may be owed at once; more is far beyond what an outage of a minute lets pile up. */
const MOST = 100_000;
/** Tried at once: where the store is away, this many are enough to find out. */
const AT_ONCE = 256;

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

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  /** Whether there is nothing to be tried now. */
  get isIdle(): boolean {
    return this.#owed.size === 0 || this.#isTrying;
  }

  owe(sessionId: string, touch: OwedTouch): void {
    if (this.#owed.size < MOST || this.#owed.has(sessionId)) this.#owed.set(sessionId, touch);
  }

  /** One that came later has been written. */
  made(sessionId: string): void {
    this.#owed.delete(sessionId);
  }

  /** Tries all again while `goesOn` says so, and the store is not away. Answers why some could not be made, if any. */
  async retry(nowMs: number, goesOn: () => boolean): Promise<unknown> {
    this.#isTrying = true;
    let reason: unknown;
    const ids = [...this.#owed.keys()];
    for (let at = 0; at < ids.length && goesOn() && !isPassing(reason); at += AT_ONCE)
      reason = (await this.#retrySome(ids.slice(at, at + AT_ONCE), nowMs)) ?? reason;
    this.#isTrying = false;
    return reason;
  }

  async #retrySome(ids: readonly string[], nowMs: number): Promise<unknown> {
    const settled = await Promise.allSettled(
      ids.map(async (id) => {
        const touch = this.#owed.get(id);
        if (!touch) return;
        // Whoever owes it anew meanwhile is not forgotten.
        const isOver = touch.untilMs <= nowMs || (await this.#rows.touch(id, touch));
        if (isOver && this.#owed.get(id) === touch) this.#owed.delete(id);
      }),
    );
    return settled.find((each) => each.status === "rejected")?.reason;
  }
}
