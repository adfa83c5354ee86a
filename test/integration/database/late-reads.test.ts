import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "@jest/globals";
import { ConnectStore } from "../../../src/cookie-sessions/express-session-store.js";
import { startLatePool } from "../../support/database/late-pool.js";
import { startProxy } from "../../support/database/proxy.js";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { gotToken } from "../../support/servers/server.js";

// Rows read late: some reads come from a second table, which holds what the first one held before.

const nodes = useNodes();
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server some of whose reads come late. */
async function lateNode(options: object = {}) {
  const proxy = await startProxy(nodes.database.url);
  const pool = await startLatePool(nodes.database, proxy.through(nodes.database.url));
  closing.push(proxy.close, pool.close);
  const node = await nodes.node({ options: { db: pool.db, prune: false, ...options } });
  /** The next reads, so many. */
  const lateFor = (times: number) => {
    let left = times;
    pool.isLate = () => left-- > 0;
  };
  return { ...node, proxy, pool, lateFor };
}

const INSISTED = /older than those/;

/** The row as it was, put back by somebody who restores a backup. */
async function restore(id: string): Promise<void> {
  await nodes.database.pool.query("replace into session select * from late where sessionId = ?", [id]);
}

describe("a row read late", () => {
  test("is not shown by an open", async () => {
    const node = await lateNode();
    const { session, token, id } = await node.connect();
    await session.set("n", 1);
    await node.pool.catchUp();
    await session.set("n", 2);
    node.lateFor(2);
    const other = await node.connect(token);
    expect(other.id).toBe(id);
    expect(other.session.get("n")).toBe(2);
    expect(session.get("n")).toBe(2);
    expect(node.log.text).not.toMatch(INSISTED);
  });

  test("is not built upon by update and withSession, nor shown by reload", async () => {
    const node = await lateNode();
    const { session, socket, id } = await node.connect();
    await session.set("n", 1);
    await node.pool.catchUp();
    await session.set("n", 2);
    node.lateFor(1);
    await session.reload();
    expect(session.get("n")).toBe(2);
    node.lateFor(1);
    await socket.withSession(({ session: draft }) => {
      draft["n"] = (draft["n"] as number) + 1;
    });
    await session.update((draft) => {
      draft["n"] = (draft["n"] as number) + 1;
    });
    expect((await nodes.row(id))?.data).toEqual({ n: 4 });
  });

  test("does not let in whoever has the token of before a login, nor keep out whoever has the new one", async () => {
    const node = await lateNode();
    const { session, token, id, client } = await node.connect();
    await session.set("card", 1);
    await node.pool.catchUp();
    const given = gotToken(client);
    await session.login("ada");
    const { token: newToken } = await given;
    client.disconnect();
    node.lateFor(2);
    const owner = await node.connect(newToken);
    expect([owner.id, owner.session.userId]).toEqual([id, "ada"]);
    node.lateFor(2);
    const thief = await node.connect(token);
    expect(thief.id).not.toBe(id);
    expect(owner.session.active).toBe(true);
  });

  test("keeps out nobody who has a token that another server has given a moment ago", async () => {
    const [first, node] = [await nodes.node(), await lateNode()];
    const { session, token, id, client } = await first.connect();
    await node.connect(token);
    await node.pool.catchUp();
    const given = gotToken(client);
    await session.login("ada");
    const { token: newToken } = await given;
    node.lateFor(2);
    const there = await node.connect(newToken);
    expect([there.id, there.session.userId]).toEqual([id, "ada"]);
    const fresh = await lateNode();
    fresh.lateFor(3);
    expect((await fresh.connect(newToken)).id).toBe(id);
  });

  test("keeps out nobody whose token of the old package another server has just adopted", async () => {
    const [first, node] = [
      await nodes.node({ options: { legacyTokens: true } }),
      await lateNode({ legacyTokens: true }),
    ];
    const token = randomBytes(24).toString("base64url");
    await nodes.database.pool.query(
      "insert into session (sessionId, expires, data) values (?, unix_timestamp() + 3600, '{}')",
      [token],
    );
    await node.pool.catchUp();
    const { id } = await first.connect(token);
    node.lateFor(3);
    expect((await node.connect(token)).id).toBe(id);
  });

  test("leaves no cookie's session that another server has just begun, and that is to end", async () => {
    const [first, node] = [new ConnectStore((await nodes.node()).sessions), await lateNode()];
    const second = new ConnectStore(node.sessions);
    const id = randomBytes(24).toString("base64url");
    const cookie = { originalMaxAge: 3_600_000, httpOnly: true, path: "/" };
    await first.set(id, { cookie, one: 1 } as never);
    node.lateFor(1);
    await second.destroy(id);
    expect(await nodes.row(first.idOf(id))).toBeUndefined();
  });

  test("is noticed of a session that was let go a moment ago, and so is one that is missing", async () => {
    const node = await lateNode();
    const { session, id, client } = await node.connect();
    await session.set("n", 1);
    await node.pool.catchUp();
    await session.set("n", 2);
    client.disconnect();
    await session.reload();
    node.lateFor(1);
    expect((await node.sessions.find(id))?.get("n")).toBe(2);
    await nodes.database.pool.query("delete from late");
    node.lateFor(2);
    expect((await node.sessions.find(id))?.get("n")).toBe(2);
  });

  test("does not open a session again that has ended here", async () => {
    const node = await lateNode();
    const { session, token, id } = await node.connect();
    await session.set("card", 1);
    await node.pool.catchUp();
    await session.destroy();
    node.lateFor(2);
    const after = await node.connect(token);
    expect(after.id).not.toBe(id);
    expect(after.session.get("card")).toBe("");
    node.lateFor(2);
    expect(await node.sessions.find(id)).toBeUndefined();
  });

  test("does not keep a second server from saving a session that a first one has just begun", async () => {
    const [first, node] = [new ConnectStore((await nodes.node()).sessions), await lateNode()];
    const second = new ConnectStore(node.sessions);
    const id = randomBytes(24).toString("base64url");
    const cookie = { originalMaxAge: 3_600_000, httpOnly: true, path: "/" };
    await first.set(id, { cookie, one: 1 } as never);
    // More than follow at once on an INSERT that finds the id taken, as often as one is sent.
    node.lateFor(8);
    await second.set(id, { cookie, two: 2 } as never);
    expect(await first.get(id)).toMatchObject({ one: 1, two: 2 });
  });

  test("does not delete a session that has begun anew where an expired one was", async () => {
    const [first, node] = [new ConnectStore((await nodes.node()).sessions), await lateNode()];
    const second = new ConnectStore(node.sessions);
    const id = randomBytes(24).toString("base64url");
    const cookie = { originalMaxAge: 3_600_000, httpOnly: true, path: "/" };
    await first.set(id, { cookie, one: 1 } as never);
    await nodes.database.pool.query(
      "update session set expires = unix_timestamp() - 60 where sessionId = ?",
      [first.idOf(id)],
    );
    await node.pool.catchUp();
    await first.set(id, { cookie, one: 2 } as never);
    // Until the expired row is to make room for a new one.
    node.lateFor(3);
    await second.set(id, { cookie, two: 2 } as never);
    expect(await first.get(id)).toMatchObject({ one: 2, two: 2 });
  });

  test("does not end a session that is used on another node", async () => {
    const node = await lateNode({ revalidate: 3600, touchEvery: 3600 });
    const { session, id } = await node.connect();
    await session.set("n", 1);
    await node.pool.catchUp();
    await nodes.database.pool.query("update late set expires = unix_timestamp() where sessionId = ?", [id]);
    node.lateFor(1);
    await session.reload();
    node.lateFor(1);
    expect((await node.sessions.find(id))?.get("n")).toBe(1);
    expect(session.active).toBe(true);
  });

  test("tells nothing of a write whose answer is lost: it counts once", async () => {
    const node = await lateNode();
    const { session, id } = await node.connect();
    for (let n = 0; n < 2; n++) await session.set("n", n);
    await node.pool.catchUp();
    // The row is two writes of this very process behind when it is looked at.
    await session.set("n", 10);
    const cut = node.proxy.cutNextAnswer("update ");
    const add = session.update((draft) => {
      draft["n"] = (draft["n"] as number) + 1;
    });
    node.lateFor(2);
    await cut;
    await add;
    expect((await nodes.row(id))?.data).toEqual({ n: 11 });
  });
});

describe("a row that stays as it was", () => {
  test("is taken as it is after two seconds, and that is said once", async () => {
    const node = await lateNode();
    const { session, token, id } = await node.connect();
    await session.set("n", 1);
    await node.pool.catchUp();
    for (let n = 2; n < 5; n++) await session.set("n", n);
    await restore(id);
    const other = await node.connect(token);
    expect([other.id, other.session.get("n"), session.get("n")]).toEqual([id, 1, 1]);
    await session.set("n", 7);
    expect((await nodes.row(id))?.data).toEqual({ n: 7 });
    await restore(id);
    await session.reload();
    expect(session.get("n")).toBe(1);
    expect(node.log.lines.filter(({ text }) => INSISTED.test(text))).toHaveLength(1);
  });

  test("leaves a change uncertain that may have been made, and never makes it again", async () => {
    const node = await lateNode();
    const { session, id } = await node.connect();
    await session.set("n", 1);
    await node.pool.catchUp();
    await session.set("n", 2);
    const cut = node.proxy.cutNextAnswer("update ");
    const add = outcome(
      session.update((draft) => {
        draft["n"] = (draft["n"] as number) + 1;
      }),
    );
    node.lateFor(4);
    await cut;
    expect(await add).toBe("SESSION_WRITE_UNCERTAIN");
    expect((await nodes.row(id))?.data).toEqual({ n: 3 });
    expect(session.get("n")).toBe(1);
    // Nobody is locked out: the next change finds the row as it is.
    await session.set("m", 1);
    expect((await nodes.row(id))?.data).toEqual({ n: 3, m: 1 });
  });
});

test.each([
  ["the largest that there is", "9007199254740991"],
  ["one beyond what numbers hold exactly", "1152921504606846977"],
  ["the largest of the column", "18446744073709551615"],
])("a row given by hand as revision %s is read and written as any other", async (_, revision) => {
  const [node, other] = [await nodes.node(), await nodes.node()];
  const { session, token, id } = await node.connect();
  await session.set("n", 1);
  const { session: there } = await other.connect(token);
  const edit = `update session set data = '{"n":5}', revision = ${revision} where sessionId = ?`;
  await nodes.database.pool.query(edit, [id]);
  await session.reload();
  expect(session.get("n")).toBe(5);
  for (const each of [session, there, session]) {
    // The numbers begin anew, which looks like an older row: a process that has known a larger one takes it
    // after two seconds.
    if (each === there) await there.reload();
    await each.update((draft) => {
      draft["n"] = (draft["n"] as number) + 1;
    });
  }
  const row = await nodes.row(id);
  expect(row?.data).toEqual({ n: 8 });
  expect(row?.revision).toBeLessThan(2 ** 53);
});

test("with reads that come late and answers that are lost each increment counts once", async () => {
  const first = await lateNode();
  const { token, id } = await first.connect();
  const all = [first, await lateNode(), await lateNode()];
  let writes = 0;
  let reads = 0;
  for (const node of all) {
    node.proxy.watchAnswers("update ", () => {
      if (++writes % 4 === 0) void node.pool.catchUp();
      return writes % 3 === 0;
    });
  }
  const handles = [];
  for (const node of all) handles.push((await node.connect(token)).session);
  for (const node of all) node.pool.isLate = () => ++reads % 3 !== 0;
  const outcomes: Record<string, number> = {};
  await Promise.all(
    handles.map(async (session) => {
      for (let n = 0; n < 20; n++) {
        const became = await outcome(
          session.update((draft) => {
            draft["n"] = ((draft["n"] as number | undefined) ?? 0) + 1;
          }),
        );
        outcomes[became] = (outcomes[became] ?? 0) + 1;
      }
    }),
  );
  const { resolved = 0, SESSION_WRITE_UNCERTAIN: uncertain = 0, ...others } = outcomes;
  const n = (await nodes.row(id))?.data["n"] as number;
  expect(others).toEqual({});
  expect(n).toBeGreaterThanOrEqual(resolved);
  expect(n).toBeLessThanOrEqual(resolved + uncertain);
  expect(resolved).toBeGreaterThan(30);
}, 120_000);

test("a list that comes late keeps no socket that is logged in here from being ended by destroyForUser", async () => {
  const node = await lateNode();
  const [first, kept, second] = [await node.connect(), await node.connect(), await node.connect()];
  await first.session.login("late-ada");
  await node.pool.catchUp();
  for (const { session } of [kept, second]) await session.login("late-ada");
  node.pool.isLate = () => true;
  expect(await node.sessions.destroyForUser("late-ada", { except: kept.id })).toBe(2);
  expect([first, kept, second].map(({ session }) => session.active)).toEqual([false, true, false]);
  expect(await nodes.row(second.id)).toBeUndefined();
  expect(await nodes.row(kept.id)).toBeDefined();
});
