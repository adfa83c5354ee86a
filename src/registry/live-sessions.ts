import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { OngoingWork } from "../base/ongoing-work.js";
import { Outages } from "../base/outages.js";
import { isOrdinary, SessionError, toSessionError } from "../errors.js";
import type { Facts } from "../facts.js";
import { BatchedStore } from "../gateway/batched-store.js";
import { LateReads } from "../gateway/late-reads.js";
import type { Settings } from "../options.js";
import type { Lives } from "../row/expiration.js";
import { isGrown } from "../row/revision.js";
import { newProcessId } from "../row/writers.js";
import { getKeptRooms, parseRoomNames, withKeptRooms } from "../session/kept-rooms.js";
import { RecentRows } from "../session/recent-rows.js";
import { Session } from "../session/session.js";
import type { SessionHost } from "../session/session-host.js";
import type { Values } from "../session/values.js";
import type { SessionStore } from "../store.js";
import type { Credential } from "../token/credential.js";
import type { PresentedToken } from "../token/token.js";
import type { EndReason } from "../wire.js";
import { Audit } from "./audit.js";
import type { Events } from "./events.js";
import { adoptRow } from "./mint.js";
import { StoreWatch } from "./store-watch.js";
import { Touches } from "./touches.js";
import { WatchedSessions } from "./watched-sessions.js";

/**
 * Tells other processes what happened here; `socket.io/cluster.ts` does, where there is a cluster adapter.
 */
export interface Announcer {
  announceWrite(sessionId: string, revision: number, keepRooms?: readonly string[]): void;
  announceEnd(sessionId: string, reason: EndReason): void;
}

/** Whether somebody has it open who does not only have had it. */
export function isInUse({ holders, watchers }: Session): boolean {
  if (watchers.size === 0) return true;
  let past = 0;
  for (const { socket } of watchers) if (!socket) past++;
  return holders > past;
}

const NO_ROOMS: ReadonlySet<string> = new Set();

/** What counts as a touch by an open. */
const OPENED = { beginVisit: true };

/**
 * The sessions that are live in this process: sees to it that a row has one object here, and tells of what
 * happens to it. Whoever gets a session from here holds it until `release`.
 */
export class LiveSessions implements SessionHost<Session> {
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: Facts;
  readonly events: Events;
  readonly processId = newProcessId();
  readonly maxBytes: number;
  readonly maxPerUser: number | undefined;
  readonly storeTimeoutMs: number;
  readonly lives: Lives;
  announcer: Announcer | undefined;
  readonly lateReads: LateReads;
  readonly recentRows: RecentRows;
  readonly watched = new WatchedSessions();
  readonly store: BatchedStore;
  readonly audit: Audit;
  readonly storeWatch: StoreWatch;
  readonly #touches: Touches;
  readonly #refreshes: Outages;
  readonly #live = new Map<string, Session>();
  readonly #ongoing = new OngoingWork();
  readonly #logged = new WeakSet<SessionError>();
  #closed = false;

  constructor(settings: Settings, store: SessionStore, events: Events) {
    this.clock = settings.clock;
    this.log = settings.log;
    this.facts = settings.facts;
    this.maxBytes = settings.maxBytes;
    this.maxPerUser = settings.maxPerUser;
    this.storeTimeoutMs = settings.storeTimeout * 1000;
    this.lives = settings;
    this.events = events;
    this.audit = new Audit(events, this.processId.toString("hex"));
    this.lateReads = new LateReads(settings);
    this.recentRows = new RecentRows(settings.clock);
    this.storeWatch = new StoreWatch(this);
    this.store = new BatchedStore(store, (statement) => this.storeWatch.onStatement(statement));
    this.#touches = new Touches(settings, this.store);
    this.#refreshes = new Outages(settings, {
      failing: "live sessions cannot be read again",
      recovered: "live sessions can be read again",
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** How many sessions are live. */
  get liveCount(): number {
    return this.#live.size;
  }

  /** Those that are open in this process. */
  filterOpen(sessionIds: readonly string[]): string[] {
    return sessionIds.filter((id) => [...(this.#live.get(id)?.watchers ?? [])].some(({ socket }) => socket));
  }

  onChange(session: Session, before: Values, written?: number): void {
    const { id: sessionId, saved } = session;
    this.watched.update(session, before.compactIdentity.userId);
    if (written !== undefined) {
      const keep =
        before.compactIdentity.userId === saved.compactIdentity.userId ? NO_ROOMS : getKeptRooms(session);
      this.announcer?.announceWrite(sessionId, written, ...(keep.size > 0 ? [[...keep]] : []));
      this.audit.recordWrite(session, before.compactIdentity);
    }
    if (!this.events.hasListeners("sessionChange")) return;
    const keys = saved.differences(before);
    if (keys.length > 0) this.events.emit("sessionChange", { sessionId, keys });
  }

  onDestroy(session: Session, reason: EndReason, by?: Credential): void {
    // The row of one that has expired has made room: by now there may be another session, which others have
    // open.
    if (reason !== "expired") this.announcer?.announceEnd(session.id, reason);
    if (!session.row) this.#tellEnd(session.id, reason);
    if (!by) this.audit.recordEnd(session, reason);
  }

  onEnd(session: Session, reason: EndReason): void {
    // Whoever presents the token from now on gets a new look at the row, not this object.
    if (this.#live.get(session.id) === session) this.#live.delete(session.id);
    this.#rememberEnd(session.id, reason, session.row?.createdAt);
    // One that ended while it was being opened has not been a session to anybody.
    if (session.row) this.#tellEnd(session.id, reason);
  }

  #tellEnd(sessionId: string, reason: EndReason): void {
    this.facts.end.tell({ reason });
    this.events.emit("sessionEnd", { sessionId, reason });
  }

  onBusy(): void {
    this.#ongoing.begin();
  }

  onIdle(session: Session): void {
    if (session.holders === 0) this.#forget(session);
    this.#ongoing.end();
  }

  /** Nobody has it, and nothing of it is on its way. */
  #forget(session: Session): void {
    const { id, row, ended } = session;
    if (this.#live.get(id) !== session) return;
    this.#live.delete(id);
    if (row && !ended) this.recentRows.remember(id, row);
  }

  /** Has {@link close} wait for work that is not a session's own. */
  track<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#ongoing.track(work);
  }

  /** Logs and announces a change that was not saved: the application may not be waiting for its promise. */
  reportError(error: SessionError): void {
    this.#logged.add(error);
    const { code, sessionId } = error;
    const level = isOrdinary(code) ? "warn" : "error";
    this.log[level]({ code, ...(sessionId && { sessionId }) }, error.message);
    this.events.emit("error", error);
  }

  /** Whether {@link reportError} has logged this error. */
  hasLogged(error: SessionError): boolean {
    return this.#logged.has(error);
  }

  /** The session of this id, where somebody has it open. */
  findLive(sessionId: string): Session | undefined {
    return this.#live.get(sessionId);
  }

  /** Every live session: those that a socket or request has open. */
  live(): IterableIterator<Session> {
    return this.#live.values();
  }

  /** Those of them that are in use by being open: not by who has only had them. */
  *inUse(): Iterable<Session> {
    for (const session of this.#live.values()) if (isInUse(session)) yield session;
  }

  /**
   * Takes over what something else has made for this token, as far as there can be anything; `false` where
   * not. Errors: `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`.
   */
  async adopt(token: PresentedToken): Promise<boolean> {
    if (!this.store.canAdopt(token)) return false;
    await this.track(() => adoptRow(this.store, token, this, this.clock.now() + this.storeTimeoutMs));
    return true;
  }

  /**
   * Another process says that it has written this revision: what is live here must not show older values for
   * long, and what is read from now on is not older. `keepRooms`: where that write ended a login.
   */
  applyRemoteWrite(sessionId: string, revision: number, keepRooms?: unknown): void {
    const session = this.#live.get(sessionId);
    const known = session?.row?.revision;
    // What has come this way already, or has been overtaken.
    const isLate = known === revision || (known !== undefined && isGrown(revision) && revision < known);
    this.facts.announcement.tell({ outcome: isLate ? "late" : "heard", count: 1 });
    if (isLate) return;
    this.recentRows.rememberAnnounced(sessionId, revision);
    if (!session) return;
    const keep = parseRoomNames(keepRooms);
    void withKeptRooms(session, keep, () => this.refresh(session));
  }

  /** Another process says that a session is over. */
  applyRemoteEnd(sessionId: string, reason: EndReason): void {
    const session = this.#live.get(sessionId);
    this.facts.announcement.tell({ outcome: "heard", count: 1 });
    if (session) session.end(reason);
    else this.#rememberEnd(sessionId, reason);
  }

  /**
   * The row of a session that has expired may still be there. Else, what began after this second is another
   * session.
   */
  #rememberEnd(sessionId: string, reason: EndReason, createdAt = 0): void {
    if (reason === "expired") this.recentRows.forget(sessionId);
    else this.recentRows.rememberEnd(sessionId, Math.max(createdAt, Math.floor(this.store.nowMs / 1000)));
  }

  /** Reads the row of a live session again. If the store cannot answer now, the next sweep sees to it. */
  async refresh(session: Session): Promise<void> {
    if (this.#closed) return;
    await session.read().then(
      () => this.#refreshes.reportRecovery(),
      (error: unknown) => this.#refreshes.report(toSessionError(error)),
    );
  }

  /**
   * Holds the live object of a row, to be given back by {@link release}: the one registered, or else this one
   * (a handler may still use the session of a socket that has gone), or else a new one. Two objects of one
   * row would each take the other's writes for somebody else's.
   */
  acquire(session: Session | string): Session {
    const id = typeof session === "string" ? session : session.id;
    let current = this.#live.get(id);
    if (!current) {
      current = typeof session === "string" ? new Session(id, this) : session;
      this.#live.set(id, current);
    } else if (typeof session !== "string") current.follow(session);
    current.holders++;
    return current;
  }

  /** Holds the session behind a handle, for a change. Errors: `SESSION_ENDED`, `SESSION_CLOSED`. */
  acquireForChange(session: Session): Session {
    if (session.ended) throw session.error("SESSION_ENDED");
    this.throwIfClosed();
    return this.acquire(session);
  }

  /** Gives back what `open`, `mint`, `find` or an acquire gave. Changes on their way are still written. */
  release(session: Session): void {
    session.holders--;
    if (session.holders === 0 && !session.isBusy) this.#forget(session);
  }

  /**
   * Writes that these sessions are in use, where enough time has passed since that was last written. Only an
   * open begins a visit: a socket that stays connected is one visit, however long. Never rejects.
   */
  async touchDue(sessions: Iterable<Session>, options: { beginVisit: boolean }): Promise<void> {
    if (!this.#closed) await this.track(() => this.#touches.touchDue(sessions, options));
  }

  /** The same for one session that an event of a client has used. */
  async recordUse(session: Session): Promise<void> {
    if (!this.#closed) await this.track(() => this.#touches.recordUse(session));
  }

  /** The same for one session that was opened. */
  touchIfDue(session: Session): void {
    if (this.#touches.isDue(session, OPENED)) void this.touchDue([session], OPENED);
  }

  /** Tries touches again that the store did not take. Never rejects. */
  async retryTouches(): Promise<void> {
    if (!this.#closed && this.#touches.hasDeferred)
      await this.track(() => this.#touches.retryDeferred(() => !this.#closed));
  }

  /** Refuses new work, waits until everything on its way to the store is answered or given up. */
  async close(): Promise<void> {
    this.#closed = true;
    this.storeWatch.state.close();
    await this.#ongoing.untilNone();
  }

  throwIfClosed(): void {
    if (this.#closed) throw new SessionError("SESSION_CLOSED");
  }
}
