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

  /** Tries all again, and stops where the store fails: then it rejects with the reason. */
  async retry(nowMs: number): Promise<void> {
    this.#isTrying = true;
    try {
      const ids = [...this.#owed.keys()];
      for (let at = 0; at < ids.length; at += AT_ONCE)
        await this.#retrySome(ids.slice(at, at + AT_ONCE), nowMs);
    } finally {
      this.#isTrying = false;
    }
  }

  async #retrySome(ids: readonly string[], nowMs: number): Promise<void> {
    const settled = await Promise.allSettled(
      ids.map(async (id) => {
        const touch = this.#owed.get(id);
        if (!touch) return;
        // Whoever owes it anew meanwhile is not forgotten.
        const isOver = touch.untilMs <= nowMs || (await this.#rows.touch(id, touch));
        if (isOver && this.#owed.get(id) === touch) this.#owed.delete(id);
      }),
    );
    const failed = settled.find((each) => each.status === "rejected");
    if (failed) throw failed.reason;
  }
}
