import { createPool, type Pool, type PoolConnection } from "mysql2";
import { poolOptions, type TestDatabase } from "./database.js";

/**
 * A pool of a server some of whose reads come from a second table, in place of a node of the database that
 * lags behind.
 */
export interface LatePool {
  readonly db: Pool;
  /** Has the second table hold what the first one holds now. */
  catchUp(): Promise<void>;
  /** Whether a read is to come late, asked with each. */
  isLate: () => boolean;
  /** Resolves when so many more reads have come late. */
  late(times: number): Promise<void>;
  close(): Promise<void>;
}

type Query = (sql: string, values: unknown[], callback: (...answer: unknown[]) => void) => unknown;

/** `url`: by which the server reaches the database. */
export async function startLatePool(database: TestDatabase, url = database.url): Promise<LatePool> {
  await database.pool.query("create table if not exists `late` like `session`");
  const db = createPool({ ...poolOptions(url), connectionLimit: 5 });
  const lent = new WeakMap<PoolConnection, PoolConnection>();
  let waiting: { left: number; done: () => void }[] = [];
  const came = () => {
    for (const each of waiting) if (--each.left === 0) each.done();
    waiting = waiting.filter(({ left }) => left > 0);
  };
  const query =
    (connection: PoolConnection): Query =>
    (sql, values, callback) => {
      const isRead = /^select .* from `session`/is.test(sql);
      if (!isRead || !pool.isLate())
        return (connection.query as Query).call(connection, sql, values, callback);
      // By the administrator's pool: the server's account has no right to it.
      return (database.pool.pool.query as unknown as Query).call(
        database.pool.pool,
        sql.replaceAll("from `session`", "from `late`"),
        values,
        (...answer) => {
          callback(...answer);
          came();
        },
      );
    };
  const wrap = (connection: PoolConnection): PoolConnection => {
    const wrapped =
      lent.get(connection) ??
      new Proxy(connection, {
        get(target, name) {
          if (name === "query") return query(target);
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    lent.set(connection, wrapped);
    return wrapped;
  };
  const pool: LatePool = {
    db: new Proxy(db, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (name === "getConnection")
          return (callback: (error: unknown, connection?: PoolConnection) => void) =>
            target.getConnection((error, connection) =>
              error ? callback(error) : callback(null, wrap(connection)),
            );
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
    async catchUp() {
      await database.pool.query("replace into `late` select * from `session`");
    },
    isLate: () => false,
    late: (times) => new Promise((done) => waiting.push({ left: times, done })),
    close: () => db.promise().end(),
  };
  return pool;
}
