import { beforeEach, describe, expect, test } from "@jest/globals";
import { fromConnectStore, memoryStore, type RevokeEvent, tokenSession } from "../../../src/index.js";
import { outcome, until, useNodes } from "../../support/servers/nodes.js";
import { type Connected, type Rig, startRig } from "../../support/servers/rig.js";
import { next } from "../../support/servers/server.js";

// At most so many sessions of a user, whoever logs in where and when.

const nodes = useNodes();

beforeEach(() => nodes.database.pool.query("delete from session"));

const node = (maxPerUser: number, more = {}) => nodes.node({ options: { maxPerUser, ...more } });

async function idsOf(userId: string): Promise<string[]> {
  const rows = await nodes.database.rows<{ sessionId: string }>(
    "select sessionId from session where userId = ? order by sessionId",
    [userId],
  );
  return rows.map(({ sessionId }) => sessionId);
}

async function loggedIn(on: Rig, userId = "ada"): Promise<Connected> {
  const device = await on.connect();
  await device.session.login(userId);
  return device;
}

test("the session whose login is the oldest ends, on whichever server it is, before login resolves", async () => {
  const [one, two] = [await node(2), await node(2, { revalidate: 1 })];
  const first = await loggedIn(two);
  const second = await loggedIn(one);
  const bob = await loggedIn(one, "bob");
  const told = next(first.client, "sessionEnd");
  const third = await loggedIn(one);
  expect(await idsOf("ada")).toEqual([second.id, third.id].sort());
  const [reason] = (await told) as [{ reason: string }];
  // Without a cluster adapter the other server's sweep finds that the row is gone.
  expect(reason.reason).toBe("destroyed");
  expect(bob.session.active).toBe(true);
  const here = next(second.client, "sessionEnd");
  await loggedIn(one);
  expect(await here).toEqual([{ reason: "replaced" }]);
});

test("an old session that logs in last stays: what counts is the login", async () => {
  const server = await node(1);
  const old = await server.connect();
  const young = await loggedIn(server);
  expect(young.id > old.id).toBe(true);
  await old.session.login("ada");
  expect(await idsOf("ada")).toEqual([old.id]);
  // And once more as the same user.
  await old.session.login("ada");
  expect(await idsOf("ada")).toEqual([old.id]);
  expect(old.session.active).toBe(true);
});

test("the time of the login is no value: nobody sees it, and a logout takes it away", async () => {
  const server = await node(3);
  const { session, id } = await server.connect();
  const changed: string[] = [];
  server.sessions.on("sessionChange", ({ keys }) => changed.push(...keys));
  await session.set("cart", [1]);
  await session.login("ada");
  expect((await nodes.row(id))?.data).toEqual({ cart: [1], "\u0000login": expect.any(Number) });
  expect(session.toJSON()).toEqual({ cart: [1] });
  expect(session.has("\u0000login")).toBe(false);
  expect(session.get("\u0000login", "none")).toBe("none");
  expect(await outcome(session.set("\u0000login", 5))).toBe("SESSION_VALUE_INVALID");
  await session.update((draft) => {
    expect(Object.keys(draft)).toEqual(["cart"]);
    draft["n"] = 1;
  });
  await session.clearSession();
  expect((await nodes.row(id))?.data).toEqual({ "\u0000login": expect.any(Number) });
  await session.logout();
  expect((await nodes.row(id))?.data).toEqual({});
  expect(new Set(changed)).toEqual(new Set(["cart", "n"]));
});

test("a session that is full can log in all the same, and be changed afterwards", async () => {
  const server = await node(1, { maxBytes: 19 });
  const [full, other] = [await server.connect(), await server.connect()];
  await full.session.set("text", "x".repeat(8));
  await other.session.login("ada");
  await full.session.login("ada");
  expect(await idsOf("ada")).toEqual([full.id]);
  await full.session.set("text", "y".repeat(8));
  expect(await outcome(full.session.set("text", "y".repeat(9)))).toBe("SESSION_TOO_LARGE");
  expect(await outcome(full.session.set({ a: 1, text: "y".repeat(8) }))).toBe("SESSION_TOO_LARGE");
});

test("sessions that were logged in before the option was set count as old as they are", async () => {
  const before = await nodes.node();
  const all: string[] = [];
  for (let n = 0; n < 3; n++) all.push((await loggedIn(before)).id);
  await nodes.database.pool.query("update session set createdAt = createdAt - 100 where sessionId = ?", [
    all[2],
  ]);
  const after = await node(3);
  const { id } = await loggedIn(after);
  expect(await idsOf("ada")).toEqual([all[0] as string, all[1] as string, id].sort());
});

describe("at once", () => {
  test.each([1, 2, 3])("on two servers, %i are left, and those logged in last", async (most) => {
    const servers = [await node(most), await node(most)];
    for (let round = 0; round < 5; round++) {
      const userId = `user-${most}-${round}`;
      const devices = await Promise.all(
        Array.from({ length: 6 }, (_, n) => (servers[n % 2] as Rig).connect()),
      );
      const outcomes = await Promise.all(devices.map(({ session }) => outcome(session.login(userId))));
      // Exactly: none of them has ended one that another counted on.
      const left = await idsOf(userId);
      expect(left).toHaveLength(most);
      const resolved = devices.filter((_, n) => outcomes[n] === "resolved").map(({ id }) => id);
      expect(left.filter((id) => !resolved.includes(id))).toEqual([]);
      expect(outcomes.filter((each) => !["resolved", "SESSION_ENDED"].includes(each))).toEqual([]);
    }
  });

  test("one that was overtaken while its server could not look ends itself, and says so", async () => {
    const [slow, quick] = [await node(1), await node(1)];
    const first = await slow.connect();
    const second = await quick.connect();
    // The list of the slow one comes when the other has logged in.
    const store = slow.sessions.store;
    const forUser = store.forUser?.bind(store);
    store.forUser = async (...given) => {
      await second.session.login("ada");
      return (await forUser?.(...given)) ?? [];
    };
    expect(await outcome(first.session.login("ada"))).toBe("SESSION_ENDED");
    expect(await idsOf("ada")).toEqual([second.id]);
    expect(second.session.active).toBe(true);
  });
});

test("after a restart of the servers the order is the same", async () => {
  const before = await node(2);
  const old = await before.connect();
  const second = await loggedIn(before);
  await old.session.login("ada");
  await before.close();
  const after = await node(2);
  const { id } = await loggedIn(after);
  expect(second.id > old.id).toBe(true);
  expect(await idsOf("ada")).toEqual([old.id, id].sort());
});

test("where the database goes after the login, it says that the others may not have ended; the next login sees to it", async () => {
  const server = await node(1, { storeTimeout: 1 });
  const first = await loggedIn(server);
  const second = await server.connect();
  const store = server.sessions.store;
  const forUser = store.forUser?.bind(store);
  store.forUser = async (...given) => {
    await server.proxy.down();
    return (await forUser?.(...given)) ?? [];
  };
  expect(await outcome(second.session.login("ada"))).toBe("SESSION_WRITE_UNCERTAIN");
  await server.proxy.up();
  expect(second.session.userId).toBe("ada");
  expect(await idsOf("ada")).toEqual([first.id, second.id].sort());
  if (forUser) store.forUser = forUser;
  const third = await loggedIn(server);
  expect(await idsOf("ada")).toEqual([third.id]);
});

test("each session that makes room has its revoke", async () => {
  const server = await node(1);
  const heard: RevokeEvent[] = [];
  server.sessions.on("revoke", (event) => heard.push(event));
  const first = await loggedIn(server);
  await loggedIn(server);
  await until(async () => heard.length > 0);
  expect(heard).toEqual([
    expect.objectContaining({
      sessionId: first.id,
      userId: "ada",
      reason: "replaced",
      node: server.sessions.nodeId,
    }),
  ]);
});

test("a session that has logged out before its server looked counts no more", async () => {
  const [first, second] = [await node(1), await node(1)];
  const stays = await loggedIn(second);
  const leaves = await first.connect();
  const store = first.sessions.store;
  const forUser = store.forUser?.bind(store);
  store.forUser = async (...given) => {
    const logout = leaves.session.logout().catch(() => {});
    await until(async () => leaves.session.userId === "");
    const found = (await forUser?.(...given)) ?? [];
    void logout;
    return found;
  };
  await leaves.session.login("ada");
  expect(await idsOf("ada")).toEqual([stays.id]);
  expect([stays.session.active, leaves.session.active]).toEqual([true, true]);
});

test("a row of the old package, whose key is a token, is left alone and keeps nobody from logging in", async () => {
  const server = await node(1);
  await nodes.database.pool.query(
    "insert into session (sessionId, expires, data, userId) values ('a-token-of-the-old-package', unix_timestamp() + 600, '{}', 'ada')",
  );
  const device = await loggedIn(server);
  expect(device.session.userId).toBe("ada");
  expect(await idsOf("ada")).toEqual([device.id, "a-token-of-the-old-package"].sort());
});

test("in memory too; a store without a list by user is refused", async () => {
  const server = await startRig({ options: { store: memoryStore(), maxPerUser: 1 } });
  try {
    const first = await loggedIn(server);
    const second = await loggedIn(server);
    expect([first.session.active, second.session.active]).toEqual([false, true]);
  } finally {
    await server.close();
  }
  const connect = { get() {}, set() {}, destroy() {} };
  expect(() =>
    tokenSession({ store: fromConnectStore(connect as never), logger: false, maxPerUser: 1 }),
  ).toThrow(expect.objectContaining({ code: "SESSION_UNSUPPORTED" }));
});
