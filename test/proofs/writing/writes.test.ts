import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { PoolConnection } from "mysql2/promise";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { type DatabaseProxy, startProxy } from "../../support/database/proxy.js";
import { type Rig, startRig } from "../../support/servers/rig.js";

// The write rule: no update lost, none doubled, nothing revived, also when answers are lost. Each node is a
// server of its own with its own registry; what separate processes add is proven elsewhere.

let database: TestDatabase;
const rigs: Rig[] = [];
const proxies: DatabaseProxy[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});
afterAll(() => database.drop());

async function node({ storeTimeout = 10 } = {}): Promise<Rig & { proxy: DatabaseProxy }> {
  const proxy = await startProxy(database.url);
  proxies.push(proxy);
  const rig = await startRig({ databaseUrl: proxy.through(database.url), options: { storeTimeout } });
  rigs.push(rig);
  return { ...rig, proxy };
}

/** A connection with an open transaction that has the row locked. */
async function lockRow(id: string): Promise<PoolConnection> {
  const connection = await database.pool.getConnection();
  await connection.query("begin");
  await connection.query("select * from session where sessionId = ? for update", [id]);
  return connection;
}

async function dataOf(id: string): Promise<unknown> {
  const [row] = await database.rows<{ data: string }>("select data from session where sessionId = ?", [id]);
  return JSON.parse(row?.data ?? "null");
}

test("two nodes that write different keys of one session at once keep both, always", async () => {
  const [one, other] = [await node(), await node()];
  const here = await one.connect();
  const there = await other.connect(here.token);
  for (let round = 0; round < 30; round++) {
    await Promise.all([here.session.set(`a${round}`, round), there.session.set(`b${round}`, round)]);
  }
  const data = (await dataOf(here.id)) as Record<string, number>;
  expect(Object.keys(data)).toHaveLength(60);
});

test("a refused write runs again on what is there now, and get shows that", async () => {
  const one = await node();
  const { session, id } = await one.connect();
  await session.set("mine", 1);
  await database.pool.query(
    `update session set data = '{"theirs":1}', revision = revision + 1 where sessionId = ?`,
    [id],
  );
  await session.set("mine", 2);
  expect(session.toJSON()).toEqual({ theirs: 1, mine: 2 });
  expect(await dataOf(id)).toEqual({ theirs: 1, mine: 2 });
});

test("clearSession and a set elsewhere: the row equals one of the two orders", async () => {
  const [one, other] = [await node(), await node()];
  const here = await one.connect();
  const there = await other.connect(here.token);
  const seen = new Set<string>();
  for (let round = 0; round < 20; round++) {
    await here.session.set("old", 1);
    await Promise.all([here.session.clearSession(), there.session.set("new", round)]);
    const data = JSON.stringify(await dataOf(here.id));
    expect(["{}", `{"new":${round}}`]).toContain(data);
    seen.add(data.replace(/\d+/, "n"));
  }
  expect(seen.size).toBeGreaterThan(0);
});

describe("a lost answer", () => {
  test("of a write that was applied: it is applied once, and resolves", async () => {
    const one = await node();
    const { session, id } = await one.connect();
    const before = await revisionOf(id);
    const cut = one.proxy.cutNextAnswer("update ");
    const set = session.set("n", 1);
    await cut;
    await set;
    expect(await dataOf(id)).toEqual({ n: 1 });
    const [row] = await database.rows<{ revision: number; writers: Buffer }>(
      "select * from session where sessionId = ?",
      [id],
    );
    expect(row?.revision).not.toBe(before);
    expect(row?.writers.length).toBe(16);
    await session.set("n", 2);
    expect(await dataOf(id)).toEqual({ n: 2 });
  });

  test("with another node's write in between: both are there", async () => {
    const [one, other] = [await node(), await node()];
    const here = await one.connect();
    const there = await other.connect(here.token);
    for (let round = 0; round < 10; round++) {
      const cut = one.proxy.cutNextAnswer("update ");
      const set = here.session.set(`a${round}`, round);
      await cut;
      await Promise.all([there.session.set(`b${round}`, round), set]);
    }
    expect(Object.keys((await dataOf(here.id)) as object)).toHaveLength(20);
  });

  test("of a mint: the session is there once, and its token opens it", async () => {
    const one = await node();
    const [{ n: before } = { n: 0 }] = await database.rows<{ n: number }>(
      "select count(*) as n from session",
    );
    const cut = one.proxy.cutNextAnswer("insert into `session`");
    const connecting = one.connect();
    await cut;
    const { token } = await connecting;
    const [{ n: after } = { n: 0 }] = await database.rows<{ n: number }>("select count(*) as n from session");
    expect(after).toBe(before + 1);
    expect((await one.connect(token)).session.active).toBe(true);
  });

  test("when eight other writers came in between is uncertain, said so, and the row is what it is", async () => {
    const one = await node();
    const { session, id } = await one.connect();
    await session.set("n", 1);
    // The UPDATE waits for a lock; when it is let go, the list of writers tells nothing any more.
    const blocker = await lockRow(id);
    const sent = one.proxy.passed("update ");
    // "No row matched" would tell, so that answer is lost.
    void one.proxy.cutNextAnswer("update ");
    const set = session.set("n", 2);
    const outcome = set.then(
      () => "resolved",
      (error: { code: string }) => error.code,
    );
    await sent;
    await blocker.query(
      `update session set data = '{"n":9}', revision = revision + 1, writers = ? where sessionId = ?`,
      [Buffer.alloc(128, 7), id],
    );
    await blocker.query("commit");
    blocker.release();
    expect(await outcome).toBe("SESSION_WRITE_UNCERTAIN");
    expect(await dataOf(id)).toEqual({ n: 9 });
    expect(session.get("n")).toBe(9);
    await session.set("n", 10);
    expect(await dataOf(id)).toEqual({ n: 10 });
  });
});

test("an abandoned UPDATE that runs after all is counted once", async () => {
  // It waits for a lock, the node gives up on the answer and reads the row, which still shows the base.
  const one = await node({ storeTimeout: 4 });
  const { session, id } = await one.connect();
  await session.set("n", 1);
  const blocker = await lockRow(id);
  const sentTwice = one.proxy.passed("update ").then(() => one.proxy.passed("update "));
  const set = session.set("n", 2);
  await sentTwice;
  await blocker.query("rollback");
  blocker.release();
  await set;
  expect(await dataOf(id)).toEqual({ n: 2 });
  const [row] = await database.rows<{ writers: Buffer }>("select writers from session where sessionId = ?", [
    id,
  ]);
  expect(row?.writers.length).toBe(16);
  await session.set("n", 3);
  expect(await dataOf(id)).toEqual({ n: 3 });
});

test("a deadlock is retried and seen by nobody", async () => {
  const one = await node();
  const { session, id } = await one.connect();
  await session.set("n", 1);
  const blocker = await lockRow(id);
  const sent = one.proxy.passed("update ");
  const set = session.set("n", 2);
  await sent;
  // Ends the waiting statement as a deadlock's victim would be ended: with an error, not applied.
  const waiting = (await database.threads()).filter(({ statement }) => statement.startsWith("update "));
  for (const { id } of waiting) await database.pool.query(`kill query ${id}`);
  await blocker.query("rollback");
  blocker.release();
  await set;
  expect(await dataOf(id)).toEqual({ n: 2 });
});

async function revisionOf(id: string): Promise<number | undefined> {
  const [row] = await database.rows<{ revision: number }>(
    "select revision from session where sessionId = ?",
    [id],
  );
  return row?.revision;
}
