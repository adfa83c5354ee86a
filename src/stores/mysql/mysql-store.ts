import type { Log } from "../../base/log.js";
import type { Facts } from "../../facts.js";
import { expiresAfterTouch } from "../../row/expiration.js";
import {
  type LegacyRow,
  type ListOptions,
  type NewSession,
  type PruneStep,
  type Seconds,
  type SessionRevision,
  type SessionRow,
  type SessionStore,
  StoreFault,
  type StoreSettings,
  type StoreStats,
  type UnixSeconds,
  type UserPage,
  type UserSession,
  VISIT_GAP,
  type WriteAttempt,
} from "../../store.js";
import { sayFound } from "./cluster-settings.js";
import { DatabaseAccess, type Statement } from "./database-access.js";
import type { Database } from "./db-kinds.js";
import { afterEffect, isDuplicate, numberAndCode, TABLE } from "./faults.js";
import { adoptRow, insertRows } from "./inserts.js";
import { inspectTable } from "./inspect.js";
import type { Answer } from "./lent-connection.js";
import { Reads } from "./reads.js";
import { ROW_BYTES, refuseTooLong } from "./statement-length.js";
import { Stats } from "./stats.js";
import { type StoredRow, toSessionRow, withExactIds } from "./stored-row.js";
import { quoted } from "./table.js";
import { readUserSessions } from "./user-sessions.js";
import {
  changesMore,
  deleteExpired,
  deleteMany,
  deleteRows,
  expiresNext,
  touchMany,
  writeMany,
  writeOne,
  writeOneUnlocked,
} from "./writes.js";

/**
 * The product's store: rows in MySQL or MariaDB. Every statement is on one table, stands alone, and is by
 * primary key, but for the one that finds old rows by the index on `expires`.
 */
export class MysqlStore implements SessionStore {
  readonly #db: DatabaseAccess;
  readonly #settings: StoreSettings;
  readonly #name: string;
  /** The table's name as it stands in statements. */
  readonly #table: string;
  readonly #reads: Reads;
  #tableCheck: Promise<void> | undefined;

  constructor(db: Database | undefined, table: string, settings: StoreSettings & { facts?: Facts }) {
    // Half of the whole time, so that a statement that hangs leaves time for a second try on another
    // connection.
    const timeoutMs = (settings.storeTimeout * 1000) / 2;
    const { log, facts } = settings;
    this.#settings = settings;
    this.#name = table;
    this.#table = quoted(table);
    this.#db = new DatabaseAccess(db, { table: this.#table, timeoutMs, log, facts });
    this.#reads = new Reads(this.#table);
    if (!this.#db.reconnects) warnOfSingleConnection(log);
  }

  get concurrency(): number {
    return this.#db.concurrency;
  }

  get statementBytes(): number {
    return Math.max(0, (this.#db.server?.packetBytes ?? Number.POSITIVE_INFINITY) - ROW_BYTES);
  }

  async load(sessionIds: readonly string[]): Promise<SessionRow[]> {
    const sentAtMs = this.#db.clock.sending();
    const rows = await this.#read<StoredRow>((server) => this.#reads.rows(sessionIds, server));
    this.#heard(rows, sentAtMs);
    return withExactIds(sessionIds, rows).map(toSessionRow);
  }

  /** Of rows that a statement has read, the first has the time as well as all. */
  #heard([row]: readonly { readonly now: number }[], sentAtMs: number): void {
    if (row) this.#db.clock.heard(Number(row.now), sentAtMs);
  }

  async insert(sessions: readonly NewSession[]): Promise<(SessionRow | null)[]> {
    const { clock } = this.#db;
    const sentAtMs = clock.sending();
    let now: UnixSeconds;
    try {
      const { insertId } = await this.#write((server) => {
        refuseTooLong(sessions, server);
        return insertRows(this.#table, sessions, {
          lifeOf: (session) => this.#firstLife(session),
          // On a single connection the application may ask for the last id of an INSERT of its own.
          tellsTime: this.#db.reconnects,
        });
      });
      if (insertId) clock.heard(insertId, sentAtMs);
      now = insertId || clock.now;
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      return sessions.length === 1 ? [null] : this.#insertOthers(sessions, error);
    }
    return sessions.map((session) => ({
      ...session,
      idleSeconds: session.idleSeconds ?? null,
      userId: null,
      nextHash: null,
      previousHash: null,
      now,
      expires: now + this.#firstLife(session),
      createdAt: now,
      visitedAt: now,
      previousVisitAt: 0,
    }));
  }

  /**
   * Some ids are taken, and nothing was inserted. In one statement again, so that a fault is that of all or
   * of none.
   */
  async #insertOthers(
    sessions: readonly NewSession[],
    duplicate: StoreFault,
  ): Promise<(SessionRow | null)[]> {
    const seen = await this.loadRevisions(sessions.map(({ sessionId }) => sessionId));
    const taken = new Set(seen.map(({ sessionId }) => sessionId));
    const free = sessions.filter(({ sessionId }) => !taken.has(sessionId));
    // Taken a moment ago and free again, or another unique key in the table: each by itself will tell.
    if (taken.size === 0)
      throw new StoreFault("not-applied", duplicate.message, { cause: duplicate.cause, mayBeOneEntry: true });
    const inserted = free.length === 0 ? [] : await this.insert(free);
    return sessions.map(({ sessionId }) => (taken.has(sessionId) ? null : (inserted.shift() ?? null)));
  }

  #firstLife({ idleSeconds = null }: NewSession): Seconds {
    return expiresAfterTouch({ idleSeconds, createdAt: 0 }, 0, this.#settings);
  }

  async write(attempts: readonly WriteAttempt[], { mayWait = true } = {}): Promise<(boolean | undefined)[]> {
    const [first] = attempts;
    if (attempts.length === 1 && first) return [await this.#writeAlone(first, mayWait)];
    const together = attempts.filter((attempt) => !changesMore(attempt));
    const alone = attempts.filter(changesMore);
    const matched = new Map<WriteAttempt, boolean | undefined>();
    let isAll = true;
    try {
      for (const attempt of alone) matched.set(attempt, await this.#writeAlone(attempt, mayWait));
      if (together.length > 0) isAll = await this.#writeTogether(together);
    } catch (error) {
      throw matched.size > 0 ? afterEffect(error) : error;
    }
    return attempts.map((attempt) => (matched.has(attempt) ? matched.get(attempt) : isAll || undefined));
  }

  /** Answers whether every row matched. */
  async #writeTogether(attempts: readonly WriteAttempt[]): Promise<boolean> {
    const { affected } = await this.#write((server) => {
      refuseTooLong(attempts, server);
      return writeMany(this.#table, attempts, server);
    });
    // Each attempt brings another revision, so a row that matched was changed too, whichever of the two the
    // count counts.
    return affected === attempts.length;
  }

  async #writeAlone(attempt: WriteAttempt, mayWait: boolean): Promise<boolean | undefined> {
    const { affected } = await this.#write((server) => {
      refuseTooLong([attempt], server);
      return mayWait
        ? writeOne(this.#table, attempt, this.#settings)
        : writeOneUnlocked(this.#table, attempt, this.#settings, server);
    });
    if (affected === 1) return true;
    // Where it did not wait, the row may be locked.
    return mayWait ? false : undefined;
  }

  async touch(sessionIds: readonly string[], { beginVisit }: { beginVisit: boolean }): Promise<string[]> {
    const next = expiresNext(this.#settings);
    const visit = beginVisit ? { gap: VISIT_GAP } : undefined;
    const { affected } = await this.#write((server) =>
      touchMany(this.#table, sessionIds, { next, visit }, server),
    );
    if (affected === sessionIds.length) return [];
    // Gone, expired, or locked by somebody: those still behind were locked. A second may have begun since.
    const rows = await this.#read<{ sessionId: string }>((server) =>
      this.#reads.behind(sessionIds, next, server),
    );
    return rows.map(({ sessionId }) => sessionId);
  }

  async delete(
    sessionIds: readonly string[],
    { onlyExpired = false, mayWait = true } = {},
  ): Promise<string[]> {
    const { affected } = await this.#write((server) => {
      if (onlyExpired) return deleteExpired(this.#table, sessionIds, 0);
      return mayWait ? deleteRows(this.#table, sessionIds) : deleteMany(this.#table, sessionIds, server);
    });
    if (onlyExpired || mayWait || affected === sessionIds.length) return [];
    // Gone already, or locked by somebody: what is there still was locked.
    const rows = await this.loadRevisions(sessionIds).catch((error: unknown) => {
      throw affected > 0 ? afterEffect(error) : error;
    });
    return rows.map(({ sessionId }) => sessionId);
  }

  async adopt(legacy: readonly LegacyRow[]): Promise<void> {
    await Promise.all(legacy.map((row) => this.#adoptOne(row)));
  }

  async #adoptOne(row: LegacyRow): Promise<void> {
    try {
      await this.#write(() => adoptRow(this.#table, row));
    } catch (error) {
      // Adopted by somebody else, and then written once more by a server of the old package.
      if (!isDuplicate(error)) throw error;
    }
  }

  async loadRevisions(sessionIds: readonly string[]): Promise<SessionRevision[]> {
    const sentAtMs = this.#db.clock.sending();
    const rows = await this.#read<SessionRevision>((server) => this.#reads.revisions(sessionIds, server));
    this.#heard(rows, sentAtMs);
    return withExactIds(sessionIds, rows).map((row) => ({
      sessionId: row.sessionId,
      revision: Number(row.revision),
      expires: Number(row.expires),
      visitedAt: Number(row.visitedAt),
      previousVisitAt: Number(row.previousVisitAt),
      now: Number(row.now),
    }));
  }

  forUser(userId: string, page?: UserPage): Promise<UserSession[]> {
    return readUserSessions((statement) => this.#read(statement), this.#reads, userId, page);
  }

  async list(options: ListOptions): Promise<SessionRow[]> {
    const rows = await this.#read<StoredRow>((server) => this.#reads.page(options, server));
    return rows.map(toSessionRow);
  }

  async count(): Promise<number> {
    const rows = await this.#read<{ count: number }>((server) => this.#reads.count(server));
    return Number(rows[0]?.count ?? 0);
  }

  stats(): Promise<StoreStats> {
    const read = <Row>(statement: Statement) => this.#read<Row>(statement);
    return new Stats(read, this.#table, this.#name).collect();
  }

  async prune({ expiredFor, limit }: { expiredFor: Seconds; limit: number }): Promise<PruneStep> {
    const rows = await this.#read<{ sessionId: string }>((server) =>
      this.#reads.expired(expiredFor, limit, server),
    );
    if (rows.length === 0) return { deleted: 0, more: false };
    // In the order of keys, so that two nodes pruning at once do not deadlock.
    const ids = rows.map(({ sessionId }) => sessionId).sort();
    const { affected } = await this.#write(() => deleteExpired(this.#table, ids, expiredFor));
    return { deleted: affected, more: rows.length === limit };
  }

  /** Asks the database for {@link now}. */
  refreshClock(): Promise<void> {
    return this.#db.refreshClock();
  }

  /** Whether {@link now} is the database's clock rather than a guess. */
  get isClockKnown(): boolean {
    return this.#db.clock.isKnown;
  }

  now(): number {
    return this.#db.clock.exactNow;
  }

  /** Errors: `SESSION_CONNECTION_INVALID`, `SESSION_TABLE_INVALID`, {@link StoreFault}. */
  async check(): Promise<void> {
    await inspectTable(this.#db, this.#name);
    if (this.#db.server) sayFound(this.#settings.log, this.#db.server);
  }

  async #read<Row>(statement: Statement): Promise<Row[]> {
    const { rows } = await this.#orTableWrong(() => this.#db.read<Row>(statement));
    return rows;
  }

  #write(statement: Statement): Promise<Answer<unknown>> {
    return this.#orTableWrong(() => this.#db.write(statement));
  }

  /** When the server says that the table is wrong, finds out in what. */
  async #orTableWrong<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      const { errno } = numberAndCode(error instanceof StoreFault ? error.cause : undefined);
      if (errno === undefined || !TABLE.has(errno)) throw error;
      // One look at a time, however many statements fail.
      this.#tableCheck ??= inspectTable(this.#db, this.#name).finally(() => {
        this.#tableCheck = undefined;
      });
      await this.#tableCheck;
      throw error;
    }
  }
}

function warnOfSingleConnection(log: Log): void {
  log.warn(
    {},
    "db is a single connection, which does not reconnect after it is lost, and whose open transaction would hold session changes back; use createPool",
  );
}
