import {
  type Compilable,
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  MysqlDialect,
  type MysqlPool,
  type MysqlPoolConnection,
  type QueryExecutor,
  type QueryResult,
} from "kysely";
import { SessionError } from "../../errors.js";
import { StoreFault } from "../../store.js";
import { checkConnection, type ServerFacts } from "./connection.js";
import { DatabaseClock } from "./database-clock.js";
import { type Stage, toFault } from "./faults.js";
import { askTime } from "./session-time.js";

/** A pool from `mysql2`, by the members that tell it from others. */
export interface CallbackPool {
  /** Lends a connection. */
  getConnection(callback: never): unknown;
  /** The same pool as of `mysql2/promise`. */
  promise(): unknown;
}

/** A pool from `mysql2/promise`: it carries the callback pool that it is made of. */
export interface PromisePool {
  /** Lends a connection. */
  getConnection(): Promise<unknown>;
  /** What it is made of. */
  readonly pool: CallbackPool;
}

/** A connection from `mysql2`. */
export interface CallbackConnection {
  /** The same connection as of `mysql2/promise`. */
  promise(): unknown;
  /** Its number on the server. */
  readonly threadId: number;
  /** Runs a statement. */
  query(...parameters: never[]): unknown;
}

/** A connection from `mysql2/promise`. */
export interface PromiseConnection {
  /** Its number on the server. */
  readonly threadId: number;
  /** Resolves when it is connected. */
  connect(): Promise<void>;
  /** Runs a statement. */
  query(sql: string): Promise<unknown>;
}

/** A Kysely instance, of whatever version the application has: only these methods are used to recognise it. */
export interface KyselyInstance {
  /** What runs its queries. */
  getExecutor(): unknown;
  /** The same instance without its plugins, which would change names and values. */
  withoutPlugins(): unknown;
}

/** What `db` may be. */
export type Database = CallbackPool | PromisePool | CallbackConnection | PromiseConnection | KyselyInstance;

const MOST_AT_ONCE = 4;
/** mysql2's default `connectionLimit`; taken for pools that do not tell theirs. */
const USUAL_CONNECTIONS = 10;

/** Just what the adapter below uses of mysql2's callback connections. */
interface RawConnection {
  query(sql: string, values: unknown[], callback: (error: unknown, result: never) => void): unknown;
  release?(): void;
  destroy(): void;
}

/** The one way to the database: runs a built statement on a connection that was found fit to carry values unchanged. */
export class DatabaseAccess<Tables> {
  /** For building statements. Never execute them with it: that would bypass the checks of {@link run}. */
  readonly build: Kysely<Tables>;
  /** A single connection does not come back after it was lost. */
  readonly reconnects: boolean;
  /** Half the pool, at most 4: the pool is the application's too. */
  readonly concurrency: number;
  readonly #executor: QueryExecutor;
  readonly #timeoutMs: number;
  /** The server of the connection that was checked last. */
  #server: ServerFacts | undefined;
  /** Connections found fit, and the server behind each. */
  readonly #fit = new WeakMap<DatabaseConnection, ServerFacts>();
  readonly clock = new DatabaseClock();
  #hearing: Promise<void> | undefined;

  constructor(db: unknown, timeoutMs: number) {
    const { kysely, reconnects, connections } = toKysely<Tables>(db, timeoutMs);
    this.build = kysely;
    this.reconnects = reconnects;
    this.concurrency = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(connections / 2)));
    this.#executor = kysely.getExecutor();
    this.#timeoutMs = timeoutMs;
  }

  /** The longest statement that the server takes, in bytes; `undefined` until it has been reached. */
  get packetBytes(): number | undefined {
    return this.#server?.packetBytes;
  }

  /** Has {@link clock} hear the database: from the check of a new connection, or by a statement. Rejects as {@link run} does. */
  hear(): Promise<void> {
    this.#hearing ??= this.#hear().finally(() => {
      this.#hearing = undefined;
    });
    return this.#hearing;
  }

  #hear(): Promise<void> {
    const askedAtMs = this.clock.sending();
    return this.#use(async (connection) => {
      if (this.clock.heardAtMs < askedAtMs) await askTime(connection, this.clock);
    });
  }

  /**
   * Runs a statement, or the one that suits the server; rejects with a {@link StoreFault} or, for a connection that is not fit, a
   * `SessionError`.
   */
  run<Row>(
    statement: Compilable<Row> | CompiledQuery<Row> | ((server: ServerFacts) => CompiledQuery<Row>),
  ): Promise<QueryResult<Row>> {
    const query =
      typeof statement === "function" ? statement : "compile" in statement ? statement.compile() : statement;
    return this.#use((connection, server) =>
      connection.executeQuery<Row>(typeof query === "function" ? query(server) : query),
    );
  }

  async #use<Result>(
    run: (connection: DatabaseConnection, server: ServerFacts) => Promise<Result>,
  ): Promise<Result> {
    let stage: Stage = "connecting";
    let givenUp = false;
    const work = this.#executor.provideConnection(async (connection) => {
      let server = this.#fit.get(connection);
      if (!server || (server.isTimeSet && this.clock.hasRun)) {
        server = await checkConnection(connection, this.clock);
        this.#server = server;
        this.#fit.set(connection, server);
      }
      // A connection that comes after its caller has gone must not run the statement behind everybody's back.
      if (givenUp) throw new StoreFault("not-applied", "gave up waiting for a connection");
      stage = "sent";
      return run(connection, server);
    });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        givenUp = true;
        reject(new StoreFault(stage === "sent" ? "unknown" : "not-applied", "no answer in time"));
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([work, timeout]);
    } catch (error) {
      // Nobody waits for the abandoned work any more.
      work.catch(() => {});
      if (error instanceof SessionError) throw error;
      throw toFault(error, stage);
    } finally {
      clearTimeout(timer);
    }
  }

  raw<Row>(sql: string, parameters: unknown[] = []): Promise<QueryResult<Row>> {
    return this.run<Row>({ compile: () => CompiledQuery.raw(sql, parameters) as CompiledQuery<Row> });
  }
}

function toKysely<Tables>(
  db: unknown,
  timeoutMs: number,
): { kysely: Kysely<Tables>; reconnects: boolean; connections: number } {
  if (has(db, "getExecutor", "withoutPlugins")) {
    // Without plugins: one that renames columns or rewrites results would change what our statements mean.
    const kysely = (db as unknown as Kysely<Tables>).withoutPlugins();
    if (
      !kysely
        .selectNoFrom((eb) => eb.val(1).as("one"))
        .compile()
        .sql.includes("`")
    ) {
      throw refuse("a Kysely instance for another database than MySQL");
    }
    return { kysely, reconnects: true, connections: USUAL_CONNECTIONS };
  }
  if (has(db, "add", "of", "getConnection")) throw refuse("a PoolCluster (its replicas may lag behind)");
  if (has(db, "getConnection")) {
    // mysql2/promise wraps the callback pool, and shows it.
    const pool = has((db as { pool?: unknown }).pool, "getConnection", "promise")
      ? (db as unknown as PromisePool).pool
      : db;
    if (!has(pool, "promise")) throw refuse("a pool that is not from mysql2 (the mysql package, perhaps)");
    const { connectionLimit } = (pool as { config?: { connectionLimit?: unknown } }).config ?? {};
    return {
      kysely: onPool(pool as unknown as CallbackPool, timeoutMs),
      reconnects: true,
      connections: typeof connectionLimit === "number" ? connectionLimit : USUAL_CONNECTIONS,
    };
  }
  const inner = (db as { connection?: unknown } | null | undefined)?.connection;
  const connection = has(inner, "query", "promise") ? inner : db;
  if (has(connection, "query", "promise", "destroy")) {
    return {
      kysely: onConnection(connection as unknown as RawConnection),
      reconnects: false,
      connections: 1,
    };
  }
  if (has(db, "query")) throw refuse("a connection that is not from mysql2 (the mysql package, perhaps)");
  throw refuse(db === null ? "null" : Array.isArray(db) ? "an array" : typeof db);
}

function refuse(what: string): SessionError {
  return new SessionError(
    "SESSION_OPTION_INVALID",
    `db must be a mysql2 pool or connection (of mysql2 or mysql2/promise) or a Kysely instance for MySQL, not ${what}`,
  );
}

function has<Name extends string>(value: unknown, ...names: Name[]): value is Record<Name, unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}

function onPool<Tables>(pool: CallbackPool, timeoutMs: number): Kysely<Tables> {
  // Kysely knows connections by identity, so a raw connection keeps its wrapper.
  const wrappers = new WeakMap<RawConnection, MysqlPoolConnection>();
  const getConnection = pool.getConnection.bind(pool) as (
    callback: (error: unknown, connection: RawConnection) => void,
  ) => void;
  const adapter: MysqlPool = {
    getConnection(callback) {
      getConnection((error, raw) => {
        if (error) return callback(error, undefined as never);
        let wrapper = wrappers.get(raw);
        if (!wrapper) {
          wrapper = withTimeout(raw, timeoutMs);
          wrappers.set(raw, wrapper);
        }
        callback(null, wrapper);
      });
    },
    // The pool is the application's: we never close it.
    end: (callback) => callback(undefined),
  };
  return new Kysely<Tables>({ dialect: new MysqlDialect({ pool: adapter }) });
}

/**
 * A pooled connection that is destroyed when a statement gets no answer in time: a server that vanished without a word would
 * otherwise keep the pool's connections busy until TCP gives up, long after it has come back.
 */
function withTimeout(raw: RawConnection, timeoutMs: number): MysqlPoolConnection {
  const query = (sql: string, parameters: unknown[], callback?: (error: unknown, result: never) => void) => {
    const timer = setTimeout(() => {
      raw.destroy();
      callback?.(new StoreFault("unknown", "no answer in time"), undefined as never);
    }, timeoutMs);
    return raw.query(sql, parameters, (error, result) => {
      clearTimeout(timer);
      callback?.(error, result);
    });
  };
  return { query: query as MysqlPoolConnection["query"], release: () => raw.release?.() };
}

function onConnection<Tables>(connection: RawConnection): Kysely<Tables> {
  // mysql2 queues what a busy connection is asked. A transaction that the application opens on it takes our statements in,
  // which nothing here can see: the README and a warning say so.
  const shared: MysqlPoolConnection = {
    query: ((sql: string, parameters: unknown[], callback: (error: unknown, result: never) => void) =>
      connection.query(sql, parameters, callback)) as MysqlPoolConnection["query"],
    release() {},
  };
  const pool: MysqlPool = {
    getConnection: (callback) => callback(null, shared),
    end: (callback) => callback(undefined),
  };
  return new Kysely<Tables>({ dialect: new MysqlDialect({ pool }) });
}
