import { Few } from "../base/few.js";
import { SessionError, type SessionErrorCode } from "../errors.js";
import { isExpiryInDoubt, lookAgain } from "../gateway/late-reads.js";
import { loadRow, type Outcome, settleAttempt, settleDelete } from "../gateway/settle.js";
import { isLate } from "../row/row-age.js";
import type { Identity, SessionRevision, SessionRow, UnixSeconds, WriteAttempt } from "../store.js";
import type { Credential } from "../token/credential.js";
import { type KeptIdentity, opensBySame } from "../token/identity.js";
import type { EndReason } from "../wire.js";
import { type Apply, Changes } from "./changes.js";
import { allowed, type Limit, setting, wholly } from "./edits.js";
import { keptRooms } from "./kept-rooms.js";
import { KnownRow } from "./known-row.js";
import { SentWrite, type Writer } from "./sent-write.js";
import type { SessionHost, SessionWatcher } from "./session-host.js";
import { Turns } from "./turns.js";
import { type Entries, Values } from "./values.js";

/** Changes of one session that may wait for the store. Each is a promise of the application's; more is a runaway loop. */
const MAX_WAITING_CHANGES = 10_000;
const APPLIED: Outcome = { verdict: "applied" };

/**
 * The live object of one row in this process. Keeps the row as last known and the changes that are not in it yet; talks to
 * the store one operation at a time. Every write is one UPDATE on the condition that the row is still as known; when it is
 * not, or the answer is lost, the row is read and tells what happened ({@link settleAttempt}). So no update is lost or doubled, and no
 * ended session is written back to life.
 */
export class Session implements Writer {
  readonly id: string;
  /** Sockets and requests that have this session open. */
  holders = 0;
  readonly watchers = new Few<SessionWatcher>();
  readonly #host: SessionHost<Session>;
  readonly #changes = new Changes();
  #row: KnownRow | undefined;
  #writeScheduled = false;
  /** A read that was asked for and has not begun. */
  #nextRead: Promise<SessionRow | undefined> | undefined;
  #ended: EndReason | undefined;
  /** There has been a row, as who opens the session knows. */
  #isExpected = false;
  #destroying: Promise<void> | undefined;
  /** The last outcome is unknown: the row must be read before the next write. */
  #stale = false;
  readonly #turns: Turns<Session>;
  /** Ends the turn of a write that had to wait for it. */
  #endTurn: (() => void) | undefined;

  constructor(id: string, host: SessionHost<Session>) {
    this.id = id;
    this.#host = host;
    this.#turns = new Turns(this, host);
  }

  /** Why the session is over; `undefined` while it is not. */
  get ended(): EndReason | undefined {
    return this.#ended;
  }

  /** Whether an operation is under way or a change waits. */
  get busy(): boolean {
    return this.#turns.busy;
  }

  /** The row as last known; `undefined` before the first read. */
  get row(): KnownRow | undefined {
    return this.#row;
  }

  /** The values as `get` shows them. Not to be changed by the caller. */
  get values(): Values {
    return this.#changes.visible;
  }

  /** The values in the row as last known. Not to be changed by the caller. */
  get saved(): Values {
    return this.#changes.saved;
  }

  /** The database's clock, by the last row read and the time since. */
  get databaseNow(): UnixSeconds {
    const nowMs = this.#host.clock.now();
    return this.#row?.databaseNow(nowMs) ?? Math.floor(nowMs / 1000);
  }

  /** Takes the row of a session that was just inserted. */
  begin(row: SessionRow): void {
    this.#adopt(row);
  }

  /** Until this object has read the row, it knows what an older one of the same row has known. */
  follow(older: Session): void {
    if (this.#row || !older.#row) return;
    this.#row = older.#row;
    this.#changes.rebase(older.saved);
  }

  /**
   * Reads the row, whatever is known already, and takes it over; `undefined` where there is none (the row of a session that
   * has expired is there, and tells whose it was). Who asks while a read has
   * been asked for and has not begun shares it. A row that is older than what is known, or missing though it is known or `isExpected`, is
   * looked for again.
   * Errors: `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_DATA_INVALID`, `SESSION_CLOSED`, those of the store.
   */
  read({ isExpected = false, deadline = this.deadline() } = {}): Promise<SessionRow | undefined> {
    if (this.#host.closed) return Promise.reject(this.error("SESSION_CLOSED"));
    if (isExpected) this.#isExpected = true;
    this.#nextRead ??= this.#turns.run(async () => {
      this.#nextRead = undefined;
      if (this.#ended) return this.#expiredRow();
      const row = await this.#load(deadline);
      // What ended meanwhile stays ended, whatever the row showed before that.
      if (this.#ended) return this.#expiredRow();
      if (row) this.#adopt(row);
      else if (this.#row) this.end("destroyed");
      return row;
    });
    return this.#nextRead;
  }

  #expiredRow(): SessionRow | undefined {
    return this.#ended === "expired" && this.#row ? { ...this.#row.toRow(this.id), data: null } : undefined;
  }

  /** Notes a touch, so that what handles show agrees with the row without reading it again. */
  touched(times: Pick<SessionRow, "expires" | "visitedAt" | "previousVisitAt">): void {
    const { expires, visitedAt, previousVisitAt } = times;
    this.#row = this.#row?.with({ expires, visitedAt, previousVisitAt });
  }

  /**
   * Compares with what the sweep has just read of the row, or did not find. Answers whether the row itself has to be read:
   * somebody else has written it, or it is missing.
   */
  saw(seen: SessionRevision | undefined): boolean {
    if (!this.#row || this.#ended) return false;
    if (!seen || seen.revision !== this.#row.revision) return true;
    if (isExpiryInDoubt(seen, this.#row.expires) || this.#host.recentRows.isBehind(this.id, seen.revision))
      return true;
    // This clock and the database's may not run alike, nor may this machine have been awake all the time.
    this.#row = this.#row.seen(seen, this.#host.clock.now());
    if (seen.expires <= seen.now) this.end("expired");
    return false;
  }

  /** Takes the turn for a look at the row, where nothing else is under way; to be given back by {@link endLook}. */
  beginLook(): boolean {
    return this.#turns.begin();
  }

  endLook(): void {
    this.#turns.end();
  }

  /**
   * Compares with the row in its turn, behind what is under way; `look` reads the revision. Resolves to whether all that is known is still
   * so; where it is not, the row is to be read. Errors: `SESSION_CLOSED`, those of `look`.
   */
  look(look: () => Promise<SessionRevision | undefined>): Promise<boolean> {
    if (this.#host.closed) return Promise.reject(this.error("SESSION_CLOSED"));
    return this.#turns.run(async () => {
      const seen = await look();
      return this.isKnown && !this.saw(seen) && !this.#ended;
    });
  }

  /** Whether all that is known came from the row as it was last read. */
  get isKnown(): boolean {
    return this.#row !== undefined && !this.#stale && !this.#ended;
  }

  /** Sets these keys, all or none; `undefined` deletes. Resolves once durable; throws at once what the values themselves rule out. */
  set(entries: Entries, by?: Credential): Promise<void> {
    return this.#change(setting(entries, this.#limit), by);
  }

  delete(key: string, by?: Credential): Promise<void> {
    return this.#change((values) => values.delete(key), by);
  }

  clear(by?: Credential): Promise<void> {
    return this.#change((values) => values.clear(), by);
  }

  /** A change of any kind, all or nothing: what `apply` throws leaves the values as they were. */
  edit(apply: Apply, by?: Credential): Promise<void> {
    return this.#change(wholly(apply, this.#limit), by);
  }

  get #limit(): Limit {
    return { maxBytes: this.#host.maxBytes, sessionId: this.id };
  }

  #change(asked: Apply, by: Credential | undefined): Promise<void> {
    const apply = by ? allowed(asked, by, this.id) : asked;
    if (this.#ended) throw this.error("SESSION_ENDED");
    // A handler may have begun before that.
    if (this.#host.closed) throw this.error("SESSION_CLOSED");
    if (this.#changes.waiting >= MAX_WAITING_CHANGES) throw this.error("SESSION_QUEUE_FULL");
    const done = this.#changes.add(apply);
    this.#scheduleWrite();
    return done;
  }

  /** Deletes the row and ends the session; changes that still wait are rejected with `SESSION_ENDED`. */
  async destroy(reason: EndReason = "destroyed", by?: Credential): Promise<void> {
    if (this.#host.closed) throw this.error("SESSION_CLOSED");
    const deadline = this.deadline();
    // Not shared with others, who may destroy it where this one may not.
    if (by) return this.#turns.run(() => this.#delete(reason, deadline, by));
    this.#destroying ??= this.#turns
      .run(() => this.#delete(reason, deadline))
      .finally(() => {
        this.#destroying = undefined;
      });
    return this.#destroying;
  }

  async #delete(reason: EndReason, deadline: number, by?: Credential): Promise<void> {
    if (this.#ended && this.#ended !== "expired") return;
    // Whoever came by a token that has been replaced since must not end the session of the one who has it now.
    if (by && !this.#ended) {
      const row = await this.#load(deadline);
      if (this.#ended) return;
      if (!row) return this.end("destroyed");
      this.#adopt(row);
      by.check(this.saved.kept, this.id);
    }
    // Somebody else may have made room already, and begun anew; where this is read late, the DELETE finds it out.
    const onlyExpired = reason === "expired";
    if (onlyExpired && (await this.#load(deadline))?.data !== null) return;
    await settleDelete(this.#host, this.id, deadline, { onlyExpired });
    this.end(reason);
    this.#host.destroyed(this, reason);
  }

  error(code: SessionErrorCode, detail?: string): SessionError {
    return new SessionError(code, detail, { sessionId: this.id });
  }

  /** What piles up while a write is in flight goes out together in the next; reads get their turn in between. */
  #scheduleWrite(): void {
    if (this.#writeScheduled) return;
    this.#writeScheduled = true;
    // Later in this turn of the event loop, so that what is changed together is written together.
    if (this.#turns.begin()) queueMicrotask(() => this.#write());
    else
      void this.#turns.run(
        () =>
          new Promise<void>((resolve) => {
            this.#endTurn = resolve;
            this.#write();
          }),
      );
  }

  #write(): void {
    this.#writeScheduled = false;
    const base = this.#row;
    const deadline = this.deadline();
    if (this.#ended) return this.#written();
    if (this.#stale || !base) return void this.#readAndWrite(deadline);
    const values = this.#changes.take();
    if (!values) return this.#written();
    const attempt = base.attempt(this.id, values, this.#host.processId);
    this.#host.rows.sendWrite(new SentWrite(attempt, { base, values, deadline }, this));
  }

  async #readAndWrite(deadline: number): Promise<void> {
    try {
      const row = await this.#load(deadline);
      if (row) this.#adopt(row);
      else this.end("destroyed");
    } catch (error) {
      this.#changes.rejectAll(error);
    }
    if (this.#changes.waiting > 0) this.#write();
    else this.#written();
  }

  /** The store has answered a write; without promises where that is all there is to it, as it mostly is. @internal */
  answered(sent: SentWrite, matched: boolean | undefined | Promise<never>): void {
    if (matched === true) this.#take(sent, APPLIED);
    else void this.#settle(sent, matched);
  }

  async #settle(sent: SentWrite, matched: boolean | undefined | Promise<never>): Promise<void> {
    const { entry, base, deadline } = sent;
    this.#take(sent, await settleAttempt(this.#host, entry, base, deadline, matched));
  }

  #take(sent: SentWrite, outcome: Outcome): void {
    try {
      // Ended elsewhere meanwhile: what was in flight has been rejected.
      if (!this.#ended) this.#takeOutcome(sent, outcome);
    } catch (error) {
      // A row whose values cannot be read.
      this.#changes.rejectAll(error);
    }
    this.#written();
  }

  #takeOutcome({ entry, base, values }: SentWrite, outcome: Outcome): void {
    switch (outcome.verdict) {
      case "applied": {
        const before = this.saved;
        // Not from `base`: a touch may have moved the times meanwhile.
        this.#row = (this.#row ?? base).written(entry, values, this.#expiresAfter(entry, base));
        this.#identify(before.kept, values);
        this.#changes.applied(values);
        this.#host.changed(this, before, entry.revision);
        if (outcome.row) this.#adopt(outcome.row);
        return;
      }
      case "refused":
        // Somebody else wrote: run the same changes again on what is there now.
        this.#changes.putBack();
        return this.#adopt(outcome.row);
      case "ended":
        return this.end(outcome.reason);
      case "failed":
        this.#stale = outcome.uncertain;
        this.#changes.failed(outcome.error);
        if (outcome.row) this.#adopt(outcome.row);
    }
  }

  /** When the session ends after a write that changes its idle time, by this process's clock. */
  #expiresAfter({ idleSeconds }: WriteAttempt, { createdAt }: KnownRow): UnixSeconds | undefined {
    if (idleSeconds === undefined) return undefined;
    return this.#host.expiresAfter({ idleSeconds, createdAt }, this.databaseNow);
  }

  /** A write is over, whatever came of it. */
  #written(): void {
    const endTurn = this.#endTurn;
    if (this.#changes.waiting > 0 && !this.#writeScheduled) {
      // Where nobody waits for a turn, at once.
      if (!endTurn && this.#turns.isLast) return this.#write();
      this.#scheduleWrite();
    }
    this.#endTurn = undefined;
    if (endTurn) endTurn();
    else this.#turns.end();
  }

  async #load(deadline: number): Promise<SessionRow | undefined> {
    const row = await loadRow(this.#host, this.id, deadline);
    return this.#isBelieved(row) ? row : this.#lookAgain(row, deadline);
  }

  async #lookAgain(found: SessionRow | undefined, deadline: number): Promise<SessionRow | undefined> {
    const { clock, recentRows, lateReads } = this.#host;
    const load = () => loadRow(this.#host, this.id, deadline);
    const look = () => lookAgain(clock, load, (row) => this.#isBelieved(row));
    const isKnown = found || this.#row || this.#isExpected || recentRows.get(this.id);
    const row = await (isKnown ? look() : lateReads.forUnknown(look));
    if (this.#isBelieved(row)) return row;
    // From now on it is as the database says.
    recentRows.forget(this.id);
    if (row && row.data !== null) lateReads.insisted(this.id);
    return row;
  }

  /** Whether a row, or that there is none, can be what the database has: it may have been read from a node that lags behind. */
  #isBelieved(row: SessionRow | undefined): boolean {
    if (this.#ended) return true;
    const known = this.#row;
    const { recentRows } = this.#host;
    const recent = recentRows.get(this.id);
    if (!row) {
      if (known || recent || this.#isExpected) return false;
      return recentRows.isOver(this.id) || !this.#host.rows.isYoung(this.id);
    }
    if (row.data === null) {
      if (isExpiryInDoubt(row, known?.expires)) return false;
    } else if (recentRows.isOver(this.id, row.createdAt)) return false;
    if (known && known.revision !== row.revision && isLate(row, known.facts)) return false;
    return !recent || !isLate(row, recent);
  }

  /** Takes a row just read as what is known; throws `SESSION_DATA_INVALID` and leaves everything as it was. */
  #adopt(row: SessionRow): void {
    const { data } = row;
    if (data === null) {
      this.end("expired");
      // Not before: of a session that was never open here no end is told.
      this.#row ??= KnownRow.of(row, 0);
      return;
    }
    const moved = this.#row?.revision !== row.revision || this.#stale;
    const known = KnownRow.of(row, this.#host.clock.now(), moved ? undefined : this.#row);
    const values = moved ? Values.parse(data, this.id, known.identity) : this.saved;
    const isFirst = this.#row === undefined;
    this.#row = known;
    this.#stale = false;
    const before = this.saved;
    if (!isFirst) this.#identify(before.kept, values);
    this.#changes.rebase(values);
    if (moved && !isFirst) this.#host.changed(this, before);
  }

  /**
   * Before anybody sees the new values: the rooms of a login end with it, and who has the session open by another secret has no part in it any
   * more.
   */
  #identify(before: KeptIdentity, now: Values): void {
    if (before.userId !== null && before.userId !== now.kept.userId) this.#loginEnded(now.identity);
    if (opensBySame(before, now.kept)) return;
    for (const watcher of this.watchers) watcher.tokenChanged(now.identity);
  }

  #loginEnded(identity: Identity): void {
    const keep = keptRooms(this);
    for (const watcher of this.watchers) watcher.loginEnded(identity, keep);
  }

  /** Whoever was put into a room while the login ended leaves it too; not where somebody has logged in since. */
  leaveRooms(): void {
    const { identity } = this.saved;
    if (identity.userId === null) this.#loginEnded(identity);
  }

  /** For good: everybody who has it open is told. */
  end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.#changes.rejectAll(this.error("SESSION_ENDED"));
    this.#host.ended(this, reason);
    for (const watcher of this.watchers) watcher.ended(reason);
  }

  /** Until when what is asked for now may go on trying, in milliseconds of the clock. */
  deadline(): number {
    return this.#host.clock.now() + this.#host.storeTimeoutMs;
  }
}
