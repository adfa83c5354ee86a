import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { Outages } from "../base/outages.js";
import { UnderWay } from "../base/under-way.js";
import { isOrdinary, SessionError, toSessionError } from "../errors.js";
import { Rows } from "../gateway/batched-store.js";
import { LateReads } from "../gateway/late-reads.js";
import type { Settings } from "../options.js";
import { isGrown } from "../row/revision.js";
import { newProcessId } from "../row/writers.js";
import { checkId } from "../session/ids.js";
import { heardRoomNames, keepingRooms, keptRooms } from "../session/kept-rooms.js";
import type { KnownRow } from "../session/known-row.js";
import { Verification, type Verifier } from "../session/look.js";
import { RecentRows } from "../session/recent-rows.js";
import { promotePresented, type Standing, standingOf } from "../session/secret.js";
import { Session } from "../session/session.js";
import type { SessionHost } from "../session/session-host.js";
import type { Values } from "../session/values.js";
import type { SessionRow, SessionStore, UnixSeconds } from "../store.js";
import { type TokenParser, tokenParser } from "../token/legacy.js";
import { type PresentedToken, sameHash } from "../token/token.js";
import { UnheardTokens } from "../token/unheard-tokens.js";
import type { ClientDescription, EndReason } from "../wire.js";
import type { Events, SessionInvalidEvent } from "./events.js";
import { Logins } from "./logins.js";
import { adoptRow, type FirstFacts, type Inserter, insertNewRow, insertRow } from "./mint.js";
import { Touches } from "./touches.js";

/** What became of a token that was presented. */
export type Opened =
  | { found: "session"; session: Session }
  /** `missing`: there is no row; otherwise there is one that this caller may not have, or whose values cannot be read. `isRetired`: a newer token has replaced this one. */
  | { found: "nothing"; missing: boolean; isRetired?: boolean; isTold?: boolean }
  | { found: "expired" };

/** A session just created, and the token that opens it. */
export interface Minted {
  readonly session: Session;
  readonly token: PresentedToken;
}

const NO_ROOMS: ReadonlySet<string> = new Set();
/** What counts as a touch by an open. */
const OPENED = { beginVisit: true };

/** Tells other processes what happened here; `socket.io/cluster.ts` does, where there is a cluster adapter. */
export interface Announcer {
  written(sessionId: string, revision: number, keepRooms?: readonly string[]): void;
  ended(sessionId: string, reason: EndReason): void;
}

/**
 * The registry: opens, mints and ends sessions, sees to it that a row has one live object in this process, and carries what
 * those objects ask of the store. Whoever gets a session from here holds it until `release`.
 */
export class SessionRegistry implements SessionHost<Session> {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Events;
  readonly processId = newProcessId();
  readonly maxBytes: number;
  readonly storeTimeoutMs: number;
  readonly parseToken: TokenParser;
  announcer: Announcer | undefined;
  readonly lateReads: LateReads;
  readonly recentRows: RecentRows;
  readonly unheard: UnheardTokens;
  readonly logins = new Logins();
  readonly rows: Rows;
  readonly #touches: Touches;
  readonly #refreshes: Outages;
  readonly #live = new Map<string, Session>();
  readonly #underWay = new UnderWay();
  readonly #said = new WeakSet<SessionError>();
  #closed = false;

  constructor(settings: Settings, store: SessionStore, events: Events) {
    this.clock = settings.clock;
    this.log = settings.log;
    this.maxBytes = settings.maxBytes;
    this.storeTimeoutMs = settings.storeTimeout * 1000;
    this.parseToken = tokenParser(settings);
    this.events = events;
    this.lateReads = new LateReads(settings);
    this.recentRows = new RecentRows(settings.clock);
    this.unheard = new UnheardTokens(settings.clock);
    this.rows = new Rows(store);
    this.#touches = new Touches(settings, this.rows);
    this.#refreshes = new Outages(settings, {
      failing: "live sessions cannot be read again",
      over: "live sessions can be read again",
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Those that are open in this process. */
  liveAmong(sessionIds: readonly string[]): string[] {
    return sessionIds.filter((id) => [...(this.#live.get(id)?.watchers ?? [])].some(({ socket }) => socket));
  }

  expiresAfter(row: Pick<KnownRow, "idleSeconds" | "createdAt">, now: UnixSeconds): UnixSeconds {
    return this.#touches.expiresAfter(row, now);
  }

  changed(session: Session, before: Values, written?: number): void {
    const { id: sessionId, saved } = session;
    this.logins.changed(session, before.kept.userId);
    if (written !== undefined) {
      const keep = before.kept.userId === saved.kept.userId ? NO_ROOMS : keptRooms(session);
      this.announcer?.written(sessionId, written, ...(keep.size > 0 ? [[...keep]] : []));
    }
    if (!this.events.has("sessionChange")) return;
    const keys = saved.differences(before);
    if (keys.length > 0) this.events.tell("sessionChange", { sessionId, keys });
  }

  destroyed(session: Session, reason: EndReason): void {
    // The row of one that has expired has made room: by now there may be another session, which others have open.
    if (reason !== "expired") this.announcer?.ended(session.id, reason);
    if (!session.row) this.events.tell("sessionEnd", { sessionId: session.id, reason });
  }

  ended(session: Session, reason: EndReason): void {
    // Whoever presents the token from now on gets a new look at the row, not this object.
    if (this.#live.get(session.id) === session) this.#live.delete(session.id);
    this.#over(session.id, reason, session.row?.createdAt);
    // One that ended while it was being opened has not been a session to anybody.
    if (session.row) this.events.tell("sessionEnd", { sessionId: session.id, reason });
  }

  working(session: Session): void {
    this.#underWay.began(session);
  }

  settled(session: Session): void {
    if (session.holders === 0) this.#letGo(session);
    this.#underWay.over(session);
  }

  /** Nobody has it, and nothing of it is on its way. */
  #letGo(session: Session): void {
    const { id, row, ended } = session;
    if (this.#live.get(id) !== session) return;
    this.#live.delete(id);
    if (row && !ended) this.recentRows.letGo(id, row);
  }

  /** Has {@link close} wait for work that is not a session's own. */
  during<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#underWay.during(work);
  }

  /** Logs and announces a change that was not saved: the application may not be waiting for its promise. */
  failed(error: SessionError): void {
    this.#said.add(error);
    const { code, sessionId } = error;
    const level = isOrdinary(code) ? "warn" : "error";
    this.log[level]({ code, ...(sessionId && { sessionId }) }, error.message);
    this.events.tell("error", error);
  }

  /** Whether {@link failed} has logged this error. */
  hasSaid(error: SessionError): boolean {
    return this.#said.has(error);
  }

  /** The session of this id, where somebody has it open. */
  liveById(sessionId: string): Session | undefined {
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
   * Opens the session that a token belongs to. Reads the row each time, also when the session is live here already.
   * Errors: those of {@link Session.read}, `SESSION_CLOSED`.
   */
  async open(token: PresentedToken): Promise<Opened> {
    const opened = await this.openQuietly(token);
    this.tellRefused(opened, token.sessionId);
    return opened;
  }

  /** The same, but that it does not tell of a token that opens nothing: {@link tellRefused} does. */
  async openQuietly(token: PresentedToken): Promise<Opened> {
    const { sessionId, secretHash } = token;
    let standing: Standing = "none";
    const isAllowed = (row: SessionRow) => {
      standing = standingOf(row, secretHash, this.unheard);
      return standing === "current" || standing === "next";
    };
    let opened = await this.#openRow(sessionId, isAllowed);
    if (opened.found === "nothing" && opened.missing && (await this.adopt(token)))
      opened = await this.#openRow(sessionId, isAllowed);
    if (opened.found === "session") {
      const { session } = opened;
      // Its client has it, whether or not we heard so when it was sent.
      if ((standing as Standing) === "current" || (await this.#promote(session, secretHash))) {
        this.touchIfDue(session);
        return opened;
      }
      opened = { found: "nothing", missing: false, isTold: true };
    }
    const wasGood = (standing as Standing) === "previous" || this.unheard.knows(secretHash);
    return wasGood && opened.found === "nothing" ? { ...opened, isRetired: true } : opened;
  }

  /**
   * Takes over what something else has made for this token, as far as there can be anything; `false` where not. Errors:
   * `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`.
   */
  async adopt(token: PresentedToken): Promise<boolean> {
    if (!this.rows.mayHave(token)) return false;
    await this.during(() => adoptRow(this.rows, token, this.clock, this.clock.now() + this.storeTimeoutMs));
    return true;
  }

  /** Says that a token was presented that opens nothing. */
  tellRefused(opened: Opened, sessionId: string): void {
    if (opened.found === "expired") return this.invalid("expired", sessionId);
    if (opened.found !== "nothing" || opened.isTold) return;
    if (opened.isRetired) this.log.warn({ sessionId }, "a token was presented that a newer one has replaced");
    this.invalid(opened.isRetired ? "retired" : "unknown", sessionId);
  }

  /**
   * Has somebody who holds a session look whether its row is still as known. Answers `false` where that is no question, or
   * something else of the session is under way: it has to be opened in full, in its turn.
   */
  verify(session: Session, verifier: Verifier): boolean {
    if (this.#closed || !session.isKnown || !session.beginLook()) return false;
    this.rows.loadRevision(new Verification(session, verifier));
    return true;
  }

  /**
   * The same for who can wait for the session's turn, with a promise. `begins` is told when the turn has come. Errors: a `StoreFault`,
   * `SESSION_CLOSED`.
   */
  look(session: Session, begins: () => void): Promise<boolean> {
    return session.look(() => {
      begins();
      return this.rows.lookAt(session.id);
    });
  }

  /** Answers whether it is the session's secret now; where it is not, another has been quicker. */
  async #promote(session: Session, secretHash: Uint8Array): Promise<boolean> {
    try {
      await promotePresented(session, secretHash, this.unheard);
      return true;
    } catch (error) {
      this.release(session);
      if (error instanceof SessionError && isOrdinary(error.code)) return false;
      throw error;
    }
  }

  /**
   * Opens a session by its id alone, for a caller that has other proof, which `isAllowed` checks against the row. With
   * `isExpected` it is known that there has been a row: one missing read is not gone.
   */
  async reopen(
    sessionId: string,
    isAllowed: (row: SessionRow) => boolean,
    options: { isExpected?: boolean } = {},
  ): Promise<Opened> {
    const opened = await this.#openRow(sessionId, isAllowed, options);
    if (opened.found === "session") this.touchIfDue(opened.session);
    return opened;
  }

  /** Finds a session by its id, without that counting as use. The caller holds it. */
  async find(sessionId: string): Promise<Session | undefined> {
    checkId(sessionId);
    const opened = await this.#openRow(sessionId, () => true);
    return opened.found === "session" ? opened.session : undefined;
  }

  async #openRow(
    sessionId: string,
    isAllowed: (row: SessionRow) => boolean,
    options: { isExpected?: boolean } = {},
  ): Promise<Opened> {
    this.refuseWhenClosed();
    // Registered, and held, before its row is read: whatever happens to the session meanwhile finds it.
    const session = this.hold(sessionId);
    let opened: Opened = { found: "nothing", missing: false };
    try {
      const row = await session.read(options);
      if (!row) opened = { found: "nothing", missing: true };
      else if (isAllowed(row)) {
        if (row.data === null) opened = { found: "expired" };
        else if (!session.ended) opened = { found: "session", session };
      }
    } catch (error) {
      if (!(error instanceof SessionError) || error.code !== "SESSION_DATA_INVALID") throw error;
      // The row stays as it is for somebody to mend; the client gets a fresh session rather than none.
      this.failed(error);
    } finally {
      if (opened.found !== "session") this.release(session);
    }
    return opened;
  }

  /** Says that a token was presented that opens nothing. */
  invalid(reason: SessionInvalidEvent["reason"], sessionId?: string): void {
    this.events.tell("sessionInvalid", { reason, ...(sessionId && { sessionId }) });
  }

  /** Creates a session and its token. Errors: `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_CLOSED`. */
  async mint(client: ClientDescription | null): Promise<Minted> {
    this.refuseWhenClosed();
    const { row, token } = await this.during(() => insertNewRow(this.rows, client, this.#inserter));
    const session = this.hold(token.sessionId);
    session.begin(row);
    this.events.tell("sessionStart", { sessionId: session.id, client });
    return { session, token };
  }

  get #inserter(): Inserter {
    const { clock, processId } = this;
    return { clock, processId, deadline: clock.now() + this.storeTimeoutMs };
  }

  /**
   * Creates a session for a token that was made elsewhere, and opens it. Where there is one already, opens that, if it may: `isNew` is
   * `false` then, and it holds nothing of `first`. Errors: as {@link mint}.
   */
  async mintFor(token: PresentedToken, first: FirstFacts): Promise<Opened & { isNew: boolean }> {
    this.refuseWhenClosed();
    const { sessionId, secretHash } = token;
    const { row, isInserted: isNew } = await this.during(() =>
      insertRow(this.rows, token, first, this.#inserter),
    );
    if (isNew) this.recentRows.forget(sessionId);
    if (isNew) this.events.tell("sessionStart", { sessionId, client: first.client });
    if (!isNew || !row || this.#live.has(sessionId)) {
      // Somebody may be reading it: what that comes to must not be taken for its end, so this look waits for its turn.
      // There is a row: the INSERT has met it.
      const isOwn = (found: SessionRow) => sameHash(found.secretHash, secretHash);
      const opened = await this.reopen(sessionId, isOwn, { isExpected: true });
      return { ...opened, isNew };
    }
    const session = this.hold(sessionId);
    session.begin(row);
    return { found: "session", session, isNew };
  }

  /**
   * Ends a session, live here or not: deletes its row, and every process that has it open learns of it.
   * Errors: `SESSION_ID_INVALID`, `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_CLOSED`.
   */
  async destroy(sessionId: string, reason: EndReason = "destroyed"): Promise<void> {
    checkId(sessionId);
    this.refuseWhenClosed();
    const session = this.hold(sessionId);
    try {
      await session.destroy(reason);
    } finally {
      this.release(session);
    }
  }

  /**
   * Another process says that it has written this revision: what is live here must not show older values for long, and what is read from now
   * on is not older. `keepRooms`: where that write ended a login.
   */
  heardWritten(sessionId: string, revision: number, keepRooms?: unknown): void {
    const session = this.#live.get(sessionId);
    const known = session?.row?.revision;
    // What has come this way already, or has been overtaken.
    if (known === revision || (known !== undefined && isGrown(revision) && revision < known)) return;
    this.recentRows.announced(sessionId, revision);
    if (!session) return;
    const keep = heardRoomNames(keepRooms);
    void keepingRooms(session, keep, () => this.refresh(session));
  }

  /** Another process says that a session is over. */
  heardEnded(sessionId: string, reason: EndReason): void {
    const session = this.#live.get(sessionId);
    if (session) session.end(reason);
    else this.#over(sessionId, reason);
  }

  /** The row of a session that has expired may still be there. Else, what began after this second is another session. */
  #over(sessionId: string, reason: EndReason, createdAt = 0): void {
    if (reason === "expired") this.recentRows.forget(sessionId);
    else this.recentRows.over(sessionId, Math.max(createdAt, Math.floor(this.rows.nowMs / 1000)));
  }

  /** Reads the row of a live session again. If the store cannot answer now, the next sweep sees to it. */
  async refresh(session: Session): Promise<void> {
    if (this.#closed) return;
    await session.read().then(
      () => this.#refreshes.over(),
      (error: unknown) => this.#refreshes.report(toSessionError(error)),
    );
  }

  /**
   * Holds the live object of a row, to be given back by {@link release}: the one registered, or else this one (a handler may
   * still use the session of a socket that has gone), or else a new one. Two objects of one row would each take the other's writes for somebody else's.
   */
  hold(session: Session | string): Session {
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
  use(session: Session): Session {
    if (session.ended) throw session.error("SESSION_ENDED");
    this.refuseWhenClosed();
    return this.hold(session);
  }

  /** Gives back what `open`, `mint`, `find`, `use` or `hold` gave. Changes on their way are still written. */
  release(session: Session): void {
    session.holders--;
    if (session.holders === 0 && !session.busy) this.#letGo(session);
  }

  /**
   * Writes that these sessions are in use, where enough time has passed since that was last written. Only an open begins a
   * visit: a socket that stays connected is one visit, however long. Never rejects.
   */
  async touchDue(sessions: Iterable<Session>, options: { beginVisit: boolean }): Promise<void> {
    if (!this.#closed) await this.during(() => this.#touches.touchDue(sessions, options));
  }

  /** The same for one session that an event of a client has used. */
  async used(session: Session): Promise<void> {
    if (!this.#closed) await this.during(() => this.#touches.used(session));
  }

  /** The same for one session that was opened. */
  touchIfDue(session: Session): void {
    if (this.#touches.isDue(session, OPENED)) void this.touchDue([session], OPENED);
  }

  /** Tries touches again that the store did not take. Never rejects. */
  async retryTouches(): Promise<void> {
    if (!this.#closed && this.#touches.hasOwed)
      await this.during(() => this.#touches.retryOwed(() => !this.#closed));
  }

  /** Refuses new work, waits until everything on its way to the store is answered or given up. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#underWay.none();
  }

  refuseWhenClosed(): void {
    if (this.#closed) throw new SessionError("SESSION_CLOSED");
  }
}

/** Whether somebody has it open who does not only have had it. */
export function isInUse({ holders, watchers }: Session): boolean {
  if (watchers.size === 0) return true;
  let past = 0;
  for (const { socket } of watchers) if (!socket) past++;
  return holders > past;
}
