import { Batch } from "./batch.js";
import { SessionError } from "./errors.js";
import type {
  LegacyRow,
  NewSession,
  SessionRevision,
  SessionRow,
  SessionStore,
  UserSession,
  WriteAttempt,
} from "./store.js";

/** A store that can find out its clock where `now()` is a guess before its first answer; the MySQL store can. */
interface HearingStore extends SessionStore {
  hear?(): Promise<void>;
}

/** The registry's way to the store: one entry in, one answer out, gathered into statements on the way. */
export class Rows {
  readonly #store: HearingStore;
  readonly #loads: Batch<string, SessionRow | undefined>;
  readonly #inserts: Batch<NewSession, SessionRow | null>;
  readonly #writes: Batch<WriteAttempt, boolean>;
  readonly #touches: Batch<string, void>;
  readonly #visits: Batch<string, void>;
  readonly #deletes: Batch<string, void>;

  constructor(store: HearingStore) {
    this.#store = store;
    this.#loads = new Batch(async (ids) => byId(ids, await store.load(ids)));
    this.#inserts = new Batch((sessions) => store.insert(sessions));
    this.#writes = new Batch((attempts) => store.write(attempts));
    this.#touches = each((ids) => store.touch(ids, { beginVisit: false }));
    this.#visits = each((ids) => store.touch(ids, { beginVisit: true }));
    this.#deletes = each((ids) => store.delete(ids));
  }

  load(sessionId: string): Promise<SessionRow | undefined> {
    return this.#loads.add(sessionId);
  }

  /** For each id, in order, what tells whether its row has moved. */
  async loadRevisions(sessionIds: readonly string[]): Promise<(SessionRevision | undefined)[]> {
    const store = this.#store;
    return byId(sessionIds, await (store.loadRevisions?.(sessionIds) ?? store.load(sessionIds)));
  }

  /** The living sessions of a user, newest first. Errors: `SESSION_STORE_FAILED` where the store keeps no such list. */
  async forUser(userId: string): Promise<UserSession[]> {
    if (!this.#store.forUser)
      throw new SessionError("SESSION_STORE_FAILED", "this store has no list by user");
    return this.#store.forUser(userId);
  }

  insert(session: NewSession): Promise<SessionRow | null> {
    return this.#inserts.add(session);
  }

  /** Resolves to whether a row matched. */
  write(attempt: WriteAttempt): Promise<boolean> {
    return this.#writes.add(attempt);
  }

  touch(sessionId: string, { beginVisit }: { beginVisit: boolean }): Promise<void> {
    return (beginVisit ? this.#visits : this.#touches).add(sessionId);
  }

  delete(sessionId: string): Promise<void> {
    return this.#deletes.add(sessionId);
  }

  /** Where the store has no rows of the old package, there is nothing to do. */
  async adopt(legacy: LegacyRow): Promise<void> {
    await this.#store.adopt?.([legacy]);
  }

  /** Sees to it that {@link nowMs} is the store's clock. */
  async hear(): Promise<void> {
    await this.#store.hear?.();
  }

  /** The store's clock as far as known, Unix milliseconds. */
  get nowMs(): number {
    const now = this.#store.now?.();
    return now === undefined ? Date.now() : now * 1000;
  }
}

function byId<Row extends { sessionId: string }>(
  ids: readonly string[],
  rows: readonly Row[],
): (Row | undefined)[] {
  const known = new Map(rows.map((row) => [row.sessionId, row]));
  return ids.map((id) => known.get(id));
}

function each(run: (ids: readonly string[]) => Promise<void>): Batch<string, void> {
  return new Batch(async (ids) => {
    await run(ids);
    return ids.map(() => undefined);
  });
}
