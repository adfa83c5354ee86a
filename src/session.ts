import { type AttemptHost, type KnownRow, loadExpectedRow, loadRow, settleAttempt } from "./attempt.js";
import { type Apply, Changes } from "./changes.js";
import { SessionError, type SessionErrorCode } from "./errors.js";
import { untilAnswered } from "./retry.js";
import type { SessionRevision, SessionRow, UnixSeconds, WriteAttempt } from "./store.js";
import { timeOfId } from "./token.js";
import { type Entries, setAll, Values } from "./values.js";
import type { EndReason } from "./wire.js";
import { newRevision, withWriter } from "./writers.js";

/** What a session needs of the registry that it lives in. */
export interface SessionHost extends AttemptHost {
  readonly maxBytes: number;
  readonly storeTimeoutMs: number;
  /** The database's clock as far as known, Unix milliseconds. */
  readonly storeNowMs: number;
  deleteRow(sessionId: string): Promise<void>;
  /** The row moved: by a write of this process (`written` is its revision), or by somebody else's that was noticed. */
  changed(session: Session, before: Values, written?: number): void;
  /** This process deleted the row. */
  destroyed(session: Session): void;
  /** The session has ended, for good. */
  ended(session: Session, reason: EndReason): void;
  /** Nothing of this session waits for the store any more. */
  settled(session: Session): void;
}

/** Hears when a session that it has open ends. */
export interface SessionWatcher {
  ended(reason: EndReason): void;
}

/** Changes of one session that may wait for the store. Each is a promise of the application's; more is a runaway loop. */
const MAX_WAITING_CHANGES = 10_000;
/** An id younger than this may not have reached every node of a cluster of databases yet. */
const YOUNG_MS = 10_000;

/**
 * The live object of one row in this process. Keeps the row as last known and the changes that are not in it yet; talks to
 * the store one operation at a time. Every write is one UPDATE on the condition that the row is still as known; when it is
 * not, or the answer is lost, the row is read and tells what happened ({@link settleAttempt}). So no update is lost or doubled, and no
 * ended session is written back to life.
 */
export class Session {
  readonly id: string;
  /** Sockets and requests that have this session open. */
  holders = 0;
  readonly watchers = new Set<SessionWatcher>();
  readonly #host: SessionHost;
  readonly #changes = new Changes();
  #row: KnownRow | undefined;
  /** `clock.now()` when {@link #row} was read: row time plus what has passed since is the database's time now. */
  #readAtMs = 0;
  #writeScheduled = false;
  /** A read that was asked for and has not begun. */
  #nextRead: Promise<SessionRow | undefined> | undefined;
  #ended: EndReason | undefined;
  /** The last outcome is unknown: the row must be read before the next write. */
  #stale = false;
  #lastOperation: Promise<unknown> = Promise.resolve();
  #operations = 0;

  constructor(id: string, host: SessionHost) {
    this.id = id;
    this.#host = host;
  }

  /** Why the session is over; `undefined` while it is not. */
  get ended(): EndReason | undefined {
    return this.#ended;
  }

  /** Whether an operation is under way or a change waits. */
  get busy(): boolean {
    return this.#operations > 0;
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
    return (this.#row?.now ?? 0) + Math.floor((this.#host.clock.now() - this.#readAtMs) / 1000);
  }

  /** Takes the row of a session that was just inserted. */
  begin(row: SessionRow): void {
    this.#adopt(row);
  }

  /**
   * Reads the row, whatever is known already, and takes it over; `undefined` where there is none. Who asks while a read has
   * been asked for and has not begun shares it.
   * Errors: `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_DATA_INVALID` and those of the store.
   */
  read(): Promise<SessionRow | undefined> {
    this.#nextRead ??= this.#exclusively(async () => {
      this.#nextRead = undefined;
      const row = await this.#load();
      // What ended meanwhile stays ended, whatever the row showed before that.
      if (this.#ended) return undefined;
      if (row) this.#adopt(row);
      else if (this.#row) this.#end("destroyed");
      return row;
    });
    return this.#nextRead;
  }

  /** Notes a touch, so that what handles show agrees with the row without reading it again. */
  touched(times: Pick<SessionRow, "expires" | "visitedAt" | "previousVisitAt">): void {
    const { expires, visitedAt, previousVisitAt } = times;
    if (this.#row) this.#row = { ...this.#row, expires, visitedAt, previousVisitAt };
  }

  /**
   * Compares with what the sweep has just read of the row, or did not find. Answers whether the row itself has to be read:
   * somebody else has written it, or it is missing.
   */
  saw(seen: SessionRevision | undefined): boolean {
    if (!this.#row || this.#ended) return false;
    if (!seen) return true;
    if (seen.expires <= seen.now) this.#end("expired");
    else if (seen.revision !== this.#row.revision) return true;
    else if (seen.expires >= this.#row.expires) this.touched(seen);
    return false;
  }

  /** Sets these keys, all or none; `undefined` deletes. Resolves once durable; throws at once what the values themselves rule out. */
  set(entries: Entries): Promise<void> {
    const [first] = entries;
    if (entries.length !== 1 || !first) return this.edit((values) => setAll(values, entries));
    // The common case, without a copy of everything.
    const [key, text] = first;
    if (text === undefined) return this.delete(key);
    return this.#change((values) => {
      this.#checkSize(values.bytesWith(key, text), values.bytes);
      values.set(key, text);
    });
  }

  delete(key: string): Promise<void> {
    return this.#change((values) => values.delete(key));
  }

  clear(): Promise<void> {
    return this.#change((values) => values.clear());
  }

  /** A change of any kind, all or nothing: what `apply` throws leaves the values as they were. */
  edit(apply: Apply): Promise<void> {
    return this.#change((values) => {
      const target = values.copy();
      apply(target);
      this.#checkSize(target.bytes, values.bytes);
      values.assign(target);
    });
  }

  #change(apply: Apply): Promise<void> {
    if (this.#ended) throw this.error("SESSION_ENDED");
    if (this.#changes.waiting >= MAX_WAITING_CHANGES) throw this.error("SESSION_QUEUE_FULL");
    const done = this.#changes.add(apply);
    this.#scheduleWrite();
    return done;
  }

  /** Deletes the row and ends the session; changes that still wait are rejected with `SESSION_ENDED`. */
  destroy(): Promise<void> {
    return this.#exclusively(async () => {
      if (this.#ended === "destroyed") return;
      await untilAnswered(this.#host.clock, this.#deadline(), () => this.#host.deleteRow(this.id));
      this.#end("destroyed");
      this.#host.destroyed(this);
    });
  }

  /** Somebody else, who knows, says that the session is over. */
  end(reason: EndReason): void {
    this.#end(reason);
  }

  error(code: SessionErrorCode, detail?: string): SessionError {
    return new SessionError(code, detail, { sessionId: this.id });
  }

  #checkSize(bytes: number, before: number): void {
    // What is over the limit already (it was lowered) may still shrink.
    if (bytes <= this.#host.maxBytes || bytes <= before) return;
    throw this.error("SESSION_TOO_LARGE", `${bytes} bytes, the limit is ${this.#host.maxBytes}`);
  }

  /** What piles up while a write is in flight goes out together in the next; reads get their turn in between. */
  #scheduleWrite(): void {
    if (this.#writeScheduled) return;
    this.#writeScheduled = true;
    void this.#exclusively(async () => {
      this.#writeScheduled = false;
      try {
        await this.#write();
      } catch (error) {
        this.#changes.rejectAll(error);
      }
      if (this.#changes.waiting > 0) this.#scheduleWrite();
    });
  }

  async #write(): Promise<void> {
    const deadline = this.#deadline();
    if (this.#stale || !this.#row) {
      const row = await this.#load();
      if (!row) return this.#end("destroyed");
      this.#adopt(row);
    }
    const base = this.#row;
    if (!base || this.#ended) return;
    const values = this.#changes.take();
    if (!values) return;

    const revision = newRevision();
    const attempt: WriteAttempt = {
      sessionId: this.id,
      baseRevision: base.revision,
      revision,
      data: values.toText(),
      writers: withWriter(base.writers, this.#host.processId, revision),
    };
    const outcome = await settleAttempt(this.#host, attempt, base, deadline);
    // Ended elsewhere meanwhile: what was in flight has been rejected.
    if (this.#ended) return;
    switch (outcome.verdict) {
      case "applied": {
        const before = this.saved;
        // Not from `base`: a touch may have moved the times meanwhile.
        this.#row = { ...(this.#row ?? base), revision, writers: attempt.writers };
        this.#changes.applied(values);
        this.#host.changed(this, before, revision);
        if (outcome.row) this.#adopt(outcome.row);
        return;
      }
      case "refused":
        // Somebody else wrote: run the same changes again on what is there now.
        this.#changes.putBack();
        return this.#adopt(outcome.row);
      case "ended":
        return this.#end(outcome.reason);
      case "failed":
        this.#stale = outcome.uncertain;
        this.#changes.failed(outcome.error);
        if (outcome.row) this.#adopt(outcome.row);
    }
  }

  #load(): Promise<SessionRow | undefined> {
    const isYoung = Math.abs(this.#host.storeNowMs - timeOfId(this.id)) < YOUNG_MS;
    const load = this.#row || isYoung ? loadExpectedRow : loadRow;
    return load(this.#host, this.id, this.#deadline());
  }

  /** Takes a row just read as what is known; throws `SESSION_DATA_INVALID` and leaves everything as it was. */
  #adopt(row: SessionRow): void {
    if (row.data === null) return this.#end("expired");
    const moved = this.#row?.revision !== row.revision || this.#stale;
    const values = moved ? Values.parse(row.data, this.id) : this.saved;
    const isFirst = this.#row === undefined;
    const { data: _, ...known } = row;
    this.#row = known;
    this.#readAtMs = this.#host.clock.now();
    this.#stale = false;
    const before = this.saved;
    this.#changes.rebase(values);
    if (moved && !isFirst) this.#host.changed(this, before);
  }

  #end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.#changes.rejectAll(this.error("SESSION_ENDED"));
    this.#host.ended(this, reason);
    for (const watcher of [...this.watchers]) watcher.ended(reason);
  }

  /** One operation on the store at a time, in the order of asking. */
  #exclusively<T>(operation: () => Promise<T>): Promise<T> {
    this.#operations++;
    const result = this.#lastOperation.then(operation);
    const done = () => {
      this.#operations--;
      if (!this.busy) this.#host.settled(this);
    };
    this.#lastOperation = result.then(done, done);
    return result;
  }

  #deadline(): number {
    return this.#host.clock.now() + this.#host.storeTimeoutMs;
  }
}
