import type { Log } from "./log.js";
import type { Settings } from "./options.js";
import { storeError } from "./retry.js";
import type { Rows } from "./rows.js";
import type { Session } from "./session.js";
import { VISIT_GAP } from "./store.js";

/** Writes that sessions are in use, where enough time has passed since that was last written. */
export class Touches {
  readonly #settings: Settings;
  readonly #rows: Rows;
  readonly #log: Log;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(settings: Settings, rows: Rows) {
    this.#settings = settings;
    this.#rows = rows;
    this.#log = settings.log;
  }

  /** Resolves when every touch that is due has been written or given up. Never rejects. */
  async touchDue(sessions: Iterable<Session>, options: { beginVisit: boolean }): Promise<void> {
    const touches: Promise<void>[] = [];
    for (const session of sessions) {
      const touch = this.#touchWhenDue(session, options);
      if (touch) touches.push(touch);
    }
    if (touches.length === 0) return;
    const all = Promise.all(touches);
    this.#underWay.add(all);
    await all;
    this.#underWay.delete(all);
  }

  async over(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #touchWhenDue(session: Session, { beginVisit }: { beginVisit: boolean }): Promise<void> | undefined {
    const { expiration, absoluteExpiration, touchEvery } = this.#settings;
    const { row } = session;
    if (!row || session.ended) return undefined;
    const now = session.databaseNow;
    const expires = Math.min(now + expiration, row.createdAt + absoluteExpiration);
    const isNewVisit = beginVisit && now - row.visitedAt > VISIT_GAP;
    if (expires - row.expires < touchEvery && !isNewVisit) return undefined;
    // Shown at once; if the statement fails, it is taken back, and the next sweep tries again.
    session.touched({
      expires: Math.max(row.expires, expires),
      visitedAt: now,
      previousVisitAt: isNewVisit ? row.visitedAt : row.previousVisitAt,
    });
    return this.#rows.touch(session.id, { beginVisit }).catch((error: unknown) => {
      session.touched(row);
      const { code, message } = storeError(error);
      this.#log.warn({ code, sessionId: session.id }, `a touch was not written: ${message}`);
    });
  }
}
