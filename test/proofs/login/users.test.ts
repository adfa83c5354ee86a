import { describe, expect, test } from "@jest/globals";
import { describeWithRedis } from "../../support/redis/redis.js";
import { ADAPTERS, startNodes } from "../../support/servers/cluster.js";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { type Connected, type Rig, serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// Who a session belongs to, and the list of a user's devices.

const nodes = useNodes();

/** A device on which this user logs in. Its client does not confirm: the new token comes in one step. */
async function loggedIn(on: Rig, userId: string | number, token = ""): Promise<Connected> {
  const device = await on.connect(token);
  const sent = gotToken(device.client);
  await device.session.login(userId);
  return { ...device, token: (await sent).token };
}

async function idsOf(on: Rig, userId: string | number): Promise<string[]> {
  return (await on.sessions.forUser(userId)).map(({ sessionId }) => sessionId);
}

async function userIdOf(id: string): Promise<string | null | undefined> {
  const [row] = await nodes.database.rows<{ userId: string | null }>(
    "select userId from session where sessionId = ?",
    [id],
  );
  return row?.userId;
}

/** Rows put there by somebody else: living sessions of a user, `seconds` old. */
async function insertRows(users: readonly (readonly [id: string, userId: string, seconds: number])[]) {
  await nodes.database.pool.query(
    "insert into session (sessionId, expires, data, secretHash, userId, revision, createdAt, visitedAt) values ?",
    [
      users.map(([id, userId, seconds]) => {
        const then = Math.floor(Date.now() / 1000) - seconds;
        return [id, then + 86_400 * 80, "{}", Buffer.alloc(32, 1), userId, 1, then, then];
      }),
    ],
  );
}

const idNumber = (n: number) => `018f${n.toString(16).padStart(28, "0")}`;

describe("userId", () => {
  test.each([
    ["128 characters", "x".repeat(128)],
    ["128 emoji, each one character", "😀".repeat(128)],
    ["accents", "zoë"],
    ["spaces inside", "Ada  Lovelace"],
    ["what SQL and LIKE mind", "a'b\"\\%_`;--"],
    ["the number 0", 0],
    ["a number", 7],
    ["the largest whole number", Number.MAX_SAFE_INTEGER],
    ["a negative one", -7],
  ])("%s is kept exactly, and found", async (_, userId) => {
    const node = await nodes.node();
    const { session, id, token } = await loggedIn(node, userId);
    expect(session.userId).toBe(String(userId));
    expect(await userIdOf(id)).toBe(String(userId));
    expect(await idsOf(node, userId)).toContain(id);
    expect((await node.connect(token)).session.userId).toBe(String(userId));
  });

  test.each([
    ["nothing", ""],
    ["129 characters", "x".repeat(129)],
    ["129 emoji", "😀".repeat(129)],
    ["a space at the end", "bob "],
    ["a space at the beginning", " bob"],
    ["a tab at the end", "bob\t"],
    ["half a character", "bob\ud83d"],
    ["a fraction", 1.5],
    ["more than a whole number can be", 2 ** 53],
    ["NaN", Number.NaN],
    ["undefined", undefined],
    ["null", null],
    ["true", true],
    ["an object", { toString: () => "bob" }],
    ["a list", ["bob"]],
  ])("%s is refused wherever a user is named, and changes nothing", async (_, given) => {
    const node = await nodes.node();
    const userId = given as string;
    const { session, id, client } = await loggedIn(node, "bob");
    let sent = 0;
    client.on("gotToken", () => sent++);
    for (const tried of [
      session.login(userId),
      node.sessions.forUser(userId),
      node.sessions.destroyForUser(userId),
    ])
      expect(await outcome(tried)).toBe("SESSION_USER_INVALID");
    // An answer comes after whatever was sent before it.
    await session.set("n", 1);
    await client.emitWithAck("getToken", { token: "" });
    expect(sent).toBe(1);
    expect(await userIdOf(id)).toBe("bob");
  });

  test("case, accents and spaces make another user; a number and its digits are one", async () => {
    const node = await nodes.node();
    const names = ["chloe", "Chloe", "chloë", "chloe\u0308", "chlo e", "42"];
    const devices = await Promise.all(names.map((name) => loggedIn(node, name)));
    for (const [n, name] of names.entries()) expect(await idsOf(node, name)).toEqual([devices[n]?.id]);
    expect(await idsOf(node, 42)).toEqual([devices[5]?.id]);
    expect(await node.sessions.destroyForUser("chloe")).toBe(1);
    expect(devices.map(({ session }) => session.active)).toEqual([false, true, true, true, true, true]);
  });

  test("rows with spaces at the end of the user are nobody's: neither listed nor ended", async () => {
    const node = await nodes.node();
    const bob = await loggedIn(node, "pad");
    const strange = [1, 2, 3].map(idNumber);
    await insertRows(strange.map((id, n) => [id, `pad${" ".repeat(n + 1)}`, 60]));
    // The database itself takes them for his.
    const [{ count } = { count: 0 }] = await nodes.database.rows<{ count: number }>(
      "select count(*) as count from session where userId = 'pad'",
    );
    expect(count).toBe(4);
    expect(await idsOf(node, "pad")).toEqual([bob.id]);
    expect(await outcome(node.sessions.forUser("pad "))).toBe("SESSION_USER_INVALID");
    expect(await node.sessions.destroyForUser("pad")).toBe(1);
    expect(await Promise.all(strange.map(userIdOf))).toEqual(["pad ", "pad  ", "pad   "]);
  });
});

test("forUser has the facts of each device, newest first, and no others", async () => {
  const node = await nodes.node();
  await insertRows([
    [idNumber(11), "eve", 300],
    [idNumber(12), "eve", 100],
    [idNumber(13), "eve", 200],
    [idNumber(14), "eve", 86_400 * 81],
  ]);
  const client = node.client({ auth: { token: "", client: { device: "Pixel 9" } } });
  const id = (await gotToken(client)).token.slice(0, 32);
  const { session } = serverSideOf(node.io, client);
  await session.login("eve");
  await session.set("card", "4111");
  const gone = await loggedIn(node, "eve");
  await gone.session.destroy();
  const left = await loggedIn(node, "eve");
  await left.session.logout();

  const devices = await node.sessions.forUser("eve");
  expect(devices.map(({ sessionId }) => sessionId)).toEqual([id, ...[12, 13, 11].map(idNumber)]);
  const { createdAt, visitedAt, expiresAt } = session;
  expect(devices[0]).toEqual({
    sessionId: id,
    client: { device: "Pixel 9" },
    createdAt,
    visitedAt,
    expiresAt,
    live: true,
  });
  expect(devices.slice(1).map(({ live, client }) => [live, client])).toEqual(Array(3).fill([false, null]));
  expect(await node.sessions.forUser("nobody")).toEqual([]);
  const closed = next(serverSideOf(node.io, client), "disconnect");
  client.disconnect();
  await closed;
  expect((await node.sessions.forUser("eve"))[0]).toMatchObject({ sessionId: id, live: false });
});

test("destroying one device leaves the user's others connected", async () => {
  const node = await nodes.node();
  const [phone, tablet] = [await loggedIn(node, "dan"), await loggedIn(node, "dan")];
  const told = next(phone.client, "sessionEnd");
  await node.sessions.destroy(phone.id);
  expect((await told)[0]).toEqual({ reason: "destroyed" });
  expect(await idsOf(node, "dan")).toEqual([tablet.id]);
  await tablet.session.set("n", 1);
  expect([tablet.client.connected, tablet.session.active]).toEqual([true, true]);
});

test("destroyForUser takes a session id as except, and nothing else", async () => {
  const node = await nodes.node();
  const { id } = await loggedIn(node, "fay");
  for (const except of ["", "x", `${id} `, 7])
    expect(await outcome(node.sessions.destroyForUser("fay", { except: except as string }))).toBe(
      "SESSION_ID_INVALID",
    );
  expect(await idsOf(node, "fay")).toEqual([id]);
  expect(await node.sessions.destroyForUser("fay", { except: idNumber(99) })).toBe(1);
  expect(await idsOf(node, "fay")).toEqual([]);
});

test("destroyForUser ends many sessions, those that nobody has open too", async () => {
  const node = await nodes.node();
  const phone = await loggedIn(node, "max");
  await insertRows(Array.from({ length: 300 }, (_, n) => [idNumber(1000 + n), "max", 60 + n] as const));
  expect(await node.sessions.destroyForUser("max", { except: phone.id })).toBe(300);
  expect(await idsOf(node, "max")).toEqual([phone.id]);
  expect([phone.client.connected, phone.session.active]).toEqual([true, true]);
});

describeWithRedis("over Redis", () => {
  test.each(ADAPTERS)("%s: devices are live on every node, and end on every node", async (_, makeAdapter) => {
    const databaseUrl = nodes.database.url;
    const { nodes: both, close } = await startNodes(makeAdapter, [{ databaseUrl }, { databaseUrl }]);
    try {
      const [here, there] = both as [Rig, Rig];
      const phone = await loggedIn(here, "gil");
      const tab = await there.connect(phone.token);
      const away = await Promise.all(Array.from({ length: 5 }, () => loggedIn(there, "gil")));
      const stranger = await loggedIn(there, "Gil");
      await insertRows(Array.from({ length: 300 }, (_, n) => [idNumber(2000 + n), "gil", 600 + n] as const));
      for (const on of [here, there]) {
        const live = (await on.sessions.forUser("gil")).filter(({ live }) => live);
        expect(live.map(({ sessionId }) => sessionId).sort()).toEqual(
          [phone, ...away].map(({ id }) => id).sort(),
        );
      }
      const over = away.map(({ client }) =>
        Promise.all([next(client, "sessionEnd"), next(client, "disconnect")]),
      );
      expect(await here.sessions.destroyForUser("gil", { except: phone.id })).toBe(305);
      for (const [[end], [reason]] of await Promise.all(over))
        expect([end, reason]).toEqual([{ reason: "revoked" }, "io server disconnect"]);
      expect(await idsOf(there, "gil")).toEqual([phone.id]);
      // The device that asked stays, on both nodes, and so does everybody else.
      for (const { session, client } of [phone, tab, stranger]) {
        await session.set("n", 1);
        expect([session.active, client.connected]).toEqual([true, true]);
      }
      await nodes.database.pool.query("delete from session where userId = 'gil'");
    } finally {
      await close();
    }
  });
});
