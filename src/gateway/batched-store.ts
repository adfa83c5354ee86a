import { ignoreRejection } from "../base/promises.js";
import { SessionError } from "../errors.js";
import type { StatementKind } from "../facts.js";
import { ID_BYTES, insertBytes, MAX_STATEMENT_BYTES, writeBytes } from "../row/entry-bytes.js";
import type {
  LegacyRow,
  ListOptions,
  NewSession,
  SessionRevision,
  SessionRow,
  SessionStore,
  StoreStats,
  UserPage,
  UserSession,
  WriteAttempt,
} from "../store.js";
import { isOpaque } from "../token/opaque.js";
import { type PresentedToken, timeOfId } from "../token/token.js";
import { Batch, type Pending } from "./batch.js";
import { Lanes } from "./lanes.js";
import { type QueueState, queueState } from "./queue-state.js";
import { type EndedStatement, type OnStatement, tellOf } from "./statement.js";

/**
 * A store that can find out its clock where `now()` is a guess, as it is before its first answer; the MySQL
 * store can.
 */
interface StoreWithClock extends SessionStore {
  /** Asks the database for `now()`. */
  refreshClock?(): Promise<void>;
  /** Whether `now()` is no guess. */
  readonly isClockKnown?: boolean;
}

/** Entries of one statement: from here on wider ones cost no less for each row (docs/performance.md). */
const WIDTH = 256;
/** Statements under way at once, where the store does not say. */
const CONCURRENCY = 4;

const TOUCH_TRIES = 3;

const LIST = { kind: "list", width: 1 } as const;
const COUNT = { kind: "count", width: 1 } as const;

/** An id younger than this may not have reached every node of a cluster of databases yet. */
const YOUNG_MS = 10_000;
/**
 * By how much a database's clock is set back at most; ids that are no times of ours, hashes, are further in
 * the future.
 */
const SET_BACK_MS = 86_400_000;

/** The registry's way to the store: one entry in, one answer out, gathered into statements on the way. */
export class BatchedStore {
  readonly #store: StoreWithClock;
  readonly #onStatement: OnStatement;
  readonly #lanes: Lanes;
  readonly #batches: readonly Pick<Batch<never, unknown>, "waitingCount" | "oldestMs">[];
  readonly #loads: Batch<string, SessionRow | undefined>;
  readonly #revisions: Batch<string, SessionRevision | undefined>;
  readonly #inserts: Batch<NewSession, SessionRow | null>;
  readonly #writes: Batch<WriteAttempt, boolean | undefined>;
  readonly #repeats: Batch<WriteAttempt, boolean | undefined>;
  readonly #touches: Batch<string, boolean>;
  readonly #visits: Batch<string, boolean>;
  readonly #deletes: Batch<string, boolean>;
  readonly #lockedDeletes: Batch<string, boolean>;
  readonly #expiredDeletes: Batch<string, boolean>;
  readonly #adoptions: Batch<LegacyRow, undefined>;

  /** `onStatement` hears of each, and must not throw. */
  constructor(store: StoreWithClock, onStatement: OnStatement) {
    this.#store = store;
    this.#onStatement = onStatement;
    this.#lanes = new Lanes(store.concurrency ?? CONCURRENCY);
    const told = (kind: StatementKind) => ({
      onStatement: (ended: EndedStatement) => onStatement({ kind, ...ended }),
    });
    const common = {
      lanes: this.#lanes,
      width: WIDTH,
      mostBytes: () => Math.min(store.statementBytes ?? MAX_STATEMENT_BYTES, MAX_STATEMENT_BYTES),
    };
    const byKey = { ...common, bytesOf: () => ID_BYTES };
    this.#loads = new Batch({
      ...byKey,
      ...told("load"),
      use: "read",
      run: async (ids) => byId(ids, await store.load(ids)),
    });
    this.#revisions = new Batch({
      ...byKey,
      ...told("verify"),
      use: "read",
      run: async (ids) => byId(ids, await this.#loadRevisions(ids)),
    });
    this.#inserts = new Batch({
      ...common,
      ...told("insert"),
      use: "write",
      bytesOf: insertBytes,
      run: (sessions) => store.insert(sessions),
    });
    const write = {
      ...common,
      ...told("write"),
      bytesOf: writeBytes,
      run: (attempts: readonly WriteAttempt[], options: { mayWait: boolean }) =>
        store.write(attempts, options),
    };
    this.#writes = new Batch({
      ...write,
      use: "write",
      keyOf: ({ sessionId }) => sessionId,
      isSingle: ({ identity, idleSeconds }) => identity !== undefined || idleSeconds !== undefined,
    });
    this.#repeats = new Batch({ ...write, use: "blocking", width: 1 });
    const touching = (beginVisit: boolean): Batch<string, boolean> =>
      new Batch({
        ...byKey,
        ...told("touch"),
        use: "write",
        keyOf: (id) => id,
        run: async (ids) => allBut(ids, await store.touch(ids, { beginVisit })),
      });
    this.#touches = touching(false);
    this.#visits = touching(true);
    this.#deletes = new Batch({
      ...byKey,
      ...told("delete"),
      use: "write",
      keyOf: (id) => id,
      run: async (ids, { mayWait }) =>
        allBut(ids, (await store.delete(ids, { mayWait: mayWait && ids.length === 1 })) ?? []),
    });
    const deleting = (options: { onlyExpired: boolean }): Batch<string, boolean> =>
      new Batch({
        ...byKey,
        ...told("delete"),
        use: "blocking",
        width: 1,
        run: async (ids) => {
          await store.delete(ids, options);
          return [true];
        },
      });
    this.#lockedDeletes = deleting({ onlyExpired: false });
    this.#expiredDeletes = deleting({ onlyExpired: true });
    // One row each, and for many a token that is made up: these must not take every lane.
    this.#adoptions = new Batch({
      ...byKey,
      ...told("adopt"),
      use: "blocking",
      width: 1,
      run: async (legacy) => {
        await store.adopt?.(legacy);
        return [undefined];
      },
    });
    this.#batches = [
      this.#loads,
      this.#revisions,
      this.#inserts,
      this.#writes,
      this.#repeats,
      this.#touches,
      this.#visits,
      this.#deletes,
      this.#lockedDeletes,
      this.#expiredDeletes,
      this.#adoptions,
    ];
  }

  get queue(): QueueState {
    return queueState(this.#batches, this.#lanes);
  }

  load(sessionId: string): Promise<SessionRow | undefined> {
    return this.#loads.add(sessionId);
  }

  /** {@link loadRevision} without a promise. */
  sendVerification(pending: Pending<string, SessionRevision | undefined>): void {
    this.#revisions.enter(pending);
  }

  /** As {@link load}, of a row whose values are known already. */
  loadRevision(sessionId: string): Promise<SessionRevision | undefined> {
    return this.#revisions.add(sessionId);
  }

  /** For each id, in order, what tells whether its row has moved. */
  async loadRevisions(sessionIds: readonly string[]): Promise<(SessionRevision | undefined)[]> {
    const width = sessionIds.length;
    const read = () => this.#loadRevisions(sessionIds);
    const rows = await tellOf(this.#onStatement, { kind: "verify", width }, read);
    return byId(sessionIds, rows);
  }

  #loadRevisions(sessionIds: readonly string[]): Promise<SessionRevision[]> {
    return this.#store.loadRevisions?.(sessionIds) ?? this.#store.load(sessionIds);
  }

  /**
   * The living sessions of a user, newest first. Errors: `SESSION_UNSUPPORTED` where the store keeps no such
   * list.
   */
  async forUser(userId: string, page?: UserPage): Promise<UserSession[]> {
    const { forUser } = this.#store;
    if (!forUser) throw new SessionError("SESSION_UNSUPPORTED", "it has no list by user");
    return tellOf(this.#onStatement, LIST, () => forUser.call(this.#store, userId, ...(page ? [page] : [])));
  }

  /** A page of the living rows. Errors: `SESSION_UNSUPPORTED` where the store keeps no such list. */
  async list(options: ListOptions): Promise<SessionRow[]> {
    const { list } = this.#store;
    if (!list) throw new SessionError("SESSION_UNSUPPORTED", "a list of all sessions");
    return tellOf(this.#onStatement, LIST, () => list.call(this.#store, options));
  }

  /** How many sessions live. Errors: `SESSION_UNSUPPORTED` where the store does not count. */
  async count(): Promise<number> {
    const { count } = this.#store;
    if (!count) throw new SessionError("SESSION_UNSUPPORTED", "the number of all sessions");
    return tellOf(this.#onStatement, COUNT, () => count.call(this.#store));
  }

  /** What there is. Errors: `SESSION_UNSUPPORTED` where the store does not say. */
  async stats(): Promise<StoreStats> {
    const { stats } = this.#store;
    if (!stats) throw new SessionError("SESSION_UNSUPPORTED", "it does not count what there is");
    return tellOf(this.#onStatement, COUNT, () => stats.call(this.#store));
  }

  insert(session: NewSession): Promise<SessionRow | null> {
    return this.#inserts.add(session);
  }

  /**
   * Resolves to whether a row matched; `undefined` where the answer does not tell. A repeated attempt goes
   * alone, and waits for whoever has locked the row.
   */
  write(attempt: WriteAttempt, { isRepeated = false } = {}): Promise<boolean | undefined> {
    return (isRepeated ? this.#repeats : this.#writes).add(attempt);
  }

  /** {@link write} for the first time, without a promise. */
  sendWrite(pending: Pending<WriteAttempt, boolean | undefined>): void {
    this.#writes.enter(pending);
  }

  /** Resolves to `false` where it has to be done later: somebody has the row locked. */
  async touch(sessionId: string, { beginVisit }: { beginVisit: boolean }): Promise<boolean> {
    const batch = beginVisit ? this.#visits : this.#touches;
    // A write of the same session locks its row for a moment.
    for (let tries = 0; tries < TOUCH_TRIES; tries++) if (await batch.add(sessionId)) return true;
    return false;
  }

  async delete(sessionId: string, { onlyExpired = false } = {}): Promise<void> {
    if (onlyExpired) await this.#expiredDeletes.add(sessionId);
    else if (!(await this.#deletes.add(sessionId))) await this.#lockedDeletes.add(sessionId);
  }

  /**
   * Whether there may be a row that something else made for this token, to be taken over by {@link adopt}.
   */
  canAdopt(token: PresentedToken): boolean {
    return token.isLegacy === true || (this.#store.adoptsCookies === true && isOpaque(token));
  }

  /** Where the store has no rows of the old package, there is nothing to do. */
  async adopt(legacy: LegacyRow): Promise<void> {
    if (this.#store.adopt) await this.#adoptions.add(legacy);
  }

  /** Sees to it that {@link nowMs} is the store's clock and no guess. */
  async ensureClock(): Promise<void> {
    if (this.#store.isClockKnown === false) await this.#store.refreshClock?.();
  }

  /** Asks the store for its clock, {@link nowMs}. */
  async refreshClock(): Promise<void> {
    await this.#store.refreshClock?.();
  }

  /** The store's clock as far as known, Unix milliseconds. */
  get nowMs(): number {
    const now: unknown = this.#store.now?.();
    if (typeof now === "number") return now * 1000;
    // Of a store that gives a promise, which is not what is asked for.
    ignoreRejection(now);
    return Date.now();
  }

  /**
   * Whether a session may have been created so lately that not every node of a cluster of databases has its
   * row: an id of ours has the time in it. True too where the store's clock is not known, or has been set
   * back since.
   */
  isYoung(sessionId: string): boolean {
    if (this.#store.isClockKnown === false) return true;
    const ageMs = this.nowMs - timeOfId(sessionId);
    return ageMs < YOUNG_MS && ageMs > -SET_BACK_MS;
  }
}

function byId<Row extends { sessionId: string }>(
  ids: readonly string[],
  rows: readonly Row[],
): (Row | undefined)[] {
  const known = new Map(rows.map((row) => [row.sessionId, row]));
  return ids.map((id) => known.get(id));
}

function allBut(ids: readonly string[], leftOut: readonly string[]): boolean[] {
  const missed = new Set(leftOut);
  return ids.map((id) => !missed.has(id));
}
