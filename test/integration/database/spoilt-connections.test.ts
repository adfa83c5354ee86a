import { afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Kysely, MysqlDialect } from "kysely";
import { createConnection, createPool, type Pool, type PoolConnection } from "mysql2/promise";
import { poolOptions } from "../../support/database/database.js";
import { keptLog } from "../../support/log.js";
import { outcome, until, useNodes } from "../../support/servers/nodes.js";
import { type Rig, startRig } from "../../support/servers/rig.js";

// The pool is the application's too: what it leaves behind on a connection must not reach sessions.

const nodes = useNodes();
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

beforeAll(async () => {
  const hosts = await nodes.database.rows<{ host: string }>(
    "select Host as host from mysql.user where User = ?",
    [nodes.database.account],
  );
  for (const { host } of hosts)
    await nodes.database.pool.query(`grant lock tables on \`${nodes.database.schema}\`.* to ?@?`, [
      nodes.database.account,
      host,
    ]);
});

type Log = ReturnType<typeof keptLog>;

/** A server on a pool of one connection, so that everybody has the same one. */
async function onOneConnection({
  kysely = false,
  storeTimeout = 10,
} = {}): Promise<Rig & { pool: Pool; kept: Log }> {
  const pool = createPool({ ...poolOptions(nodes.database.url), connectionLimit: 1 });
  const kept = keptLog();
  const db = kysely ? new Kysely<object>({ dialect: new MysqlDialect({ pool: pool.pool }) }) : pool;
  const rig = await startRig({ options: { db, logger: kept, storeTimeout } });
  ends.push(async () => {
    await rig.close();
    await pool.end();
  });
  return { ...rig, pool, kept };
}

/** What an application does that forgets to tidy up. */
async function leaveBehind(pool: Pool, statements: readonly string[]): Promise<number> {
  const connection = await pool.getConnection();
  for (const statement of statements) await connection.query(statement);
  const { threadId } = connection;
  connection.release();
  return threadId;
}

async function threadOf(pool: Pool): Promise<number> {
  const connection = await pool.getConnection();
  connection.release();
  return connection.threadId;
}

const warnings = ({ lines }: Log) => lines.filter(({ level }) => level === "warn").map(({ text }) => text);

describe.each([
  ["a pool", false],
  ["a Kysely instance", true],
])("on %s, a connection left", (_, kysely) => {
  test.each<[string, string[]]>([
    ["in a transaction", ["start transaction"]],
    ["in a transaction that has read", ["start transaction", "select count(*) from session"]],
    ["without autocommit", ["set autocommit = 0"]],
    ["in another database", ["use information_schema"]],
    ["with locks on a table", ["lock tables session as other read"]],
    ["with a read lock on the sessions", ["lock tables session read"]],
    ["with another character set", ["set names latin1"]],
    ["with NO_BACKSLASH_ESCAPES", ["set sql_mode = concat(@@sql_mode, ',NO_BACKSLASH_ESCAPES')"]],
    ["with READ UNCOMMITTED", ["set session transaction isolation level read uncommitted"]],
    ["with read-only transactions", ["set session transaction read only"]],
  ])("%s is closed: changes are saved, and readings right", async (_, statements) => {
    const { connect, sessions, pool, kept } = await onOneConnection({ kysely });
    const { session, id } = await connect();
    await session.set("n", "a");
    for (const use of [
      () => session.set("n", "b"),
      () => session.reload(),
      () => sessions.find(id),
      () => connect(),
      () => session.set("n", "c"),
    ]) {
      const locks = statements.some((text) => text.startsWith("lock"));
      const before = await nodes.row(id);
      const left = locks ? undefined : await leaveBehind(pool, statements);
      await nodes.database.pool.query(
        "update session set data = ?, revision = revision + 1 where sessionId = ?",
        [JSON.stringify({ ...before?.data, m: Number(before?.data["m"] ?? 0) + 1 }), id],
      );
      const thread = left ?? (await leaveBehind(pool, statements));
      await use();
      expect(await threadOf(pool)).not.toBe(thread);
    }
    // What was acknowledged is there, and nothing that others wrote has gone.
    expect((await nodes.row(id))?.data).toEqual({ n: "c", m: 5 });
    await session.reload();
    expect(session.toJSON()).toEqual({ n: "c", m: 5 });
    const said = warnings(kept).filter((text) => text.includes("given back to the pool"));
    expect(said.length).toBeLessThanOrEqual(1);
  });

  test("in a transaction: the log says so, once, and what was open is rolled back", async () => {
    const { connect, pool, kept } = await onOneConnection({ kysely });
    const { session, id } = await connect();
    await session.set("n", 0);
    for (let n = 1; n <= 2; n++) {
      await leaveBehind(pool, [
        "start transaction",
        `update session set userId = 'x' where sessionId = '${id}'`,
      ]);
      await session.set("n", n);
    }
    const [row] = await nodes.database.rows<{ userId: string | null }>(
      "select userId from session where sessionId = ?",
      [id],
    );
    expect([row?.userId, (await nodes.row(id))?.data]).toEqual([null, { n: 2 }]);
    expect(warnings(kept)).toEqual([expect.stringContaining("in a transaction that is not ours")]);
  });
});

describe.each([
  ["a pool", false],
  ["a Kysely instance", true],
])("on %s, connections that we have never had and the application has left", (_, kysely) => {
  test.each([
    ["with another character set", "set names latin1"],
    ["without autocommit", "set autocommit = 0"],
    ["with READ UNCOMMITTED", "set session transaction isolation level read uncommitted"],
  ])("%s are no fault of the database's", async (_, statement) => {
    const pool = createPool({ ...poolOptions(nodes.database.url), connectionLimit: 4 });
    const db = kysely ? new Kysely<object>({ dialect: new MysqlDialect({ pool: pool.pool }) }) : pool;
    const rig = await startRig({ options: { db, logger: false, prune: false } });
    ends.push(async () => {
      await rig.close();
      await pool.end();
    });
    const { session } = await rig.connect();
    const taken = await Promise.all(Array.from({ length: 4 }, () => pool.getConnection()));
    for (const connection of taken) await connection.query(statement);
    for (const connection of taken) connection.release();
    expect(await outcome(session.set("n", 1) as Promise<void>)).toBe("resolved");
    expect(await outcome(session.reload())).toBe("resolved");
  });
});

test("a connection that goes straight from us to who waits for it, and back, is looked at", async () => {
  const { connect, pool } = await onOneConnection();
  const { session, id } = await connect();
  const lock = await nodes.lock(id);
  // Ours has the connection; the application's wish, and then one of ours, wait for it in the pool.
  const first = session.set("n", 1);
  const enqueued = new Promise<void>((resolve) => pool.pool.once("enqueue", resolve));
  const spoiling = pool.getConnection().then(async (connection: PoolConnection) => {
    await connection.query("start transaction");
    await connection.query("select count(*) from session");
    connection.release();
    return connection.threadId;
  });
  await enqueued;
  const second = connect();
  await lock.release();
  const [thread] = await Promise.all([spoiling, first, second]);
  await session.set("n", 2);
  expect(await threadOf(pool)).not.toBe(thread);
  expect((await nodes.row(id))?.data).toEqual({ n: 2 });
});

test("a pool that only sessions use is asked nothing more than the statements", async () => {
  const { connect, pool } = await onOneConnection();
  const { session } = await connect();
  const raw = await pool.getConnection();
  const asked: string[] = [];
  const connection = raw.connection as unknown as { query(...given: unknown[]): unknown };
  const query = connection.query;
  connection.query = function (this: unknown, ...given: unknown[]) {
    asked.push(String(given[0]).slice(0, 6));
    return query.apply(this, given);
  };
  raw.release();
  // We have just had it ourselves, so it is looked at once.
  for (let n = 0; n < 3; n++) await session.set("n", n);
  await session.reload();
  expect(asked).toEqual(["do if(", "update", "update", "update", "select"]);
});

describe("a single connection", () => {
  test("in the application's transaction: a change is not acknowledged before that is over", async () => {
    const connection = await createConnection(poolOptions(nodes.database.url));
    const rig = await startRig({ options: { db: connection } });
    ends.push(async () => {
      await rig.close();
      await connection.end();
    });
    const { session, id } = await rig.connect();
    await session.set("n", 1);
    await connection.query("start transaction");
    let isDone = false;
    const change = session.set("n", 2).then(() => {
      isDone = true;
    });
    await until(async () => (await asked(connection)) > 20);
    expect([isDone, (await nodes.row(id))?.data]).toEqual([false, { n: 1 }]);
    await connection.query("rollback");
    await change;
    expect((await nodes.row(id))?.data).toEqual({ n: 2 });
  });
});

/** How many statements a connection has run. */
async function asked(connection: { query(sql: string): Promise<unknown> }): Promise<number> {
  const [rows] = (await connection.query("show session status like 'Questions'")) as [{ Value: string }[]];
  return Number(rows[0]?.Value);
}

test("isolation READ UNCOMMITTED on all connections is refused", async () => {
  const pool = createPool({ ...poolOptions(nodes.database.url), connectionLimit: 2 });
  pool.pool.on("connection", (connection) =>
    connection.query("set session transaction isolation level read uncommitted"),
  );
  const rig = await startRig({ options: { db: pool } });
  ends.push(async () => {
    await rig.close();
    await pool.end();
  });
  expect(await outcome(rig.sessions.check())).toBe("SESSION_CONNECTION_INVALID");
});
