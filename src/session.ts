import { type AttemptHost, type KnownRow, loadRow, settleAttempt } from "./attempt.js";
import { SessionError, toSessionError } from "./errors.js";
import type { SessionRow, UnixSeconds, WriteAttempt } from "./store.js";
import { Values } from "./values.js";
import { newRevision, withWriter } from "./writers.js";

/** What a session needs of the registry that it lives in. */
export interface SessionHost extends AttemptHost {
  readonly maxBytes: number;
  readonly storeTimeoutMs: number;
  /** Nothing of this session waits for the store any more. */
  settled(session: Session): void;
}

/** Keys with their JSON texts; `undefined` deletes. */
export type Entries = readonly (readonly [key: string, text: string | undefined])[];

/** A change that waits to be written, or is being written. */
interface Change {
  /** Runs on the newest values known, again if the row has moved; throws a {@link SessionError} if it cannot be. */
  readonly apply: (values: Values) => void;
  readonly resolve: () => void;
  readonly reject: (error: SessionError) => void;
}

/** Changes of one session that may wait for the store. Each is a promise of the application's; more is a runaway loop. */
const MAX_WAITING_CHANGES = 10_000;

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
  readonly #host: SessionHost;
  #row: KnownRow | undefined;
  /** `clock.now()` when {@link #row} was read: row time plus what has passed since is the database's time now. */
  #readAtMs = 0;
  /** The values in {@link #row}. */
  #saved = Values.empty();
  /** What `get` shows: saved values with every change on its way. The same object as `#saved` when there is none. */
  #visible = this.#saved;
  #waiting: Change[] = [];
  #inFlight: Change[] = [];
  #writeScheduled = false;
  #ended = false;
  /** The last outcome is unknown: the row must be read before the next write. */
  #stale = false;
  #lastOperation: Promise<unknown> = Promise.resolve();
  #operations = 0;

  constructor(id: string, host: SessionHost) {
    this.id = id;
    this.#host = host;
  }

  get ended(): boolean {
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
    return this.#visible;
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
   * Reads the row, whatever is known already, and takes it over; `undefined` where there is none.
   * Errors: `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_DATA_INVALID` and those of the store.
   */
  read(): Promise<SessionRow | undefined> {
    return this.#exclusively(async () => {
      const row = await this.#load(this.#deadline());
      if (row) this.#adopt(row);
      return row;
    });
  }

  /** Notes a touch, so that what handles show agrees with the row without reading it again. */
  touched(times: Pick<SessionRow, "expires" | "visitedAt" | "previousVisitAt">): void {
    const { expires, visitedAt, previousVisitAt } = times;
    if (this.#row) this.#row = { ...this.#row, expires, visitedAt, previousVisitAt };
  }

  /** Sets these keys; `undefined` deletes. Resolves once durable; throws at once what the values themselves rule out. */
  set(entries: Entries): Promise<void> {
    return this.#change((values) => this.#setAll(values, entries));
  }

  delete(key: string): Promise<void> {
    return this.#change((values) => values.delete(key));
  }

  clear(): Promise<void> {
    return this.#change((values) => values.clear());
  }

  /** All or nothing: throws `SESSION_TOO_LARGE` before anything is changed. */
  #setAll(values: Values, entries: Entries): void {
    const [first] = entries;
    if (entries.length === 1 && first) {
      // The common case, without a copy of everything.
      const [key, text] = first;
      if (text === undefined) return values.delete(key);
      this.#checkSize(values.bytesWith(key, text), values.bytes);
      return values.set(key, text);
    }
    const target = values.copy();
    for (const [key, text] of entries) {
      if (text === undefined) target.delete(key);
      else target.set(key, text);
    }
    this.#checkSize(target.bytes, values.bytes);
    values.assign(target);
  }

  #checkSize(bytes: number, before: number): void {
    // What is over the limit already (it was lowered) may still shrink.
    if (bytes <= this.#host.maxBytes || bytes <= before) return;
    const sizes = `${bytes} bytes, the limit is ${this.#host.maxBytes}`;
    throw new SessionError("SESSION_TOO_LARGE", sizes, { sessionId: this.id });
  }

  #change(apply: Change["apply"]): Promise<void> {
    if (this.#ended) throw this.#error("SESSION_ENDED");
    if (this.#waiting.length >= MAX_WAITING_CHANGES) throw this.#error("SESSION_QUEUE_FULL");
    // A change that cannot be applied throws here, and leaves what is shown as it was.
    const visible = this.#visible === this.#saved ? this.#saved.copy() : this.#visible;
    apply(visible);
    this.#visible = visible;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ apply, resolve, reject });
      this.#scheduleWrite();
    });
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
        this.#rejectAll(toSessionError(error));
      }
      if (this.#waiting.length > 0) this.#scheduleWrite();
    });
  }

  async #write(): Promise<void> {
    const deadline = this.#deadline();
    if (this.#stale || !this.#row) {
      const row = await this.#load(deadline);
      if (!row || row.data === null) return this.#end();
      this.#adopt(row);
    }
    const base = this.#row;
    if (!base || this.#ended) return;
    const values = this.#saved.copy();
    this.#inFlight = this.#applied(this.#waiting, values);
    this.#waiting = [];
    if (this.#inFlight.length === 0) return;

    const revision = newRevision();
    const attempt: WriteAttempt = {
      sessionId: this.id,
      baseRevision: base.revision,
      revision,
      data: values.toText(),
      writers: withWriter(base.writers, this.#host.processId, revision),
    };
    const outcome = await settleAttempt(this.#host, attempt, base, deadline);
    const changes = this.#inFlight;
    this.#inFlight = [];
    switch (outcome.verdict) {
      case "applied":
        for (const change of changes) change.resolve();
        if (outcome.row) return this.#adopt(outcome.row);
        // Not from `base`: a touch may have moved the times meanwhile.
        this.#row = { ...(this.#row ?? base), revision, writers: attempt.writers };
        this.#saved = values;
        return this.#refreshVisible();
      case "refused":
        // Somebody else wrote: run the same changes again on what is there now.
        this.#waiting = [...changes, ...this.#waiting];
        return this.#adopt(outcome.row);
      case "ended":
        this.#waiting = [...changes, ...this.#waiting];
        return this.#end();
      case "failed":
        for (const change of changes) change.reject(outcome.error);
        if (outcome.row) return this.#adopt(outcome.row);
        this.#stale = outcome.uncertain;
        return this.#refreshVisible();
    }
  }

  #load(deadline: number): Promise<SessionRow | undefined> {
    return loadRow(this.#host, this.id, deadline);
  }

  /** Takes a row just read as what is known; throws `SESSION_DATA_INVALID` and leaves everything as it was. */
  #adopt(row: SessionRow): void {
    if (row.data === null) return this.#end();
    if (this.#row?.revision !== row.revision || this.#stale) this.#saved = Values.parse(row.data, this.id);
    const { data: _, ...known } = row;
    this.#row = known;
    this.#readAtMs = this.#host.clock.now();
    this.#stale = false;
    this.#refreshVisible();
  }

  #refreshVisible(): void {
    const changes = [...this.#inFlight, ...this.#waiting];
    if (changes.length === 0) {
      this.#visible = this.#saved;
      return;
    }
    this.#visible = this.#saved.copy();
    for (const change of changes) {
      try {
        change.apply(this.#visible);
      } catch {
        // Not to be shown; it is rejected when its turn to be written comes.
      }
    }
  }

  /** Applies what can be applied to `values`; rejects the rest. */
  #applied(changes: readonly Change[], values: Values): Change[] {
    return changes.filter((change) => {
      try {
        change.apply(values);
        return true;
      } catch (error) {
        change.reject(toSessionError(error));
        return false;
      }
    });
  }

  #end(): void {
    this.#ended = true;
    this.#rejectAll(this.#error("SESSION_ENDED"));
  }

  #rejectAll(error: SessionError): void {
    const changes = [...this.#inFlight, ...this.#waiting];
    this.#inFlight = [];
    this.#waiting = [];
    this.#visible = this.#saved;
    for (const change of changes) change.reject(error);
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

  #error(code: SessionError["code"]): SessionError {
    return new SessionError(code, undefined, { sessionId: this.id });
  }
}
