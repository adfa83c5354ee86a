// @ts-check
// What an application does to the pool that it shares with the library, in the process of a node.
import { createPool } from "mysql2";

/** @typedef {import("mysql2").PoolConnection} Connection */
/** @typedef {{ limit: number, access: object }} Given */
/** @typedef {{ access: object, share: number }} Lag */
/**
 * @typedef {object} SharedPool
 * @property {import("mysql2").Pool} pool
 * @property {(sql: string[], count: number) => Promise<number>} leave runs statements on connections of the
 * pool, and gives them back as they are then
 * @property {() => void} starve takes all connections, as a burst of slow queries does, and keeps them
 * @property {() => void} feed gives them back
 * @property {(given?: Lag) => void} lag sends a share of all plain reads to another server, or none any more
 */

/** @param {Given} given @returns {SharedPool} */
export function sharedPool({ limit, access }) {
  const pool = createPool({
    .../** @type {import("mysql2").PoolOptions} */ (access),
    connectionLimit: limit,
  });
  /** @type {{ share: number, pool: import("mysql2").Pool } | undefined} */
  let lag;
  /** @type {Connection[]} */
  const held = [];
  /** Wanted, until the fault is over. */
  let starving = false;

  // A middleware that sends some reads to a replica.
  pool.on("connection", (connection) => {
    const own = connection.query.bind(connection);
    /** @param {any[]} query */
    const query = (...query) => {
      const sql = String(query[0]?.sql ?? query[0]);
      const isRead =
        /^\s*select\b/i.test(sql) && !/\bfor\s+update\b/i.test(sql) && typeof query.at(-1) === "function";
      if (lag && isRead && Math.random() < lag.share) {
        return /** @type {Function} */ (lag.pool.query).apply(lag.pool, query);
      }
      return /** @type {Function} */ (own)(...query);
    };
    connection.query = /** @type {typeof connection.query} */ (query);
  });

  /** @returns {Promise<Connection | undefined>} */
  const take = () =>
    new Promise((resolve) =>
      pool.getConnection((error, connection) => resolve(error ? undefined : connection)),
    );
  /** @param {Connection} connection @param {string} sql @returns {Promise<void>} */
  const run = (connection, sql) => new Promise((resolve) => connection.query(sql, () => resolve()));

  return {
    pool,
    async leave(sql, count) {
      const taken = await Promise.all(Array.from({ length: Math.min(count, limit) }, take));
      await Promise.all(
        taken.map(async (connection) => {
          if (!connection) return;
          for (const each of sql) await run(connection, each);
          connection.release();
        }),
      );
      return taken.filter(Boolean).length;
    },
    starve() {
      starving = true;
      for (let n = 0; n < limit; n++) {
        take().then((connection) => {
          if (!connection) return;
          if (starving) held.push(connection);
          else connection.release();
        });
      }
    },
    feed() {
      starving = false;
      for (const connection of held.splice(0)) connection.release();
    },
    lag(given) {
      lag?.pool.end(() => {});
      lag = given && { share: given.share, pool: createPool({ ...given.access, connectionLimit: 4 }) };
    },
  };
}
