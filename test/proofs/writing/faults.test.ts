import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { createPool, type Pool } from "mysql2/promise";
import { ERRORS } from "../../../src/stores/mysql/errors-by-number.js";
import { type AnsweringProxy, startAnsweringProxy } from "../../support/database/answering-proxy.js";
import { poolOptions } from "../../support/database/database.js";
import { outcome, until, useNodes } from "../../support/servers/nodes.js";
import type { Connected, Rig } from "../../support/servers/rig.js";
import { startRig } from "../../support/servers/rig.js";

// What the database may say in place of "done": said by the server itself where it can be brought to it, else
// in its place.

const ofKind = (kind: string) => [...ERRORS].filter(([, line]) => line.kind === kind);
const NOT_APPLIED = ofKind("not-applied").map(([errno, { name }]) => [errno, name] as const);
const UNKNOWN = [
  ...ofKind("unknown").map(([errno, { name }]) => [errno, name] as const),
  [4999, "a number that nobody has classified"] as const,
];

const nodes = useNodes();
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A server whose statements go through an answering proxy; `setUp` is run on each of its connections. */
async function faulty(setUp?: string): Promise<Rig & { proxy: AnsweringProxy; pool: Pool }> {
  const proxy = await startAnsweringProxy(nodes.database.url);
  const pool = createPool({ ...poolOptions(proxy.through(nodes.database.url)), connectionLimit: 2 });
  if (setUp) pool.on("connection", (connection) => void connection.query(setUp));
  const rig = await startRig({ options: { db: pool } });
  let ending: Promise<void> | undefined;
  const close = () => {
    ending ??= rig
      .close()
      .then(() => pool.end())
      .then(() => proxy.close());
    return ending;
  };
  ends.push(close);
  return { ...rig, proxy, pool, close };
}

const isMariaDb = async () => {
  const [row] = await nodes.database.rows<{ version: string }>("select version() as version");
  return row?.version.includes("MariaDB") ?? false;
};

const increment = (draft: Record<string, unknown>) => {
  draft["n"] = Number(draft["n"] ?? 0) + 1;
};

/** Ids of the connections of the account under test that are running such a statement. */
async function running(statement: string): Promise<number[]> {
  const threads = await nodes.database.threads();
  return threads.filter((thread) => thread.statement.startsWith(statement)).map(({ id }) => id);
}

describe("said in the server's place", () => {
  test.each(NOT_APPLIED)("%i %s: the statement is sent again, and nothing is read", async (errno) => {
    const { connect, proxy, sessions } = await faulty();
    proxy.answerNext("insert into `session`", errno);
    const { session, id } = await connect();
    expect(proxy.statements.splice(0)).toEqual(["insert", "insert"]);

    proxy.answerNext("update ", errno);
    await session.update(increment);
    expect(proxy.statements.splice(0)).toEqual(["update", "update"]);
    expect((await nodes.row(id))?.data).toEqual({ n: 1 });

    proxy.answerNext("select `sessionId`", errno);
    await session.reload();
    expect(proxy.statements.splice(0)).toEqual(["select", "select"]);

    proxy.answerNext("delete from `session`", errno);
    await sessions.destroy(id);
    expect(proxy.statements.splice(0)).toEqual(["delete", "delete"]);
    expect(await nodes.row(id)).toBeUndefined();
  });

  describe.each(UNKNOWN)("%i %s", (errno) => {
    test.each([
      ["run all the same", true, ["update", "select"]],
      ["not run", false, ["update", "select", "update"]],
    ])("of a statement that was %s: the row tells, and it is applied once", async (_, passOn, expected) => {
      const { connect, proxy } = await faulty();
      const { session, id } = await connect();
      await session.update(increment);
      for (const hangUp of [false, true]) {
        proxy.statements.splice(0);
        proxy.answerNext("update ", errno, { passOn, hangUp });
        await session.update(increment);
        // One SELECT more may have gone out on the connection that was being closed.
        const kinds = proxy.statements.filter((kind, n, all) => kind !== all[n - 1]);
        expect(kinds).toEqual(expected);
      }
      const row = await nodes.row(id);
      expect(row?.data).toEqual({ n: 3 });
      expect(row?.writers).toHaveLength(16);
    });

    test("of a mint and of a destroy: there once, and gone", async () => {
      const { connect, proxy, sessions } = await faulty();
      const count = async () => (await nodes.database.rows("select sessionId from session")).length;
      for (const passOn of [true, false]) {
        const before = await count();
        proxy.answerNext("insert into `session`", errno, { passOn });
        const { id } = await connect();
        expect(await count()).toBe(before + 1);
        proxy.answerNext("delete from `session`", errno, { passOn });
        await sessions.destroy(id);
        expect(await count()).toBe(before);
      }
    });
  });

  test.each([1040, 1129, 1203, 1226, 1053, 3032])(
    "%i in place of a greeting: another connection is tried",
    async (errno) => {
      const { connect, proxy } = await faulty();
      proxy.refuseNextConnection(errno);
      const { session, id } = await connect();
      await session.update(increment);
      expect((await nodes.row(id))?.data).toEqual({ n: 1 });
    },
  );

  test("what the statement itself is refused for is not shown, and repeats nothing", async () => {
    const { connect, proxy } = await faulty();
    const { session, id } = await connect();
    proxy.statements.splice(0);
    proxy.answerNext("update ", 1406, { sqlState: "22001" });
    expect(await outcome(session.update(increment))).toBe("SESSION_STORE_FAILED");
    expect(proxy.statements).toEqual(["update"]);
    expect(session.has("n")).toBe(false);
    await session.update(increment);
    expect((await nodes.row(id))?.data).toEqual({ n: 1 });
  });
});

describe("said by the server", () => {
  test("1205, a lock wait that takes too long: invisible but for the time", async () => {
    const { connect, proxy } = await faulty("set innodb_lock_wait_timeout = 1");
    const { session, id } = await connect();
    const lock = await nodes.lock(id);
    const update = session.update(increment);
    await until(async () => proxy.errors.includes(1205));
    await lock.release();
    await update;
    expect((await nodes.row(id))?.data).toEqual({ n: 1 });
  });

  test("1213, a deadlock: its victim is run again", async () => {
    const { connect, proxy } = await faulty();
    const { pool } = nodes.database;
    await pool.query("create table if not exists ballast (n int primary key, t int) engine = innodb");
    await pool.query("replace into ballast (n, t) values (1, 0), (2, 0), (3, 0), (4, 0), (5, 0)");
    for (let round = 1; round <= 3; round++) {
      const { session, id } = await connect();
      const row = await nodes.row(id);
      const other = await nodes.administrator();
      await other.query("begin");
      // The one that has changed more is spared.
      await other.query("update ballast set t = t + 1");
      // It holds the row's entry in the index, and then wants the row; a DELETE takes the two the other way
      // round.
      await other.query(
        "select expires from session force index (session_expires) where expires = ? lock in share mode",
        [row?.expires],
      );
      const destroyed = session.destroy();
      await until(async () => (await waitingForLock("delete from `session`")) > 0);
      await other.query("select * from session where sessionId = ? for update", [id]);
      await other.query("commit");
      await destroyed;
      expect(proxy.errors).toEqual(Array.from({ length: round }, () => 1213));
      expect(await nodes.row(id)).toBeUndefined();
    }
  });

  test("1317, an operator's KILL QUERY", async () => {
    const { connect, proxy } = await faulty();
    const { session, id } = await connect();
    const lock = await nodes.lock(id);
    const update = session.update(increment);
    const [thread] = await until(async () => orNone(await running("update ")));
    await nodes.database.pool.query(`kill query ${thread}`);
    await until(async () => proxy.errors.includes(1317));
    await lock.release();
    await update;
    expect((await nodes.row(id))?.data).toEqual({ n: 1 });
  });

  test("an operator's KILL CONNECTION, whatever the server says of it", async () => {
    const { connect, proxy } = await faulty();
    const { session, id } = await connect();
    const lock = await nodes.lock(id);
    proxy.statements.splice(0);
    const update = session.update(increment);
    const [thread] = await until(async () => orNone(await running("update ")));
    await nodes.database.pool.query(`kill ${thread}`);
    await until(async () => proxy.statements.includes("select"));
    await lock.release();
    await update;
    expect((await nodes.row(id))?.data).toEqual({ n: 1 });
  });

  test("1969 or 3024, a statement's time is up", async () => {
    // MariaDB's limit is for every statement, MySQL's for SELECT only.
    const mariaDb = await isMariaDb();
    const { connect, proxy } = await faulty(
      mariaDb ? "set max_statement_time = 0.3" : "set max_execution_time = 300",
    );
    const { session, id } = await connect();
    await session.update(increment);
    const other = await nodes.administrator();
    await other.query("lock tables session write");
    const read = session.reload();
    await until(async () => proxy.errors.includes(mariaDb ? 1969 : 3024));
    await other.query("unlock tables");
    await read;
    await session.update(increment);
    expect((await nodes.row(id))?.data).toEqual({ n: 2 });
  });

  test("1226, too many connections of this account: the next one is waited for", async () => {
    const hosts = await nodes.database.rows<{ host: string }>(
      "select Host as host from mysql.user where User = ?",
      [nodes.database.account],
    );
    const limit = async (count: number) => {
      for (const { host } of hosts)
        await nodes.database.pool.query(`alter user ?@? with max_user_connections ${count}`, [
          nodes.database.account,
          host,
        ]);
    };
    await limit(1);
    const one = await faulty();
    await one.connect();
    const other = await faulty();
    const connecting = other.connect();
    await until(async () => other.proxy.errors.includes(1226));
    await one.close();
    const { session, id } = await connecting;
    await limit(0);
    await session.update(increment);
    expect((await nodes.row(id))?.data).toEqual({ n: 1 });
  });
});

describe("a connection that the server has said farewell to", () => {
  test.each([
    ["a change", (rig: Connected) => rig.session.update(increment)],
    ["a reading", (rig: Connected) => rig.session.reload()],
    ["a login", (rig: Connected) => rig.session.login("u1")],
  ])("costs %s nothing but a new connection", async (_, use) => {
    const { connect, proxy, pool } = await faulty("set wait_timeout = 1");
    const connected = await connect();
    // The pool gives the connection that was used last.
    const raw = await pool.getConnection();
    raw.release();
    const { threadId, stream } = raw.connection as unknown as { threadId: number; stream: Socket };
    // A process that does not run, or not soon enough, finds the farewell as the answer to its next
    // statement.
    stream.pause();
    await until(async () => !(await idleThreads()).includes(threadId));
    proxy.statements.splice(0);
    const used = use(connected);
    setImmediate(() => stream.resume());
    await used;
    // MariaDB just closes the connection, which leaves open what became of a statement: the row tells.
    if (!(await isMariaDb())) {
      expect(proxy.errors).toContain(4031);
      expect(new Set(proxy.statements).size).toBe(1);
    }
  });
});

async function idleThreads(): Promise<number[]> {
  const threads = await nodes.database.threads();
  return threads.filter(({ idle }) => idle).map(({ id }) => id);
}

async function waitingForLock(statement: string): Promise<number> {
  const threads = await running(statement);
  if (threads.length === 0) return 0;
  const rows = await nodes.database.rows(
    "select trx_id from information_schema.innodb_trx where trx_state = 'LOCK WAIT' and trx_mysql_thread_id in (?)",
    [threads],
  );
  return rows.length;
}

function orNone<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}
