import { Batch } from "./batch.js";
import type { Clock } from "./clock.js";
import { SessionError } from "./errors.js";
import type { Log } from "./log.js";
import type { Settings } from "./options.js";
import { Backoff, isPassing, storeError } from "./retry.js";
import { Session, type SessionHost } from "./session.js";
import {
  type NewSession,
  type SessionRow,
  type SessionStore,
  VISIT_GAP,
  type WriteAttempt,
} from "./store.js";
import { mintToken, type PresentedToken, sameHash } from "./token.js";
import { Values } from "./values.js";
import type { ClientDescription } from "./wire.js";
import { newProcessId, newRevision, withWriter } from "./writers.js";

/** What became of a token that was presented. */
export type Opened = { found: "session"; session: Session } | { found: "nothing" } | { found: "expired" };

/** New ids that may turn out to be taken; more than one points to another unique key in the table. */
const MAX_TAKEN_IDS = 3;

/** A session just created, and the token that opens it. */
export interface Minted {
  readonly session: Session;
  readonly token: PresentedToken;
}

/**
 * The registry: opens and mints sessions, sees to it that a row has one live object in this process, and carries what those
 * objects ask of the store. Whoever gets a session from here holds it until `release`.
 */
export class SessionRegistry implements SessionHost {
  readonly clock: Clock;
  readonly log: Log;
  readonly processId = newProcessId();
  readonly maxBytes: number;
  readonly storeTimeoutMs: number;
  readonly #settings: Settings;
  readonly #live = new Map<string, Session>();
  readonly #loads: Batch<string, SessionRow | undefined>;
  readonly #inserts: Batch<NewSession, SessionRow | null>;
  readonly #writes: Batch<WriteAttempt, boolean>;
  readonly #touches: Batch<string, void>;
  readonly #visits: Batch<string, void>;
  readonly #onError: (error: SessionError) => void;
  readonly #touching = new Set<Promise<unknown>>();
  #closed = false;
  #whenIdle: (() => void)[] = [];

  constructor(settings: Settings, store: SessionStore, onError: (error: SessionError) => void) {
    this.#settings = settings;
    this.clock = settings.clock;
    this.log = settings.log;
    this.maxBytes = settings.maxBytes;
    this.storeTimeoutMs = settings.storeTimeout * 1000;
    this.#onError = onError;
    this.#loads = new Batch(async (ids) => {
      const rows = new Map((await store.load(ids)).map((row) => [row.sessionId, row]));
      return ids.map((id) => rows.get(id));
    });
    this.#inserts = new Batch((sessions) => store.insert(sessions));
    this.#writes = new Batch((attempts) => store.write(attempts));
    const touchBatch = (options: { beginVisit: boolean }) =>
      new Batch<string, void>(async (ids) => {
        await store.touch(ids, options);
        return ids.map(() => undefined);
      });
    this.#touches = touchBatch({ beginVisit: false });
    this.#visits = touchBatch({ beginVisit: true });
  }

  loadRow(sessionId: string): Promise<SessionRow | undefined> {
    return this.#loads.add(sessionId);
  }

  writeRow(attempt: WriteAttempt): Promise<boolean> {
    return this.#writes.add(attempt);
  }

  settled(session: Session): void {
    if (session.holders === 0 && this.#live.get(session.id) === session) this.#live.delete(session.id);
    if (this.#whenIdle.length === 0 || this.#busy()) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Logs and announces a change that was not saved: the application may not be waiting for its promise. */
  failed(error: SessionError): void {
    const { code, sessionId } = error;
    this.log.error({ code, ...(sessionId && { sessionId }) }, error.message);
    this.#onError(error);
  }

  /** Every live session: those that a socket or request has open. */
  live(): IterableIterator<Session> {
    return this.#live.values();
  }

  /**
   * Opens the session that a token belongs to. Reads the row each time, also when the session is live here already.
   * Errors: those of {@link Session.read}, `SESSION_CLOSED`.
   */
  open(token: PresentedToken): Promise<Opened> {
    return this.reopen(token.sessionId, (row) => sameHash(row.secretHash, token.secretHash));
  }

  /** Opens a session by its id alone, for a caller that has other proof, which `isAllowed` checks against the row. */
  async reopen(sessionId: string, isAllowed: (row: SessionRow) => boolean): Promise<Opened> {
    this.#refuseWhenClosed();
    // Registered, and held, before its row is read: whatever happens to the session meanwhile finds it.
    const session = this.hold(sessionId);
    let opened: Opened = { found: "nothing" };
    try {
      const row = await session.read();
      if (row && isAllowed(row)) {
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
    if (opened.found === "session") void this.touchDue([session], { beginVisit: true });
    return opened;
  }

  /** Creates a session and its token. Errors: `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_CLOSED`. */
  async mint(client: ClientDescription | null): Promise<Minted> {
    this.#refuseWhenClosed();
    const deadline = this.clock.now() + this.storeTimeoutMs;
    const backoff = new Backoff(this.clock);
    let token = mintToken();
    for (let taken = 0; ; ) {
      const revision = newRevision();
      const fresh: NewSession = {
        sessionId: token.sessionId,
        secretHash: token.secretHash,
        data: Values.empty().toText(),
        client,
        revision,
        writers: withWriter(new Uint8Array(), this.processId, revision),
      };
      try {
        const row = (await this.#inserts.add(fresh)) ?? (await this.#ownRow(token));
        if (row) {
          const session = this.hold(token.sessionId);
          session.begin(row);
          return { session, token };
        }
        // Somebody else's row has that id; with 74 random bits that does not happen by chance.
        if (++taken === MAX_TAKEN_IDS)
          throw new SessionError("SESSION_STORE_FAILED", "each new session id was taken");
        token = mintToken();
      } catch (error) {
        if (!isPassing(error) || this.clock.now() >= deadline) throw storeError(error);
        // The same row again: if the lost answer was a success, its hash tells.
        await backoff.wait();
      }
    }
  }

  /** After "that id is taken": the row, if it is the one that an earlier try of ours inserted. */
  async #ownRow(token: PresentedToken): Promise<SessionRow | undefined> {
    const row = await this.loadRow(token.sessionId);
    return row && sameHash(row.secretHash, token.secretHash) ? row : undefined;
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
    }
    current.holders++;
    return current;
  }

  /** Gives back what `open`, `mint` or `hold` gave. Changes on their way are still written. */
  release(session: Session): void {
    session.holders--;
    if (session.holders === 0 && !session.busy && this.#live.get(session.id) === session)
      this.#live.delete(session.id);
  }

  /**
   * Writes that these sessions are in use, where enough time has passed since that was last written. Only an open begins a
   * visit: a socket that stays connected is one visit, however long. Never rejects.
   */
  async touchDue(sessions: Iterable<Session>, { beginVisit }: { beginVisit: boolean }): Promise<void> {
    const touches = Promise.all(Array.from(sessions, (session) => this.#touchWhenDue(session, beginVisit)));
    this.#touching.add(touches);
    await touches;
    this.#touching.delete(touches);
  }

  async #touchWhenDue(session: Session, beginVisit: boolean): Promise<void> {
    const { expiration, absoluteExpiration, touchEvery } = this.#settings;
    const { row } = session;
    if (!row || session.ended) return;
    const now = session.databaseNow;
    const expires = Math.min(now + expiration, row.createdAt + absoluteExpiration);
    const newVisit = beginVisit && now - row.visitedAt > VISIT_GAP;
    if (expires - row.expires < touchEvery && !newVisit) return;
    // Shown at once; if the statement fails, it is taken back, and the next sweep tries again.
    session.touched({
      expires: Math.max(row.expires, expires),
      visitedAt: now,
      previousVisitAt: newVisit ? row.visitedAt : row.previousVisitAt,
    });
    try {
      await (beginVisit ? this.#visits : this.#touches).add(session.id);
    } catch (error) {
      session.touched(row);
      const { code, message } = storeError(error);
      this.log.warn({ code, sessionId: session.id }, `a touch was not written: ${message}`);
    }
  }

  /** Refuses new work, waits until every change and touch on its way is written or rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#touching);
    if (!this.#busy()) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  #busy(): boolean {
    for (const session of this.#live.values()) if (session.busy) return true;
    return false;
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new SessionError("SESSION_CLOSED");
  }
}
