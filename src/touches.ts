import type { KnownRow } from "./known-row.js";
import type { Settings } from "./options.js";
import { Outages } from "./outages.js";
import { storeError } from "./retry.js";
import type { Rows } from "./rows.js";
import type { Session } from "./session.js";
import { type Seconds, type UnixSeconds, VISIT_GAP } from "./store.js";

/** Writes that sessions are in use, where enough time has passed since that was last written. */
export class Touches {
  readonly #settings: Settings;
  readonly #rows: Rows;
  readonly #outages: Outages;

  constructor(settings: Settings, rows: Rows) {
    this.#settings = settings;
    this.#rows = rows;
    this.#outages = new Outages(settings, {
      failing: "the use of sessions cannot be written",
      over: "the use of sessions can be written again",
    });
  }

  /** Resolves when every touch that is due has been written or given up. Never rejects. */
  async touchDue(sessions: Iterable<Session>, options: { beginVisit: boolean }): Promise<void> {
    const touches: Promise<void>[] = [];
    for (const session of sessions) {
      const touch = this.#touchWhenDue(session, options);
      if (touch) touches.push(touch);
    }
    await Promise.all(touches);
  }

  isDue(session: Session, { beginVisit }: { beginVisit: boolean }): boolean {
    const { row } = session;
    if (!row || session.ended) return false;
    const now = session.databaseNow;
    return (
      this.expiresAfter(row, now) - row.expires >= this.#gapOf(row) ||
      (beginVisit && now - row.visitedAt > VISIT_GAP)
    );
  }

  /** A session whose own idle time is short is touched more often, or it would end in the middle of its use. */
  #gapOf({ idleSeconds }: KnownRow): Seconds {
    const { touchEvery } = this.#settings;
    return idleSeconds === null ? touchEvery : Math.min(touchEvery, Math.max(1, Math.floor(idleSeconds / 4)));
  }

  /** When a session that is used at `now` ends. */
  expiresAfter(
    { idleSeconds, createdAt }: Pick<KnownRow, "idleSeconds" | "createdAt">,
    now: UnixSeconds,
  ): UnixSeconds {
    const { expiration, absoluteExpiration } = this.#settings;
    return Math.min(now + (idleSeconds ?? expiration), createdAt + absoluteExpiration);
  }

  #touchWhenDue(session: Session, options: { beginVisit: boolean }): Promise<void> | undefined {
    const { row } = session;
    if (!row || !this.isDue(session, options)) return undefined;
    const now = session.databaseNow;
    const expires = this.expiresAfter(row, now);
    const { beginVisit } = options;
    const isNewVisit = beginVisit && now - row.visitedAt > VISIT_GAP;
    // Shown at once; if the statement fails, it is taken back, and the next sweep tries again.
    session.touched({
      expires: Math.max(row.expires, expires),
      visitedAt: now,
      previousVisitAt: isNewVisit ? row.visitedAt : row.previousVisitAt,
    });
    return this.#rows.touch(session.id, { beginVisit }).then(
      (isTouched) => {
        if (!isTouched) session.touched(row);
        this.#outages.over();
      },
      (error: unknown) => {
        session.touched(row);
        this.#outages.report(storeError(error));
      },
    );
  }
}
