import { expect, test } from "@jest/globals";
import { ConnectStore } from "../../../src/cookie-sessions/express-session-store.js";
import { KoaSessionStore } from "../../../src/cookie-sessions/koa-session-store.js";
import { type Node, outcome, until, useNodes } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";

// Ending all sessions, or many: in statements of many rows.

const nodes = useNodes();
const cookie = { originalMaxAge: 60_000 };

/** How many rows each statement of a kind has, from now on. */
function statementsOf({ sessions: { store } }: Node): { deleted: number[]; listed: object[] } {
  const deleted: number[] = [];
  const listed: object[] = [];
  const remove = store.delete.bind(store);
  const list = store.list?.bind(store);
  store.delete = (ids, options) => {
    deleted.push(ids.length);
    return remove(ids, options);
  };
  store.list = async (options) => {
    const rows = (await list?.(options)) ?? [];
    listed.push({ rows: rows.length, withValues: rows.filter(({ data }) => data !== null).length });
    return rows;
  };
  return { deleted, listed };
}

async function addRows(count: number, userId: string | null = null): Promise<void> {
  await nodes.database.pool.query(
    "insert into session (sessionId, expires, data, revision, writers, userId)" +
      " with recursive n (n) as (select 1 union all select n + 1 from n where n < ?)" +
      " select concat('0190', lpad(n, 28, '0')), unix_timestamp() + 3600, '{}', n, '', ? from n",
    [count, userId],
  );
}

async function rowsLeft(): Promise<number> {
  const [row] = await nodes.database.rows<{ count: number }>("select count(*) as count from session");
  return Number(row?.count);
}

test.each(["ConnectStore", "KoaSessionStore"])(
  "%s.clear() of 900 rows is few statements, and reads no values",
  async (name) => {
    const node = await nodes.node({ options: { prune: false, revalidate: 3600 } });
    const store =
      name === "ConnectStore" ? new ConnectStore(node.sessions) : new KoaSessionStore(node.sessions);
    await addRows(900);
    const { deleted, listed } = statementsOf(node);
    await store.clear();
    expect(await rowsLeft()).toBe(0);
    expect(deleted).toEqual([256, 256, 256, 132]);
    expect(listed).toEqual([256, 256, 256, 132].map((rows) => ({ rows, withValues: 0 })));
  },
);

test("each session's sockets are told, on all servers; a locked row keeps no other from going", async () => {
  const options = { prune: false, revalidate: 1 };
  const [one, other] = [await nodes.node({ options }), await nodes.node({ options })];
  await addRows(300);
  const sockets = [await one.connect(), await one.connect(), await other.connect()];
  const locked = await one.connect();
  const lock = await nodes.lock(locked.id);
  const told = [...sockets, locked].map(({ client }) => next(client, "sessionEnd"));
  let over = false;
  const clearing = new ConnectStore(one.sessions).clear().then(() => {
    over = true;
  });
  await until(async () => (await rowsLeft()) === 1);
  for (const each of told.slice(0, 3)) expect(await each).toEqual([{ reason: "destroyed" }]);
  expect([over, locked.session.active]).toEqual([false, true]);
  await lock.release();
  await clearing;
  expect(await told[3]).toEqual([{ reason: "destroyed" }]);
  expect(await rowsLeft()).toBe(0);
});

test("one that was interrupted is called again, and ends the rest", async () => {
  const node = await nodes.node({ options: { prune: false, storeTimeout: 1 } });
  const store = new ConnectStore(node.sessions);
  await addRows(300);
  await store.set("a", { cookie } as never);
  const lock = await nodes.lock(store.idOf("a"));
  expect(await outcome(store.clear())).toBe("SESSION_WRITE_UNCERTAIN");
  await lock.release();
  await store.clear();
  expect(await rowsLeft()).toBe(0);
});

test("destroyForUser goes the same way", async () => {
  const node = await nodes.node({ options: { prune: false } });
  await addRows(300, "ada");
  const { deleted } = statementsOf(node);
  expect(await node.sessions.destroyForUser("ada")).toBe(300);
  expect(await rowsLeft()).toBe(0);
  expect(deleted).toEqual([256, 44]);
});
