import { randomBytes } from "node:crypto";
import { afterAll, afterEach, expect, test } from "@jest/globals";
import { createPool, type Pool } from "mysql2/promise";
import { toLog } from "../../../src/base/log.js";
import { MysqlStore } from "../../../src/stores/mysql/mysql-store.js";
import { USER_PAGE } from "../../../src/stores/mysql/reads.js";
import { createTestDatabase, poolOptions } from "../../support/database/database.js";
import { outcome } from "../../support/servers/nodes.js";

// Settings of a server or account under which statements of several rows must work, or the connection be
// refused.

const database = await createTestDatabase();
const pools: Pool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
});
afterAll(() => database.drop());

const INVALID = "SESSION_CONNECTION_INVALID";

async function storeWith(setting: string) {
  const pool = createPool({ ...poolOptions(database.url), connectionLimit: 1 });
  pools.push(pool);
  await pool.query(`set ${setting}`);
  const log = toLog(false);
  const store = new MysqlStore(pool, "session", {
    expiration: 1000,
    absoluteExpiration: 10_000,
    touchEvery: 40,
    storeTimeout: 10,
    log,
  });
  const ids = Array.from({ length: 3 }, () => randomBytes(16).toString("hex"));
  const writers = Buffer.alloc(0);
  const inserted = await outcome(
    store.insert(
      ids.map((sessionId) => ({
        sessionId,
        secretHash: randomBytes(32),
        data: "{}",
        client: null,
        revision: 1,
        writers,
      })),
    ),
  );
  const attempts = ids.map((sessionId) => ({
    sessionId,
    baseRevision: 1,
    revision: 2,
    data: '{"n":1}',
    writers,
  }));
  return { store, ids, attempts, isRefused: inserted === INVALID };
}

test("sql_safe_updates: several rows are written and touched", async () => {
  const { store, ids, attempts, isRefused } = await storeWith("sql_safe_updates = 1");
  if (isRefused) return;
  const outcomes = [
    await outcome(store.write(attempts, { mayWait: false })),
    await outcome(store.write(attempts.slice(0, 1), { mayWait: false })),
    await outcome(store.touch(ids, { beginVisit: false })),
  ];
  expect(outcomes).toEqual(["resolved", "resolved", "resolved"]);
});

test("sql_select_limit: no row is taken to be missing", async () => {
  const { store, ids, isRefused } = await storeWith("sql_select_limit = 2");
  if (isRefused) return;
  const found = [await store.load(ids), await store.loadRevisions(ids)];
  expect(found.map((rows) => rows.length)).toEqual([3, 3]);
});

test.each([0, 1])("sql_select_limit = %i: the table is found, and every device of a user", async (limit) => {
  const { store, ids } = await storeWith(`sql_select_limit = ${limit}`);
  await store.check();
  const userId = `u${limit}`;
  await database.pool.query("update session set userId = ? where sessionId in (?)", [userId, ids]);
  expect((await store.forUser(userId)).map(({ sessionId }) => sessionId).sort()).toEqual([...ids].sort());
  expect(await store.count()).toBeGreaterThanOrEqual(3);
  expect((await store.list({ limit: 3 })).length).toBe(3);
  await database.pool.query("update session set expires = 5 where sessionId in (?)", [ids]);
  expect((await store.prune({ expiredFor: 10, limit: 20 })).deleted).toBe(3);
});

const MODES =
  process.env["TEST_DATABASE_ENGINE"] === "mysql"
    ? ["ANSI", "TRADITIONAL", "NO_UNSIGNED_SUBTRACTION,PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE"]
    : ["ANSI", "TRADITIONAL", "NO_UNSIGNED_SUBTRACTION,PIPES_AS_CONCAT", "ORACLE", "EMPTY_STRING_IS_NULL"];

test.each(MODES)("sql_mode %s: every row is found, written, touched and listed", async (mode) => {
  const { store, ids, attempts } = await storeWith(`sql_mode = '${mode}'`);
  const userId = `of ${mode}`;
  expect(await store.write(attempts)).toEqual([true, true, true]);
  expect(await store.touch(ids, { beginVisit: true })).toEqual([]);
  await database.pool.query("update session set userId = ? where sessionId in (?)", [userId, ids]);
  expect((await store.load(ids)).length).toBe(3);
  expect((await store.forUser(userId)).length).toBe(3);
  expect((await store.list({ limit: 3 })).length).toBe(3);
});

test("max_join_size left on a connection: statements go to another one", async () => {
  const { store, ids, attempts } = await storeWith("max_join_size = 1");
  expect((await store.load(ids)).length).toBe(3);
  expect(await store.write(attempts)).toEqual([true, true, true]);
});

test("a user with more devices than one statement reads has them all, newest first", async () => {
  const { store } = await storeWith("sql_select_limit = 100");
  const now = Math.floor(Date.now() / 1000);
  const rows = Array.from({ length: USER_PAGE * 2 + 1 }, (_, n) => [
    randomBytes(16).toString("hex"),
    now + 1000,
    "{}",
    n,
    Buffer.alloc(0),
    now - (n % 7),
    now,
    0,
    "many",
  ]);
  await database.pool.query(
    "insert into session (sessionId, expires, data, revision, writers, createdAt, visitedAt, previousVisitAt, userId) values ?",
    [rows],
  );
  const found = await store.forUser("many");
  expect(new Set(found.map(({ sessionId }) => sessionId)).size).toBe(rows.length);
  const order = found.map(({ createdAt, sessionId }) => `${createdAt} ${sessionId}`);
  expect(order).toEqual([...order].sort().reverse());
});
