import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createPool } from "mysql2/promise";
import { tokenSession } from "../../../src/index.js";
import { createTestDatabase, poolOptions, type TestDatabase } from "../../support/database/database.js";
import { outcome, until } from "../../support/servers/nodes.js";

// A database that scans a small table for the rows to prune would lock the living ones too, and keep their
// writes waiting.

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** How the database would find the rows of a statement; MySQL says it in its own way. */
async function planOf(statement: string): Promise<string> {
  const [plan] = await database.rows<{ EXPLAIN?: string; type?: string; key?: string }>(
    `explain ${statement}`,
  );
  return plan?.EXPLAIN ?? `${plan?.type} using ${plan?.key}`;
}

test.each([
  { old: 40, living: 20 },
  { old: 100, living: 100 },
])("$old old rows of a small table: pruning holds up neither living sessions nor new ones", async (count) => {
  const { pool, rows, threads } = database;
  await pool.query("delete from session");
  const newId = () => randomBytes(15).toString("hex");
  const [clock] = await rows<{ now: number }>("select unix_timestamp() as now");
  const insert = (ids: string[], seconds: number) =>
    pool.query("insert into session (sessionId, expires, data) values ?", [
      ids.map((id, n) => [id, Number(clock?.now) + seconds + n, "{}"]),
    ]);
  // In the order of keys the last one is old: whoever waits for it has been past all others.
  const last = "f".repeat(32);
  const old = [...Array.from({ length: count.old - 1 }, () => `0${newId()}0`), last];
  const living = Array.from({ length: count.living }, () => `0${newId()}1`);
  await insert(old, -9000);
  await insert(living, 3600);
  await pool.query("analyze table session");

  const own = createPool(poolOptions(database.url));
  const sessions = tokenSession({ db: own, logger: false, prune: false });
  const [somebody, client] = [await pool.getConnection(), await pool.getConnection()];
  try {
    await client.query("set innodb_lock_wait_timeout = 1");
    await somebody.query("begin");
    await somebody.query("select * from session where sessionId = ? for update", [last]);
    const pruning = sessions.prune();
    const statement = await until(async () => {
      return (await threads()).find((thread) => /^delete/i.test(thread.statement))?.statement;
    });
    // By the index on `expires` it would lock what comes after the last old row, if only for a moment.
    expect(await planOf(statement ?? "")).toMatch(/\brange (scan on old )?using PRIMARY\b/);
    // One by one and by key, as sessions are written: a list might make the database scan the table for this
    // statement.
    for (const id of living) {
      const write = "update session set revision = revision + 1, expires = expires + 60 where sessionId = ?";
      expect(await outcome(client.query(write, [id]))).toBe("resolved");
    }
    for (const id of [`0${newId()}2`, `e${newId()}2`, "f".repeat(31).concat("e")]) {
      const start = "insert into session (sessionId, expires, data) values (?, unix_timestamp() + 60, '{}')";
      expect(await outcome(client.query(start, [id]))).toBe("resolved");
    }
    // All that while it was waiting.
    const left = await rows<{ n: number }>(
      "select count(*) as n from session where expires < unix_timestamp()",
    );
    expect(Number(left[0]?.n)).toBe(count.old);
    await somebody.query("rollback");
    expect(await pruning).toBe(count.old);
  } finally {
    await somebody.query("rollback");
    await client.query("set innodb_lock_wait_timeout = default");
    somebody.release();
    client.release();
    await sessions.close();
    await own.end();
  }
  expect(Number((await rows<{ n: number }>("select count(*) as n from session"))[0]?.n)).toBe(
    count.living + 3,
  );
});
