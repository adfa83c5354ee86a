// @ts-check
// Somebody else at work on our table.
import { pause } from "../world.js";
import { repeatedly, someIds } from "./fault.js";

/** @typedef {import("./fault.js").Fault} Fault */

const LOCK = "SELECT sessionId FROM soak.session WHERE sessionId IN (?) FOR UPDATE";

/** Does not wait for anybody's locks for long. @param {import("mysql2/promise").PoolConnection} connection */
async function begin(connection) {
  await connection.query("SET SESSION innodb_lock_wait_timeout = 2");
  await connection.query("START TRANSACTION");
}

/** @type {readonly Fault[]} */
export const lockFaults = [
  {
    name: "rowLocks",
    group: "locks",
    seconds: [3, 7],
    async begin(world, random) {
      const { primary } = world.servers;
      let release = () => {};
      const released = new Promise((resolve) => (release = () => resolve(undefined)));
      const ids = someIds(world, random, 8);
      const done = primary.withConnection(async (connection) => {
        await begin(connection);
        await connection.query(LOCK, [ids]);
        await released;
        await connection.query("ROLLBACK");
      });
      done.catch(() => {});
      return async () => {
        release();
        await done.catch(() => {});
      };
    },
  },
  {
    name: "tableLock",
    group: "server",
    seconds: [2, 6],
    async begin({ servers }) {
      let release = () => {};
      const released = new Promise((resolve) => (release = () => resolve(undefined)));
      const done = servers.primary.withConnection(async (connection) => {
        await connection.query("LOCK TABLES soak.session WRITE");
        await released;
        await connection.query("UNLOCK TABLES");
      });
      done.catch(() => {});
      return async () => {
        release();
        await done.catch(() => {});
      };
    },
  },
  {
    name: "deadlocks",
    group: "locks",
    seconds: [3, 6],
    async begin(world, random) {
      const { primary } = world.servers;
      const stops = [1, 2, 3].map(() =>
        repeatedly(5, () =>
          primary.withConnection(async (connection) => {
            await begin(connection);
            for (const id of someIds(world, random, 6)) {
              await connection.query(LOCK, [[id]]);
              await pause(5);
            }
            await connection.query("COMMIT");
          }),
        ),
      );
      return () => Promise.all(stops.map((stop) => stop()));
    },
  },
];
