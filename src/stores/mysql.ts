import { type Compilable, type ExpressionBuilder, type Generated, sql } from "kysely";
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
  type UserSession,
  VISIT_GAP,
  type WriteAttempt,
} from "../store.js";
import type { ClientDescription } from "../wire.js";
import { type Database, DatabaseAccess } from "./mysql/database.js";
import { DUPLICATE_ENTRY, numberAndCode, TABLE } from "./mysql/faults.js";
import { inspectTable } from "./mysql/inspect.js";

/** The table of sql/session.sql, as Kysely sees it. */
interface SessionTable {
  sessionId: string;
  expires: number;
  data: string | null;
  secretHash: Buffer | null;
  nextHash: Generated<Buffer | null>;
  previousHash: Generated<Buffer | null>;
  userId: Generated<string | null>;
  client: string | null;
  idleSeconds: Generated<number | null>;
  revision: number;
  writers: Buffer;
  createdAt: number;
  visitedAt: number;
  previousVisitAt: Generated<number>;
}

interface Tables {
  session: SessionTable;
}

const databaseNow = sql<number>`unix_timestamp()`;

const COLUMNS = [
  "sessionId",
  "expires",
  "secretHash",
  "nextHash",
  "previousHash",
  "userId",
  "client",
  "idleSeconds",
  "revision",
  "writers",
  "createdAt",
  "visitedAt",
  "previousVisitAt",
] as const;

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
  #tableCheck: Promise<void> | undefined;

  constructor(db: Database | undefined, table: string, settings: StoreSettings) {
    // Half of the whole time, so that a statement that hangs leaves time for a second try on another connection.
    this.#db = new DatabaseAccess<Tables>(db, (settings.storeTimeout * 1000) / 2);
    this.#settings = settings;
    this.#name = table;
    this.#table = table as "session";
    if (!this.#db.reconnects) warnOfSingleConnection(settings.log);
  }

  async load(sessionIds: readonly string[]): Promise<SessionRow[]> {
    const { rows } = await this.#run(
      this.#db.build
        .selectFrom(this.#table)
        .select(COLUMNS)
        .select((eb) => [
          // Values of an expired session never leave the database.
          eb.case().when(isLive(eb)).then(sql<string>`coalesce(data, '{}')`).else(null).end().as("data"),
          databaseNow.as("now"),
        ])
        .where("sessionId", "in", sessionIds),
    );
    const now = rows[0]?.now;
    if (now !== undefined) this.#db.heard(Number(now));
    return exactly(sessionIds, rows).map((row) => ({
      sessionId: row.sessionId,
      expires: Number(row.expires),
      data: row.data,
      secretHash: row.secretHash,
      nextHash: row.nextHash,
      previousHash: row.previousHash,
      userId: row.userId,
      client: parseClient(row.client),
      idleSeconds: row.idleSeconds === null ? null : Number(row.idleSeconds),
      revision: Number(row.revision),
      writers: row.writers,
      createdAt: Number(row.createdAt),
      visitedAt: Number(row.visitedAt),
      previousVisitAt: Number(row.previousVisitAt),
      now: Number(row.now),
    }));
  }

  insert(sessions: readonly NewSession[]): Promise<(SessionRow | null)[]> {
    return Promise.all(sessions.map((session) => this.#insertOne(session)));
  }

  async #insertOne(session: NewSession): Promise<SessionRow | null> {
    const { expiration, absoluteExpiration } = this.#settings;
    const idle = Math.min(expiration, absoluteExpiration);
    try {
      await this.#run(
        this.#db.build.insertInto(this.#table).values({
          sessionId: session.sessionId,
          expires: sql<number>`unix_timestamp() + ${idle}`,
          data: session.data,
          secretHash: Buffer.from(session.secretHash),
          client: session.client && JSON.stringify(session.client),
          revision: session.revision,
          writers: Buffer.from(session.writers),
          createdAt: databaseNow,
          visitedAt: databaseNow,
          previousVisitAt: 0,
        }),
      );
    } catch (error) {
      if (isDuplicate(error)) return null;
      throw error;
    }
    const { now } = this.#db;
    return {
      ...session,
      idleSeconds: null,
      userId: null,
      nextHash: null,
      previousHash: null,
      now,
      expires: now + idle,
      createdAt: now,
      visitedAt: now,
      previousVisitAt: 0,
    };
  }

  write(attempts: readonly WriteAttempt[]): Promise<boolean[]> {
    return Promise.all(attempts.map((attempt) => this.#writeOne(attempt)));
  }

  async #writeOne(attempt: WriteAttempt): Promise<boolean> {
    const { numAffectedRows } = await this.#run(
      this.#db.build
        .updateTable(this.#table)
        .set({
          data: attempt.data,
          revision: attempt.revision,
          writers: Buffer.from(attempt.writers),
          ...(attempt.identity && {
            userId: attempt.identity.userId,
            secretHash: toBuffer(attempt.identity.secretHash),
            nextHash: toBuffer(attempt.identity.nextHash),
            previousHash: toBuffer(attempt.identity.previousHash),
          }),
        })
        .where("sessionId", "=", attempt.sessionId)
        .where("revision", "=", attempt.baseRevision)
        .where(isLive),
    );
    // Each attempt brings another revision, so a row that matched was changed too, whichever of the two the count counts.
    return numAffectedRows === 1n;
  }

  async touch(sessionIds: readonly string[], { beginVisit }: { beginVisit: boolean }): Promise<void> {
    const { expiration, absoluteExpiration } = this.#settings;
    await this.#run(
      this.#db.build
        .updateTable(this.#table)
        // MySQL assigns from left to right: previousVisitAt needs visitedAt as it was.
        .set({
          expires: sql<number>`greatest(expires, least(unix_timestamp() + coalesce(idleSeconds, ${expiration}), createdAt + ${absoluteExpiration}))`,
          ...(beginVisit && {
            previousVisitAt: sql<number>`if(visitedAt < unix_timestamp() - ${VISIT_GAP}, visitedAt, previousVisitAt)`,
          }),
          visitedAt: databaseNow,
        })
        .where("sessionId", "in", sessionIds)
        .where(isLive),
    );
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
    const { rows } = await this.#run(
      this.#db.build
        .selectFrom(this.#table)
        .select(["sessionId", "revision", "expires", "visitedAt", "previousVisitAt"])
        .select(databaseNow.as("now"))
        .where("sessionId", "in", sessionIds),
    );
    return exactly(sessionIds, rows).map((row) => ({
      sessionId: row.sessionId,
      revision: Number(row.revision),
      expires: Number(row.expires),
      visitedAt: Number(row.visitedAt),
      previousVisitAt: Number(row.previousVisitAt),
      now: Number(row.now),
    }));
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

  /** Makes {@link now} the database's clock, without a statement of its own where it is that already. */
  hear(): Promise<void> {
    return this.#db.hear();
  }

  now(): number {
    return this.#db.exactNow;
  }

  /** Errors: `SESSION_CONNECTION_INVALID`, `SESSION_TABLE_INVALID`, {@link StoreFault}. */
  check(): Promise<void> {
    return inspectTable(this.#db, this.#name);
  }

  /** Runs a statement; when the server says that the table is wrong, finds out in what. */
  async #run<Row>(statement: Compilable<Row>) {
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

function isDuplicate(error: unknown): boolean {
  return error instanceof StoreFault && numberAndCode(error.cause).errno === DUPLICATE_ENTRY;
}

function toBuffer(bytes: Uint8Array | null): Buffer | null {
  return bytes && Buffer.from(bytes);
}

/** Whether a row is alive is decided by the database's clock alone. */
function isLive(eb: ExpressionBuilder<Tables, "session">) {
  return eb("expires", ">", databaseNow);
}

/** MySQL compares CHAR without regard to spaces at the end. */
function exactly<Row extends { sessionId: string }>(
  sessionIds: readonly string[],
  rows: readonly Row[],
): Row[] {
  const asked = new Set(sessionIds);
  return rows.filter(({ sessionId }) => asked.has(sessionId));
}

function parseClient(text: string | null): ClientDescription | null {
  if (text === null) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && !Array.isArray(parsed) ? (parsed as ClientDescription | null) : null;
  } catch {
    // Somebody edited it; what a client says of itself is not worth refusing its session.
    return null;
  }
}

function warnOfSingleConnection(log: Log): void {
  log.warn(
    {},
    "db is a single connection, which does not reconnect after it is lost, and whose open transaction would hold session changes back; use createPool",
  );
}
