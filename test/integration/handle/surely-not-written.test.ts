import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "@jest/globals";
import { createPool } from "mysql2/promise";
import { toLog } from "../../../src/base/log.js";
import { ConnectStore } from "../../../src/cookie-sessions/express-session-store.js";
import { memoryStore, type SessionRow, type SessionStore, tokenSession } from "../../../src/index.js";
import { MysqlStore } from "../../../src/stores/mysql/mysql-store.js";
import { type AnsweringProxy, startAnsweringProxy } from "../../support/database/answering-proxy.js";
import { poolOptions } from "../../support/database/database.js";
import { startProxy } from "../../support/database/proxy.js";
import { useNodes } from "../../support/servers/nodes.js";

// `SESSION_STORE_UNAVAILABLE` and `SESSION_STORE_FAILED` say that surely nothing was written. Here something
// was, or may have been, before the try that was answered last: then they must not be said.

const nodes = useNodes();
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const UNCERTAIN = { code: "SESSION_WRITE_UNCERTAIN" };
/**
 * ER_SERVER_SHUTDOWN says nothing of the statement, ER_TABLEACCESS_DENIED_ERROR refuses it, ER_LOCK_DEADLOCK
 * rolls it back.
 */
const [SHUTDOWN, DENIED, DEADLOCK] = [1053, 1142, 1213];
const INSERT = "insert into `session`";
const cookie = { originalMaxAge: 3_600_000, httpOnly: true, path: "/" };
const newId = () => randomBytes(24).toString("base64url");

async function through(proxy: { through(url: string): string; close(): Promise<void> }) {
  const pool = createPool({ ...poolOptions(proxy.through(nodes.database.url)), connectionLimit: 4 });
  const sessions = tokenSession({ db: pool, logger: false });
  ends.push(
    () => proxy.close(),
    () => pool.end(),
    () => sessions.close(),
  );
  return { sessions, pool, store: new ConnectStore(sessions) };
}

async function answering() {
  const proxy: AnsweringProxy = await startAnsweringProxy(nodes.database.url);
  return { proxy, ...(await through(proxy)) };
}

async function rows(): Promise<number> {
  const [row] = await nodes.database.rows<{ count: number }>("select count(*) as count from session");
  return Number(row?.count);
}

describe("a first save whose answer was lost", () => {
  test("and that is refused when it is tried again: it is there, so it was not surely unwritten", async () => {
    const { proxy, store } = await answering();
    const before = await rows();
    proxy.answerNext(INSERT, SHUTDOWN, { passOn: true });
    proxy.answerNext(INSERT, DENIED, { sqlState: "42000" });
    await expect(store.set(newId(), { cookie } as never)).rejects.toMatchObject(UNCERTAIN);
    expect(await rows()).toBe(before + 1);
  });

  test("and on which somebody has written by the time of the next try: it is not saved once more over that", async () => {
    const proxy = await startProxy(nodes.database.url);
    const { store } = await through(proxy);
    const id = newId();
    const cut = proxy.cutNextAnswer(INSERT);
    const saved = store.set(id, { cookie, n: 1 } as never);
    await cut;
    const again = await proxy.hold(INSERT);
    await nodes.database.pool.query(
      `update session set data = json_set(data, '$.n', 2), revision = revision + 1, writers = concat(?, writers) where sessionId = ?`,
      [randomBytes(16), store.idOf(id)],
    );
    await again.release();
    await saved;
    expect(await store.get(id)).toMatchObject({ n: 2 });
  });

  test("where one of a list is refused, the others' lost answers are found out for each", async () => {
    const { proxy, store } = await answering();
    const ids = Array.from({ length: 5 }, newId);
    proxy.answerNext(INSERT, SHUTDOWN, { passOn: true });
    await Promise.all(ids.map((id, n) => store.set(id, { cookie, n } as never)));
    for (const [n, id] of ids.entries()) expect(await store.get(id)).toMatchObject({ n });
  });
});

test("a logout that takes the login away, and then gets no new secret into the row, is done", async () => {
  const errors: string[] = [];
  const node = await nodes.node();
  const { session, id } = await node.connect();
  node.sessions.on("error", ({ code }) => errors.push(code));
  await session.login("ada");
  await session.set("cart", [1]);
  await nodes.database.pool.query(
    "create trigger no_new_secret before update on session for each row" +
      " if not (new.secretHash <=> old.secretHash and new.nextHash <=> old.nextHash) then signal sqlstate '45000'; end if",
  );
  try {
    await session.logout();
  } finally {
    await nodes.database.pool.query("drop trigger no_new_secret");
  }
  expect(session.userId).toBe("");
  expect((await nodes.row(id))?.data).toEqual({});
  expect(errors).toEqual(["SESSION_STORE_FAILED"]);
});

describe("several sessions at once", () => {
  test("destroyForUser, one of which cannot be ended", async () => {
    const proxy = await startAnsweringProxy(nodes.database.url);
    const { sessions, pool } = await through(proxy);
    const node = await nodes.node({ options: { db: pool } });
    const opened = [await node.connect(), await node.connect(), await node.connect()];
    for (const { id } of opened)
      await nodes.database.pool.query("update session set userId = 'ada' where sessionId = ?", [id]);
    const before = await rows();
    // Left out by the statement of all three, so that it has one of its own.
    const lock = await nodes.lock(opened[1]?.id ?? "");
    proxy.answerNext("delete from `session`", DENIED, { sqlState: "42000" });
    await expect(sessions.destroyForUser("ada")).rejects.toMatchObject(UNCERTAIN);
    await lock.release();
    // It has waited for all of them, so that whoever calls again knows what is left.
    expect(await rows()).toBe(before - 2);
    expect(await sessions.destroyForUser("ada")).toBe(1);
  });

  test("destroyForUser, none of which can be ended, keeps saying why", async () => {
    const proxy = await startAnsweringProxy(nodes.database.url);
    const { sessions, pool } = await through(proxy);
    const node = await nodes.node({ options: { db: pool } });
    const { id } = await node.connect();
    await nodes.database.pool.query("update session set userId = 'bob' where sessionId = ?", [id]);
    proxy.answerNext("delete from `session`", DENIED, { sqlState: "42000" });
    await expect(sessions.destroyForUser("bob")).rejects.toMatchObject({ code: "SESSION_STORE_FAILED" });
    expect(await sessions.destroyForUser("bob")).toBe(1);
  });

  test("ConnectStore.clear, one of which cannot be ended", async () => {
    const { proxy, store } = await answering();
    const ids = [newId(), newId(), newId()];
    await Promise.all(ids.map((id, n) => store.set(id, { cookie, n } as never)));
    const lock = await nodes.lock(store.idOf(ids[1] ?? ""));
    proxy.answerNext("delete from `session`", DENIED, { sqlState: "42000" });
    await expect(store.clear()).rejects.toMatchObject(UNCERTAIN);
    await lock.release();
    expect(await rows()).toBe(1);
    await store.clear();
    expect(await rows()).toBe(0);
  });

  test("destroyed by one statement, of which one has gone before, and the look at what is left is refused", async () => {
    const { proxy, sessions, store } = await answering();
    const id = newId();
    await store.set(id, { cookie } as never);
    proxy.answerNext("select `sessionId`, `revision`", DENIED, { sqlState: "42000" });
    const ends = [store.idOf(id), store.idOf(newId())].map((sessionId) => sessions.destroy(sessionId));
    const [ended] = await Promise.allSettled(ends);
    expect(await rows()).toBe(0);
    // Tried again, it is found gone.
    expect(ended).toMatchObject({ status: "fulfilled" });
  });

  test("prune, whose answer was lost before it was refused", async () => {
    const { proxy, store, sessions } = await answering();
    await store.set(newId(), { cookie } as never);
    await nodes.database.pool.query("update session set expires = unix_timestamp() - 7200");
    proxy.answerNext("delete old from", SHUTDOWN, { passOn: true });
    proxy.answerNext("select `sessionId`", DENIED, { sqlState: "42000" });
    await expect(sessions.prune()).rejects.toMatchObject(UNCERTAIN);
    expect(await rows()).toBe(0);
  });
});

describe("lists, as the store contract has them", () => {
  const settings = {
    expiration: 1000,
    absoluteExpiration: 10_000,
    touchEvery: 40,
    storeTimeout: 10,
    log: toLog(false),
  };
  const fresh = () => ({
    sessionId: randomBytes(16).toString("hex"),
    secretHash: randomBytes(32),
    data: "{}",
    client: null,
    revision: 1,
    writers: Buffer.alloc(0),
  });

  test("of new sessions, one of which is taken: a fault of the rest is a fault of all of the rest", async () => {
    const { proxy, pool } = await answering();
    const mysql = new MysqlStore(pool, "session", settings);
    const [taken, ...others] = [fresh(), fresh(), fresh(), fresh()];
    if (!taken) throw new Error("nothing was made");
    await mysql.insert([taken]);
    const before = await rows();
    await expect(mysql.insert([...others, taken])).resolves.toMatchObject([{}, {}, {}, null]);
    expect(await rows()).toBe(before + 3);
    // The first says that one is taken; the second, without it, is rolled back.
    const more = [fresh(), taken, fresh()];
    const passOn = true;
    proxy.answerNext(INSERT, 1062, { passOn });
    proxy.answerNext(INSERT, DEADLOCK);
    await expect(mysql.insert(more)).rejects.toMatchObject({ kind: "not-applied" });
    expect(await rows()).toBe(before + 3);
  });

  test("of writes that are several statements: where one was done, a fault of the next is unknown", async () => {
    const { proxy, pool } = await answering();
    const mysql = new MysqlStore(pool, "session", settings);
    const list = [fresh(), fresh()];
    await mysql.insert(list);
    const [first, second] = list.map(({ sessionId, writers, secretHash }) => ({
      sessionId,
      writers,
      baseRevision: 1,
      revision: 2,
      data: '{"n":1}',
      identity: { userId: "eve", secretHash, nextHash: null, previousHash: null },
    }));
    if (!first || !second) throw new Error("nothing was made");
    const { identity: _, ...rest } = second;
    const plain = { ...rest, data: '{"second":1}' };
    proxy.answerNext("second", DENIED, { sqlState: "42000" });
    await expect(mysql.write([first, plain])).rejects.toMatchObject({ kind: "unknown" });
  });
});

test("a store that throws what it should not: the row decides whether it was written", async () => {
  const open = memoryStore();
  let breaks = 0;
  const sessions = tokenSession({
    logger: false,
    store: (settings): SessionStore => {
      const inner = open(settings);
      return {
        load: (ids) => inner.load(ids),
        insert: (list) => inner.insert(list),
        touch: (ids, options) => inner.touch(ids, options),
        delete: (ids) => inner.delete(ids),
        async write(attempts) {
          const answers = await inner.write(attempts);
          if (breaks-- > 0) throw new TypeError("a mistake, after the fact");
          return answers;
        },
      };
    },
  });
  ends.push(() => sessions.close());
  const store = new ConnectStore(sessions);
  const id = newId();
  await store.set(id, { cookie } as never);
  const handle = await sessions.find(store.idOf(id));
  breaks = 1;
  await handle?.update((draft) => {
    draft["n"] = Number(draft["n"] ?? 0) + 1;
  });
  await handle?.reload();
  expect(handle?.get("n")).toBe(1);
});

test("a write that was made, with an answer that does not tell and rows that are read late, is not surely unwritten", async () => {
  const open = memoryStore();
  let late: SessionRow[] | undefined;
  const sessions = tokenSession({
    logger: false,
    storeTimeout: 1,
    store: (settings): SessionStore => {
      const inner = open(settings);
      return {
        load: async (ids) => late ?? inner.load(ids),
        insert: (list) => inner.insert(list),
        touch: (ids, options) => inner.touch(ids, options),
        delete: (ids) => inner.delete(ids),
        async write(attempts) {
          if (late) return inner.write(attempts);
          late = await inner.load(attempts.map(({ sessionId }) => sessionId));
          // As of several that went out together.
          return (await inner.write(attempts)).map(() => undefined);
        },
      };
    },
  });
  ends.push(() => sessions.close());
  const store = new ConnectStore(sessions);
  const id = newId();
  await store.set(id, { cookie } as never);
  const handle = await sessions.find(store.idOf(id));
  await expect(handle?.set("n", 1)).rejects.toMatchObject(UNCERTAIN);
  late = undefined;
  await handle?.reload();
  expect(handle?.get("n")).toBe(1);
});
