import { afterEach, expect, test } from "@jest/globals";
import { createPool, type Pool, type PoolConnection, type PoolOptions } from "mysql2/promise";
import { poolOptions } from "../../support/database/database.js";
import { outcome, until, useNodes } from "../../support/servers/nodes.js";
import { startRig } from "../../support/servers/rig.js";

// The application holds every connection of its pool.

const nodes = useNodes();
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function starved(options: PoolOptions) {
  const pool = createPool({ ...poolOptions(nodes.database.url), ...options });
  const rig = await startRig({ options: { db: pool, storeTimeout: 1, prune: false } });
  const connected = [];
  for (let n = 0; n < 24; n++) connected.push(await rig.connect());
  const held: PoolConnection[] = [];
  for (let n = 0; n < Number(options.connectionLimit); n++) held.push(await pool.getConnection());
  ends.push(async () => {
    for (const connection of held.splice(0)) connection.release();
    await rig.close();
    await pool.end();
  });
  return { pool, rig, connected, held };
}

/** What waits in the driver. */
function queueOf(pool: Pool): number {
  return (pool.pool as unknown as { _connectionQueue: { length: number } })._connectionQueue.length;
}

test("what is given up leaves nothing in the driver, and is not run for nobody", async () => {
  const { pool, connected, held, rig } = await starved({ connectionLimit: 8 });
  for (let round = 0; round < 3; round++) {
    const outcomes = await Promise.all([
      ...connected.map(({ session }) => outcome(session.set("n", "x".repeat(10_000)))),
      ...connected.map(({ id }) => outcome(rig.sessions.find(id.replace(/./g, "0")))),
    ]);
    expect(new Set(outcomes)).toEqual(new Set(["SESSION_STORE_UNAVAILABLE"]));
    expect(queueOf(pool)).toBeLessThanOrEqual(4);
  }
  const run: string[] = [];
  for (const connection of held) {
    const raw = connection.connection as unknown as { query(...given: unknown[]): unknown };
    const query = raw.query;
    raw.query = function (this: unknown, ...given: unknown[]) {
      run.push(String(given[0]));
      return query.apply(this, given);
    };
  }
  for (const connection of held.splice(0)) connection.release();
  await until(async () => queueOf(pool) === 0);
  await pool.query("select 1");
  expect(run.filter((sql) => /^(update|insert|delete)/.test(sql))).toEqual([]);
  // And everything works again.
  await Promise.all(connected.map(({ session }) => session.set("n", 1)));
});

test("a connection that comes late serves who waits then", async () => {
  const { connected, held } = await starved({ connectionLimit: 2 });
  const [one, other] = connected;
  expect(await outcome(one?.session.set("n", 1) as Promise<void>)).toBe("SESSION_STORE_UNAVAILABLE");
  const waiting = other?.session.set("n", 2);
  for (const connection of held.splice(0)) connection.release();
  await waiting;
  expect((await nodes.row(other?.id ?? ""))?.data).toEqual({ n: 2 });
});

test("half the places in a bounded queue stay the application's", async () => {
  const { pool, connected, held } = await starved({ connectionLimit: 8, queueLimit: 2 });
  const changes = connected.map(({ session }) => outcome(session.set("n", 1)));
  await until(async () => queueOf(pool) > 0);
  const own = pool.getConnection();
  expect(queueOf(pool)).toBe(2);
  for (const connection of held.splice(0)) connection.release();
  (await own).release();
  expect(new Set(await Promise.all(changes))).toEqual(new Set(["resolved"]));
});
