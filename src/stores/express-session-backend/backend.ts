import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "../../base/clock.js";
import { TurnsByKey } from "../../base/turns-by-key.js";
import { SessionError } from "../../errors.js";
import {
  type LegacyRow,
  type NewSession,
  type SessionRevision,
  type SessionRow,
  type SessionStore,
  StoreFault,
  type StoreSettings,
  type UnixSeconds,
  type WriteAttempt,
} from "../../store.js";
import { mintToken } from "../../token/token.js";
import { insertedRow, loadedRow, revisionOf, touchedRow, writtenRow } from "../row-rules.js";
import { Operation } from "./operation.js";
import { isSameRow, toAdoptedRow, toRecord, toRow } from "./record.js";
import type { ConnectStoreLike } from "./store-like.js";

interface BackendOptions {
  readonly lastWriteWins: boolean;
  readonly clock: Clock;
}

/** Each Connect store has one, whoever uses it in this process: else they would overwrite each other. */
const turnsOf = new WeakMap<ConnectStoreLike, TurnsByKey<string>>();

/** The wall clock, as there is no other that processes and restarts share. */
export const wallClock: Clock = { ...systemClock, now: () => Date.now() };

/** Rows in a Connect store. */
export class ExpressSessionBackend implements SessionStore {
  readonly shared: boolean;
  readonly adoptsCookies = true;
  readonly #store: ConnectStoreLike;
  readonly #settings: StoreSettings;
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #turns: TurnsByKey<string>;

  constructor(store: ConnectStoreLike, settings: StoreSettings, { lastWriteWins, clock }: BackendOptions) {
    this.shared = lastWriteWins;
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#startedAtMs = Date.now() - this.#clock.now();
    this.#turns = turnsOf.get(store) ?? new TurnsByKey();
    turnsOf.set(store, this.#turns);
  }

  async load(sessionIds: readonly string[]): Promise<SessionRow[]> {
    const operation = new Operation(this.#store);
    // Besides whatever is under way: a record is replaced whole.
    const found = await this.#within(operation, () => Promise.all(sessionIds.map((id) => operation.get(id))));
    const now = this.#now;
    return sessionIds.flatMap((id, n) => {
      const row = toRow(found[n], id);
      return row ? [loadedRow(row, now)] : [];
    });
  }

  insert(sessions: readonly NewSession[]): Promise<(SessionRow | null)[]> {
    return forEach(sessions, (session) =>
      this.#alone(session.sessionId, async (operation) => {
        // Whatever it is: it is not ours to overwrite.
        if (await operation.get(session.sessionId)) return null;
        const now = this.#now;
        const row = insertedRow(session, now, this.#settings);
        await operation.set(session.sessionId, toRecord(row, now));
        return loadedRow(row, now);
      }),
    );
  }

  write(attempts: readonly WriteAttempt[]): Promise<boolean[]> {
    return forEach(attempts, async (attempt) => {
      const { sessionId } = attempt;
      return this.#alone(sessionId, async (operation) => {
        const row = toRow(await operation.get(sessionId), sessionId);
        const now = this.#now;
        const written = writtenRow(row, attempt, now, this.#settings);
        if (written) await operation.set(sessionId, toRecord(written, now));
        return written !== undefined;
      });
    });
  }

  async touch(sessionIds: readonly string[], { beginVisit }: { beginVisit: boolean }): Promise<string[]> {
    await forEach(sessionIds, (id) =>
      this.#alone(id, async (operation) => {
        const row = toRow(await operation.get(id), id);
        const now = this.#now;
        const touched = touchedRow(row, now, { ...this.#settings, beginVisit });
        // Not by the store's own `touch`: when the session expires stands in the record.
        if (touched) await operation.set(id, toRecord(touched, now));
      }),
    );
    return [];
  }

  async delete(sessionIds: readonly string[], { onlyExpired = false } = {}): Promise<void> {
    await forEach(sessionIds, (id) =>
      this.#alone(id, async (operation) => {
        const row = toRow(await operation.get(id), id);
        // What is not ours stays.
        if (row && !(onlyExpired && row.expires > this.#now)) await operation.destroy(id);
      }),
    );
  }

  async loadRevisions(sessionIds: readonly string[]): Promise<SessionRevision[]> {
    return (await this.load(sessionIds)).map((row) => revisionOf(row, row.now));
  }

  /**
   * Takes sessions over that express-session keeps in the same store. Ours is written before the old record
   * is destroyed, so that no interruption logs anybody out, and is a session only after that: one that has
   * ended must not be taken over once more.
   */
  async adopt(legacy: readonly LegacyRow[]): Promise<void> {
    await forEach(legacy, (one) =>
      this.#alone(one.sessionId, async (operation) => {
        const now = this.#now;
        const old = toAdoptedRow(await operation.get(one.text), one, now, this.#settings);
        const ours = await operation.get(one.sessionId);
        const begun = toRow(ours, one.sessionId, { isBegun: true });
        const row = ours && !begun ? undefined : (old ?? begun);
        if (row && old) await operation.set(one.sessionId, toRecord(row, now, { isBegun: true }));
        if (old) await operation.destroy(one.text);
        if (row) await operation.set(one.sessionId, toRecord(row, now));
      }),
    );
  }

  /**
   * Errors: `SESSION_STORE_FAILED` where the store does not give back what it was given, {@link StoreFault}.
   */
  async check(): Promise<void> {
    const { sessionId } = mintToken(this.now());
    const now = this.#now;
    const session: NewSession = {
      sessionId,
      secretHash: randomBytes(32),
      data: JSON.stringify({ text: "\"'\\ %_ \u{1f600}\0", number: 2 ** 53 - 1 }),
      client: null,
      revision: 2 ** 53 - 1,
      writers: randomBytes(16),
    };
    const record = toRecord(insertedRow(session, now, this.#settings), now);
    const isSame = await this.#alone(sessionId, async (operation) => {
      await operation.set(sessionId, record);
      const row = toRow(await operation.get(sessionId), sessionId);
      await operation.destroy(sessionId);
      return row !== undefined && isSameRow(toRecord(row, now), record);
    });
    if (!isSame)
      throw new SessionError(
        "SESSION_STORE_FAILED",
        "the Connect store does not give back what it was given",
      );
  }

  now(): number {
    return (this.#startedAtMs + this.#clock.now()) / 1000;
  }

  get #now(): UnixSeconds {
    return Math.floor(this.now());
  }

  /** One operation at a time on each session: what was read is still true when the record is written. */
  #alone<Result>(sessionId: string, run: (operation: Operation) => Promise<Result>): Promise<Result> {
    const operation = new Operation(this.#store);
    return this.#within(operation, () =>
      this.#turns.run(sessionId, () => run(operation), operation.released),
    );
  }

  /** Half of the time that a caller waits: so it can still find out what became of it. */
  #within<Result>(operation: Operation, run: () => Promise<Result>): Promise<Result> {
    return operation.within(this.#clock, this.#settings.storeTimeout * 500, run);
  }
}

/**
 * All at once. A fault concerns the whole list, so it may say "surely without effect" only where that is true
 * of every entry.
 */
async function forEach<Entry, Result>(
  entries: readonly Entry[],
  run: (entry: Entry) => Promise<Result>,
): Promise<Result[]> {
  const settled = await Promise.allSettled(entries.map(run));
  const failed = settled.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
  if (failed.length === 0) return settled.map((each) => (each as PromiseFulfilledResult<Result>).value);
  const unknown = failed.find((error) => error instanceof StoreFault && error.kind === "unknown");
  const first = unknown ?? failed[0];
  if (unknown || failed.length === entries.length || !(first instanceof StoreFault)) throw first;
  throw new StoreFault("unknown", first.message, { cause: first.cause });
}
