import { ClockJumps } from "../base/clock.js";
import { Outages } from "../base/outages.js";
import type { BatchedStore } from "../gateway/batched-store.js";
import { storeError } from "../gateway/retry.js";
import type { Settings } from "../options.js";
import { expiresAfterTouch } from "../row/expiration.js";
import type { KnownRow } from "../session/known-row.js";
import type { Session } from "../session/session.js";
import { VISIT_GAP } from "../store.js";
import { DeferredTouches } from "./deferred-touches.js";
import { touchLead } from "./touch-pace.js";

/**
 * Writes that sessions are in use, where the row does not live long enough for that: never less than the idle
 * time from the last use on. A touch has the row live longer than that by `touchEvery`, and most uses find it
 * so and write nothing.
 */
export class Touches {
  readonly #settings: Settings;
  readonly #store: BatchedStore;
  readonly #deferred: DeferredTouches;
  readonly #outages: Outages;
  readonly #jumps: ClockJumps;
  /** The last jump after which a session's touch was deferred. */
  readonly #usedAfter = new WeakMap<Session, number>();

  constructor(settings: Settings, store: BatchedStore) {
    this.#settings = settings;
    this.#jumps = new ClockJumps(settings.clock);
    this.#store = store;
    this.#deferred = new DeferredTouches(store);
    this.#outages = new Outages(settings, {
      failing: "the use of sessions cannot be written",
      recovered: "the use of sessions can be written again",
    });
  }

  /** Resolves when every touch that is due has been written or put off. Never rejects. */
  async touchDue(sessions: Iterable<Session>, options: { beginVisit: boolean }): Promise<void> {
    const touches: Promise<void>[] = [];
    for (const session of sessions) {
      const touch = this.#touchWhenDue(session, options);
      if (touch) touches.push(touch);
    }
    await Promise.all(touches);
  }

  /**
   * A session is used by an event, of which there may be many: while a touch of it is deferred, none is tried
   * for each. After a jump of this machine's clocks it cannot be told whether one is due, so one is deferred.
   * Never rejects.
   */
  async recordUse(session: Session): Promise<void> {
    const { id, row } = session;
    if (!row || this.#deferred.has(id)) return;
    const { lastAtMs } = this.#jumps;
    if (row.readAtMs >= lastAtMs || this.#usedAfter.get(session) === lastAtMs)
      return this.touchDue([session], { beginVisit: false });
    this.#usedAfter.set(session, lastAtMs);
    this.#defer(session, row, false);
  }

  #defer(session: Session, row: KnownRow, beginVisit: boolean): void {
    const untilMs = this.#settings.clock.now() + (row.expires - session.databaseNow) * 1000;
    this.#deferred.add(session.id, { beginVisit, untilMs });
  }

  isDue(session: Session, { beginVisit }: { beginVisit: boolean }): boolean {
    const { row } = session;
    if (!row || session.ended) return false;
    const now = session.databaseNow;
    if (beginVisit && now - row.visitedAt > VISIT_GAP) return true;
    const usedUntil = row.latestDatabaseNow(this.#settings.clock.now()) + touchLead(row, this.#settings);
    const needed = usedUntil + (row.idleSeconds ?? this.#settings.expiration);
    return needed > row.expires && expiresAfterTouch(row, now, this.#settings) > row.expires;
  }

  #touchWhenDue(session: Session, options: { beginVisit: boolean }): Promise<void> | undefined {
    const { row } = session;
    if (!row || !this.isDue(session, options)) return undefined;
    const { id, databaseNow: now } = session;
    const expires = expiresAfterTouch(row, now, this.#settings);
    const beginVisit = options.beginVisit || this.#deferred.beginsVisit(id);
    const isNewVisit = beginVisit && now - row.visitedAt > VISIT_GAP;
    // Shown at once; if the statement fails, it is taken back.
    session.applyTouch({
      expires: Math.max(row.expires, expires),
      visitedAt: now,
      previousVisitAt: isNewVisit ? row.visitedAt : row.previousVisitAt,
    });
    const putOff = () => {
      session.applyTouch(row);
      this.#defer(session, row, beginVisit);
    };
    return this.#store.touch(id, { beginVisit }).then(
      (isTouched) => {
        if (isTouched) this.#deferred.remove(id);
        else putOff();
        this.#outages.reportRecovery();
      },
      (error: unknown) => {
        putOff();
        this.#outages.report(storeError(error));
      },
    );
  }

  /** Whether touches that were put off wait to be tried again. */
  get hasDeferred(): boolean {
    return !this.#deferred.isIdle;
  }

  /** Tries again what was put off, while `goesOn` says so. Never rejects. */
  async retryDeferred(goesOn: () => boolean): Promise<void> {
    const { reason, isAnswered } = await this.#deferred.retry(this.#settings.clock.now(), goesOn);
    if (reason !== undefined) this.#outages.report(storeError(reason));
    else if (isAnswered) this.#outages.reportRecovery();
  }
}
