import { type Compilable, CompiledQuery, type ExpressionBuilder, sql } from "kysely";
import { exactTextBytes } from "../entry-bytes.js";
import type { Log } from "../log.js";
import {
  type LegacyRow,
  type NewSession,
  type PruneStep,
  type Seconds,
  type SessionRevision,
  type SessionRow,
  type SessionStore,
  StoreFault,
  type StoreSettings,
  type UnixSeconds,
  type UserSession,
  VISIT_GAP,
  type WriteAttempt,
} from "../store.js";
import type { ServerFacts } from "./mysql/connection.js";
import { type Database, DatabaseAccess } from "./mysql/database.js";
import { DUPLICATE_ENTRY, numberAndCode, TABLE } from "./mysql/faults.js";
import { inspectTable } from "./mysql/inspect.js";
import { COLUMNS, exactly, parseClient, type Tables, toSessionRow } from "./mysql/rows.js";
import { repeated, toBuffer, touchMany, writeMany, writeOne, writeOneUnlocked } from "./mysql/unblocked.js";

/** What a statement has at the most besides the values, for each of its rows. */
const STATEMENT_BYTES = 2_560;

const databaseNow = sql<number>`unix_timestamp()`;
/** The same, and the answer to the INSERT tells it, in place of the number of a new row. */
const insertedAt = sql<number>`last_insert_id(unix_timestamp())`;
/** When a session that is used now ends; takes `expiration` and `absoluteExpiration`. */
const EXPIRES_NEXT = "least(unix_timestamp() + coalesce(session.idleSeconds, ?), session.createdAt + ?)";

/**
 * The product's store: rows in MySQL or MariaDB. Every statement is on one table, stands alone, and is by primary key, but for
 * the one that finds old rows by the index on `expires`.
 */
export class MysqlStore implements SessionStore {
  readonly #db: DatabaseAccess<Tables>;
  readonly #settings: StoreSettings;
  readonly #name: string;
  /** Kysely's types know one table name; the real one is given in the options. */
  readonly #table: "session";
  /** The same, quoted, for statements that are text. */
  readonly #quoted: string;
  readonly #loadById: string;
  readonly #loadRevisionsById: string;
  #tableCheck: Promise<void> | undefined;

  constructor(db: Database | undefined, table: string, settings: StoreSettings) {
    // Half of the whole time, so that a statement that hangs leaves time for a second try on another connection.
    this.#db = new DatabaseAccess<Tables>(db, (settings.storeTimeout * 1000) / 2);
    this.#settings = settings;
    this.#name = table;
    this.#table = table as "session";
    const { build } = this.#db;
    this.#quoted = sql.table(table).compile(build).sql;
    this.#loadById = this.#compileLoad();
    this.#loadRevisionsById = this.#compileLoadRevisions();
    if (!this.#db.reconnects) warnOfSingleConnection(settings.log);
  }

  get concurrency(): number {
    return this.#db.concurrency;
  }

  get statementBytes(): number {
    return Math.max(0, (this.#db.packetBytes ?? Number.POSITIVE_INFINITY) - STATEMENT_BYTES);
  }

  async load(sessionIds: readonly string[]): Promise<SessionRow[]> {
    const sentAtMs = this.#db.clock.sending();
    const { rows } = await this.#run(byIds<Parameters<typeof toSessionRow>[0]>(this.#loadById, sessionIds));
    this.#heard(rows, sentAtMs);
    return exactly(sessionIds, rows).map(toSessionRow);
  }

  /** Of rows that a statement has read, the first has the time as well as all. */
  #heard([row]: readonly { readonly now: number }[], sentAtMs: number): void {
    if (row) this.#db.clock.heard(Number(row.now), sentAtMs);
  }

  #compileLoad(): string {
    return this.#db.build
      .selectFrom(this.#table)
      .select(COLUMNS)
      .select((eb) => [
        // Values of an expired session never leave the database.
        eb.case().when(isLive(eb)).then(sql<string>`coalesce(data, '{}')`).else(null).end().as("data"),
        databaseNow.as("now"),
      ])
      .where("sessionId", "in", [""])
      .compile().sql;
  }

  async insert(sessions: readonly NewSession[]): Promise<(SessionRow | null)[]> {
    const { clock } = this.#db;
    const sentAtMs = clock.sending();
    let now: UnixSeconds;
    try {
      const { insertId } = await this.#run((server) => {
        refuseTooLong(sessions, server);
        return this.#db.build
          .insertInto(this.#table)
          .values(sessions.map((session) => this.#toInsert(session)))
          .compile();
      });
      if (insertId) clock.heard(Number(insertId), sentAtMs);
      now = insertId ? Number(insertId) : clock.now;
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
      expires: now + this.#firstIdle(session),
      createdAt: now,
      visitedAt: now,
      previousVisitAt: 0,
    }));
  }

  /** Some ids are taken, and nothing was inserted. In one statement again, so that a fault is that of all or of none. */
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

  #toInsert(session: NewSession) {
    return {
      sessionId: session.sessionId,
      expires: sql<number>`unix_timestamp() + ${this.#firstIdle(session)}`,
      data: session.data,
      secretHash: toBuffer(session.secretHash),
      client: session.client && JSON.stringify(session.client),
      idleSeconds: session.idleSeconds ?? null,
      revision: session.revision,
      writers: toBuffer(session.writers),
      // On a single connection the application may ask for the last id of an INSERT of its own.
      createdAt: this.#db.reconnects ? insertedAt : databaseNow,
      visitedAt: databaseNow,
      previousVisitAt: 0,
    };
  }

  #firstIdle({ idleSeconds }: NewSession): Seconds {
    const { expiration, absoluteExpiration } = this.#settings;
    return Math.min(idleSeconds ?? expiration, absoluteExpiration);
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
      // Of all of them only this can be said now: some are written, some are not.
      if (matched.size > 0 && error instanceof StoreFault)
        throw new StoreFault("unknown", error.message, { cause: error.cause });
      throw error;
    }
    return attempts.map((attempt) => (matched.has(attempt) ? matched.get(attempt) : isAll || undefined));
  }

  /** Answers whether every row matched. */
  async #writeTogether(attempts: readonly WriteAttempt[]): Promise<boolean> {
    const { numAffectedRows } = await this.#run((server) => {
      refuseTooLong(attempts, server);
      return writeMany(this.#quoted, attempts, server);
    });
    // Each attempt brings another revision, so a row that matched was changed too, whichever of the two the count counts.
    return numAffectedRows === BigInt(attempts.length);
  }

  async #writeAlone(attempt: WriteAttempt, mayWait: boolean): Promise<boolean | undefined> {
    const { numAffectedRows } = await this.#run((server) => {
      refuseTooLong([attempt], server);
      return mayWait
        ? writeOne(this.#quoted, attempt, this.#settings)
        : writeOneUnlocked(this.#quoted, attempt, this.#settings, server);
    });
    if (numAffectedRows === 1n) return true;
    // Where it did not wait, the row may be locked.
    return mayWait ? false : undefined;
  }

  async touch(sessionIds: readonly string[], { beginVisit }: { beginVisit: boolean }): Promise<string[]> {
    const { expiration, absoluteExpiration } = this.#settings;
    const times = {
      expires: `greatest(session.expires, ${EXPIRES_NEXT})`,
      values: [expiration, absoluteExpiration],
      ...(beginVisit && { visitGap: VISIT_GAP }),
    };
    const { numAffectedRows } = await this.#run((server) =>
      touchMany(this.#quoted, sessionIds, times, server),
    );
    if (numAffectedRows === BigInt(sessionIds.length)) return [];
    // Gone, expired, or locked by somebody: those still behind were locked. A second may have begun since.
    const { rows } = await this.#run(
      CompiledQuery.raw(
        `select sessionId from ${this.#quoted} as session where sessionId in (${repeated("?", sessionIds.length)})` +
          ` and expires > unix_timestamp() and ${EXPIRES_NEXT} > expires + 1`,
        [...sessionIds, expiration, absoluteExpiration],
      ) as CompiledQuery<{ sessionId: string }>,
    );
    return rows.map(({ sessionId }) => sessionId);
  }

  async delete(sessionIds: readonly string[]): Promise<void> {
    await this.#run(this.#db.build.deleteFrom(this.#table).where("sessionId", "in", sessionIds));
  }

  async adopt(legacy: readonly LegacyRow[]): Promise<void> {
    await Promise.all(legacy.map((row) => this.#adoptOne(row)));
  }

  async #adoptOne({ text, sessionId, secretHash }: LegacyRow): Promise<void> {
    const statement = this.#db.build
      .updateTable(this.#table)
      .set({ sessionId, secretHash: toBuffer(secretHash), createdAt: databaseNow, visitedAt: databaseNow })
      // A row of ours has a hash, so its id, presented as a token, finds nothing here.
      .where("sessionId", "=", text)
      .where("secretHash", "is", null)
      .where(isLive);
    try {
      await this.#run(statement);
    } catch (error) {
      // Adopted by somebody else, and then written once more by a server of the old package.
      if (!isDuplicate(error)) throw error;
    }
  }

  async loadRevisions(sessionIds: readonly string[]): Promise<SessionRevision[]> {
    const sentAtMs = this.#db.clock.sending();
    const { rows } = await this.#run(byIds<SessionRevision>(this.#loadRevisionsById, sessionIds));
    this.#heard(rows, sentAtMs);
    return exactly(sessionIds, rows).map((row) => ({
      sessionId: row.sessionId,
      revision: Number(row.revision),
      expires: Number(row.expires),
      visitedAt: Number(row.visitedAt),
      previousVisitAt: Number(row.previousVisitAt),
      now: Number(row.now),
    }));
  }

  #compileLoadRevisions(): string {
    return this.#db.build
      .selectFrom(this.#table)
      .select(["sessionId", "revision", "expires", "visitedAt", "previousVisitAt"])
      .select(databaseNow.as("now"))
      .where("sessionId", "in", [""])
      .compile().sql;
  }

  async forUser(userId: string): Promise<UserSession[]> {
    const { rows } = await this.#run(
      this.#db.build
        .selectFrom(this.#table)
        .select(["sessionId", "userId", "client", "createdAt", "visitedAt", "previousVisitAt", "expires"])
        .where("userId", "=", userId)
        .where(isLive)
        .orderBy("createdAt", "desc")
        // Within one second the ids, which have milliseconds, tell.
        .orderBy("sessionId", "desc"),
    );
    // MySQL compares without regard to spaces at the end.
    const own = rows.filter((row) => row.userId === userId);
    return own.map((row) => ({
      sessionId: row.sessionId,
      client: parseClient(row.client),
      createdAt: Number(row.createdAt),
      visitedAt: Number(row.visitedAt),
      previousVisitAt: Number(row.previousVisitAt),
      expires: Number(row.expires),
    }));
  }

  async list({ after = "", limit }: { after?: string | undefined; limit: number }): Promise<SessionRow[]> {
    // By key: the index on `expires` would have all of them sorted for each page.
    const statement = sql<Parameters<typeof toSessionRow>[0]>`
      select ${sql.join(COLUMNS.map((column) => sql.ref(column)))}, coalesce(data, '{}') as data, ${databaseNow} as now
      from ${sql.table(this.#name)} force index (primary)
      where sessionId > ${after} and expires > ${databaseNow} order by sessionId limit ${limit}`;
    const { rows } = await this.#run(statement.compile(this.#db.build));
    return rows.map(toSessionRow);
  }

  async count(): Promise<number> {
    const { rows } = await this.#run(
      this.#db.build
        .selectFrom(this.#table)
        .select(({ fn }) => fn.countAll().as("count"))
        .where(isLive),
    );
    return Number(rows[0]?.count ?? 0);
  }

  async prune({ expiredFor, limit }: { expiredFor: Seconds; limit: number }): Promise<PruneStep> {
    const isOld = (eb: ExpressionBuilder<Tables, "session">) =>
      eb("expires", "<", sql<number>`unix_timestamp() - ${expiredFor}`);
    const { rows } = await this.#run(
      this.#db.build.selectFrom(this.#table).select("sessionId").where(isOld).orderBy("expires").limit(limit),
    );
    if (rows.length === 0) return { deleted: 0, more: false };
    const ids = rows.map(({ sessionId }) => sessionId).sort();
    // By key, or a small table would be scanned and every row of it locked; only this form of DELETE takes the hint. In the
    // order of keys, so that two nodes pruning at once do not deadlock.
    const statement = sql`delete old from ${sql.table(this.#name)} as old force index (primary)
        where old.sessionId in (${sql.join(ids)}) and old.expires < unix_timestamp() - ${expiredFor}`;
    const { numAffectedRows } = await this.#run({ compile: () => statement.compile(this.#db.build) });
    return { deleted: Number(numAffectedRows ?? 0), more: rows.length === limit };
  }

  /** Asks the database for {@link now}. */
  hear(): Promise<void> {
    return this.#db.hear();
  }

  /** Whether {@link now} is the database's clock rather than a guess. */
  get isHeard(): boolean {
    return this.#db.clock.isHeard;
  }

  now(): number {
    return this.#db.clock.exactNow;
  }

  /** Errors: `SESSION_CONNECTION_INVALID`, `SESSION_TABLE_INVALID`, {@link StoreFault}. */
  check(): Promise<void> {
    return inspectTable(this.#db, this.#name);
  }

  /** Runs a statement; when the server says that the table is wrong, finds out in what. */
  async #run<Row>(
    statement: Compilable<Row> | CompiledQuery<Row> | ((server: ServerFacts) => CompiledQuery<Row>),
  ) {
    try {
      return await this.#db.run(statement);
    } catch (error) {
      const { errno } = numberAndCode(error instanceof StoreFault ? error.cause : undefined);
      if (errno === undefined || !TABLE.has(errno)) throw error;
      // One look at a time, however many statements fail.
      this.#tableCheck ??= this.check().finally(() => {
        this.#tableCheck = undefined;
      });
      await this.#tableCheck;
      throw error;
    }
  }
}

/** More than values: such a write is a statement of its own. */
function changesMore({ identity, idleSeconds }: WriteAttempt): boolean {
  return identity !== undefined || idleSeconds !== undefined;
}

function isDuplicate(error: unknown): error is StoreFault {
  return error instanceof StoreFault && numberAndCode(error.cause).errno === DUPLICATE_ENTRY;
}

/**
 * Refuses a statement before it is sent that the server would not take: it would end the connection in place of an answer, and nobody
 * would know that nothing came of it.
 */
function refuseTooLong(entries: readonly { readonly data: string }[], { packetBytes }: ServerFacts): void {
  let units = 0;
  for (const { data } of entries) units += data.length;
  // A look at the lengths is enough nearly always: a unit takes three bytes at most.
  if (STATEMENT_BYTES * entries.length + 3 * units < packetBytes) return;
  let bytes = 0;
  for (const { data } of entries) bytes += STATEMENT_BYTES + exactTextBytes(data);
  if (bytes < packetBytes) return;
  const reason = `max_allowed_packet is ${packetBytes}, too little for these values`;
  throw new StoreFault("refused", reason, { mayBeOneEntry: true });
}

/** A statement that was built once, for one id, with as many as there are: building it anew costs more than running it. */
function byIds<Row>(text: string, sessionIds: readonly string[]): CompiledQuery<Row> {
  const statement = text.replace("in (?)", `in (${repeated("?", sessionIds.length)})`);
  // Without a LIMIT the server may be set to one of its own, and what it leaves out would be taken to be gone.
  return CompiledQuery.raw(`${statement} limit ${sessionIds.length}`, [...sessionIds]) as CompiledQuery<Row>;
}

/** Whether a row is alive is decided by the database's clock alone. */
function isLive(eb: ExpressionBuilder<Tables, "session">) {
  return eb("expires", ">", databaseNow);
}

function warnOfSingleConnection(log: Log): void {
  log.warn(
    {},
    "db is a single connection, which does not reconnect after it is lost, and whose open transaction would hold session changes back; use createPool",
  );
}
