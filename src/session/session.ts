import { SmallSet } from "../base/small-set.js";
import { Turns } from "../base/turns.js";
import { SessionError, type SessionErrorCode } from "../errors.js";
import type { Outcome } from "../gateway/attempt-state.js";
import { isExpiryInDoubt } from "../gateway/late-reads.js";
import { expiresAfterTouch } from "../row/expiration.js";
import type { SessionRevision, SessionRow, UnixSeconds, WriteAttempt } from "../store.js";
import type { Credential } from "../token/credential.js";
import type { EndReason } from "../wire.js";
import { Change, type Changed, type ChangeOptions } from "./change.js";
import { Changes } from "./changes.js";
import { deleteRow } from "./delete-row.js";
import { type Apply, allOrNothing, type Edit, setEntries } from "./edits.js";
import { notifyIdentityChange } from "./identity-change.js";
import { KnownRow } from "./known-row.js";
import { readRow } from "./read-row.js";
import { SentWrite, type Writer } from "./sent-write.js";
import type { SessionHost, SessionWatcher } from "./session-host.js";
import { type Entries, Values } from "./values.js";

/**
 * Changes of one session that may wait for the store. Each is a promise of the application's; more is a
 * runaway loop.
 */
const MAX_WAITING_CHANGES = 10_000;

/**
 * The live object of one row in this process. Keeps the row as last known and the changes that are not in it
 * yet; talks to the store one operation at a time. Every write is one UPDATE on the condition that the row is
 * still as known; when it is not, or the answer is lost, the row is read and tells what happened
 * (`settleAttempt`). So no update is lost or doubled, and no ended session is written back to life.
 */
export class Session implements Writer, Changed {
  readonly id: string;
  /** Sockets and requests that have this session open. */
  holders = 0;
  readonly watchers = new SmallSet<SessionWatcher>();
  /** There has been a row, as who opens the session knows. */
  isExpected = false;
  readonly #host: SessionHost<Session>;
  readonly #changes = new Changes();
  #row: KnownRow | undefined;
  #isWriteScheduled = false;
  /** A read that was asked for and has not begun. */
  #nextRead: Promise<SessionRow | undefined> | undefined;
  #ended: EndReason | undefined;
  #destroying: Promise<void> | undefined;
  /** The last outcome is unknown: the row must be read before the next write. */
  #isStale = false;
  /** The order of operations on the row. */
  readonly turns: Turns<Session>;

  constructor(id: string, host: SessionHost<Session>) {
    this.id = id;
    this.#host = host;
    this.turns = new Turns(this, host);
  }

  /** Why the session is over; `undefined` while it is not. */
  get ended(): EndReason | undefined {
    return this.#ended;
  }

  /** Whether an operation is under way or a change waits. */
  get isBusy(): boolean {
    return this.turns.isBusy;
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

  /** Takes a row that was just inserted, or read. */
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
   * Reads the row, whatever is known already, and takes it over; `undefined` where there is none (the row of
   * a session that has expired is there, and tells whose it was). Who asks while a read has been asked for
   * and has not begun shares it. A row that is older than what is known, or missing though it is known or
   * `isExpected`, is looked for again. Errors: `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`,
   * `SESSION_DATA_INVALID`, `SESSION_CLOSED`, those of the store.
   */
  read({ isExpected = false, deadline = this.deadline() } = {}): Promise<SessionRow | undefined> {
    if (this.#host.isClosed) return Promise.reject(this.error("SESSION_CLOSED"));
    if (isExpected) this.isExpected = true;
    this.#nextRead ??= this.turns.run(async () => {
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
  applyTouch(times: Pick<SessionRow, "expires" | "visitedAt" | "previousVisitAt">): void {
    const { expires, visitedAt, previousVisitAt } = times;
    this.#row = this.#row?.with({ expires, visitedAt, previousVisitAt });
  }

  /**
   * Compares with what the sweep has just read of the row, or did not find. Answers whether the row itself
   * has to be read: somebody else has written it, or it is missing.
   */
  compareRevision(seen: SessionRevision | undefined): boolean {
    if (!this.#row || this.#ended) return false;
    if (!seen || seen.revision !== this.#row.revision) return true;
    if (isExpiryInDoubt(seen, this.#row.expires) || this.#host.recentRows.isBehind(this.id, seen.revision))
      return true;
    // This clock and the database's may not run alike, nor may this machine have been awake all the time.
    this.#row = this.#row.withTimes(seen, this.#host.clock.now());
    if (seen.expires <= seen.now) this.end("expired");
    return false;
  }

  /** Whether all that is known came from the row as it was last read. */
  get isKnown(): boolean {
    return this.#row !== undefined && !this.#isStale && !this.#ended;
  }

  /**
   * Sets these keys, all or none; `undefined` deletes. Resolves once durable; throws at once what the values
   * themselves rule out.
   */
  set(entries: Entries, by?: Credential): Promise<void> {
    return this.change(setEntries(entries), { by });
  }

  /** A change of any kind, all or nothing: what `apply` throws leaves the values as they were. */
  edit(apply: Apply, by?: Credential): Promise<void> {
    return this.change(allOrNothing(apply), { by });
  }

  /** One or the other. */
  change(edit: Edit, options: ChangeOptions): Promise<void> {
    if (this.#ended) throw this.error("SESSION_ENDED");
    // A handler may have begun before that.
    if (this.#host.isClosed) throw this.error("SESSION_CLOSED");
    if (this.#changes.waitingCount >= MAX_WAITING_CHANGES) throw this.error("SESSION_QUEUE_FULL");
    const change = this.#changes.add(new Change(edit, this, options));
    this.#scheduleWrite();
    return change.done;
  }

  get maxBytes(): number {
    return this.#host.maxBytes;
  }

  reportError(error: SessionError): void {
    this.#host.reportError(error);
  }

  /** Deletes the row and ends the session; changes that still wait are rejected with `SESSION_ENDED`. */
  async destroy(reason: EndReason = "destroyed", by?: Credential): Promise<void> {
    if (this.#host.isClosed) throw this.error("SESSION_CLOSED");
    const deadline = this.deadline();
    const run = () => this.turns.run(() => deleteRow<Session>(this, this.#host, { reason, deadline, by }));
    // Not shared with others, who may destroy it where this one may not.
    if (by) return run();
    this.#destroying ??= run().finally(() => {
      this.#destroying = undefined;
    });
    return this.#destroying;
  }

  error(code: SessionErrorCode, detail?: string): SessionError {
    return new SessionError(code, detail, { sessionId: this.id });
  }

  /** What piles up while a write is in flight goes out together in the next; reads get their turn between. */
  #scheduleWrite(): void {
    if (this.#isWriteScheduled) return;
    this.#isWriteScheduled = true;
    // Later in this turn of the event loop, so that what is changed together is written together.
    this.turns.take(() => this.#write());
  }

  #write(): void {
    this.#isWriteScheduled = false;
    const base = this.#row;
    const deadline = this.deadline();
    if (this.#ended) return this.#finishWrite();
    if (this.#isStale || !base) return void this.#readAndWrite(deadline);
    const values = this.#changes.take();
    if (!values) return this.#finishWrite();
    this.#host.store.sendWrite(new SentWrite({ base, values, deadline }, this, this.#host));
  }

  async #readAndWrite(deadline: number): Promise<void> {
    try {
      const row = await this.#load(deadline);
      if (row) this.#adopt(row);
      else this.end("destroyed");
    } catch (error) {
      this.#changes.rejectAll(error);
    }
    if (this.#changes.waitingCount > 0) this.#write();
    else this.#finishWrite();
  }

  /** It is known what became of a write. @internal */
  onOutcome(sent: SentWrite, outcome: Outcome): void {
    try {
      // Ended elsewhere meanwhile: what was in flight has been rejected.
      if (!this.#ended) this.#takeOutcome(sent, outcome);
    } catch (error) {
      // A row whose values cannot be read.
      this.#changes.rejectAll(error);
    }
    this.#finishWrite();
  }

  #takeOutcome({ entry, base, values }: SentWrite, outcome: Outcome): void {
    switch (outcome.verdict) {
      case "applied": {
        const before = this.saved;
        // Not from `base`: a touch may have moved the times meanwhile.
        this.#row = (this.#row ?? base).afterWrite(entry, values, this.#expiresAfterWrite(entry, base));
        notifyIdentityChange(this, before.compactIdentity, values);
        this.#changes.resolveTaken(values);
        this.#host.onChange(this, before, entry.revision);
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
        this.#isStale = outcome.isUncertain;
        this.#changes.rejectTaken(outcome.error);
        if (outcome.row) this.#adopt(outcome.row);
    }
  }

  /** When the session ends after a write that changes its idle time, by this process's clock. */
  #expiresAfterWrite({ idleSeconds }: WriteAttempt, { createdAt }: KnownRow): UnixSeconds | undefined {
    if (idleSeconds === undefined) return undefined;
    return expiresAfterTouch({ idleSeconds, createdAt }, this.databaseNow, this.#host.lives);
  }

  /** A write is over, whatever came of it. */
  #finishWrite(): void {
    if (this.#changes.waitingCount > 0 && !this.#isWriteScheduled) {
      // Where nobody waits for a turn, at once.
      if (this.turns.isLast) return this.#write();
      this.#scheduleWrite();
    }
    this.turns.end();
  }

  #load(deadline: number): Promise<SessionRow | undefined> {
    return readRow(this, this.#host, deadline);
  }

  /**
   * Takes a row just read as what is known; throws `SESSION_DATA_INVALID` and leaves everything as it was.
   */
  #adopt(row: SessionRow): void {
    const { data } = row;
    if (data === null) {
      this.end("expired");
      // Not before: of a session that was never open here no end is told.
      this.#row ??= KnownRow.of(row, 0);
      return;
    }
    const moved = this.#row?.revision !== row.revision || this.#isStale;
    const known = KnownRow.of(row, this.#host.clock.now(), moved ? undefined : this.#row);
    const values = moved ? Values.parse(data, this.id, known.identity) : this.saved;
    const isFirst = this.#row === undefined;
    this.#row = known;
    this.#isStale = false;
    const before = this.saved;
    if (!isFirst) notifyIdentityChange(this, before.compactIdentity, values);
    this.#changes.rebase(values);
    if (moved && !isFirst) this.#host.onChange(this, before);
  }

  /** For good: everybody who has it open is told. */
  end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.#changes.rejectAll(this.error("SESSION_ENDED"));
    this.#host.onEnd(this, reason);
    for (const watcher of this.watchers) watcher.onEnd(reason);
  }

  /** Until when what is asked for now may go on trying, in milliseconds of the clock. */
  deadline(): number {
    return this.#host.clock.now() + this.#host.storeTimeoutMs;
  }
}
