import { beforeEach, describe, expect, test } from "@jest/globals";
import type { AuditEvents, TokenSessions } from "../../../src/index.js";
import { outcome, until, useNodes } from "../../support/servers/nodes.js";
import { gotToken } from "../../support/servers/server.js";

// Who has done what: told once, by the server that did it, when the database has it.

const nodes = useNodes();

beforeEach(() => nodes.database.pool.query("delete from session"));

type Heard = { act: string; sessionId: string; userId: string | null; node: string } & Record<
  string,
  unknown
>;

function hear(...all: TokenSessions[]): Heard[] {
  const heard: Heard[] = [];
  for (const sessions of all)
    for (const act of ["login", "logout", "rotate", "revoke"] satisfies (keyof AuditEvents)[])
      sessions.on(act, (event: object) => heard.push({ act, ...event } as Heard));
  return heard;
}

/** What was heard, once all that was emitted before has been told. */
async function acts(heard: Heard[]): Promise<string[]> {
  await new Promise((resolve) => setImmediate(resolve));
  return heard
    .splice(0)
    .map(({ act, userId, reason }) => [act, userId, reason].filter((each) => each != null).join(" "));
}

test("login, logout and regenerate each tell what was written, on their server alone", async () => {
  const [one, two] = [await nodes.node(), await nodes.node()];
  expect(one.sessions.nodeId).toMatch(/^[0-9a-f]{16}$/);
  expect(one.sessions.nodeId).not.toBe(two.sessions.nodeId);
  const heard = hear(one.sessions, two.sessions);
  const { session, id, client } = await one.connect();
  let sent = gotToken(client);
  await session.login("ada");
  const [rotated, login] = await until(async () => heard.length >= 2 && [...heard]);
  expect(rotated).toMatchObject({ act: "rotate", sessionId: id, userId: "ada", node: one.sessions.nodeId });
  expect(login).toEqual({
    act: "login",
    sessionId: id,
    userId: "ada",
    previousUserId: null,
    node: one.sessions.nodeId,
    createdAt: session.createdAt,
    at: expect.any(Number),
  });
  const { token } = await sent;
  const other = await two.connect(token);
  expect(await acts(heard)).toEqual(["rotate ada", "login ada"]);
  await session.set("n", 1);
  await session.login("ada");
  expect(await acts(heard)).toEqual(["rotate ada", "login ada"]);
  await session.login("bob");
  expect(await acts(heard)).toEqual(["rotate bob", "login bob"]);
  sent = gotToken(client);
  await session.regenerate();
  await sent;
  expect(await acts(heard)).toEqual(["rotate bob"]);
  await session.logout();
  expect(await acts(heard)).toEqual(["logout bob", "rotate"]);
  await session.logout();
  expect(await acts(heard)).toEqual(["rotate"]);
  // What the other server reads of all that is none of its acts.
  await outcome(other.session.reload());
  expect(await acts(heard)).toEqual([]);
});

describe("revoke", () => {
  test("tells each session that was ended from outside, open or not, and by what", async () => {
    const [one, two] = [await nodes.node(), await nodes.node()];
    const devices = [];
    for (let n = 0; n < 5; n++) {
      const device = await two.connect();
      await device.session.login("ada");
      devices.push(device.id);
    }
    const heard = hear(one.sessions, two.sessions);
    await one.sessions.destroy(devices[0] as string);
    expect(await acts(heard)).toEqual(["revoke ada destroyed"]);
    await (await one.sessions.find(devices[1] as string))?.destroy();
    expect(await acts(heard)).toEqual(["revoke ada destroyed"]);
    expect(await one.sessions.destroyForUser("ada", { except: devices[2] })).toBe(2);
    expect(await acts(heard)).toEqual(["revoke ada revoked", "revoke ada revoked"]);
    // The other server, which has not heard of it, ends none of them once more.
    await two.sessions.destroyForUser("ada", { except: devices[2] });
    expect(await acts(heard)).toEqual([]);
    await one.sessions.destroy(devices[2] as string);
    expect(await acts(heard)).toEqual(["revoke ada destroyed"]);
  });

  test("is not told of what was not there, had expired, or ended itself", async () => {
    const node = await nodes.node();
    const [own, expired] = [await node.connect(), await node.connect()];
    await nodes.database.pool.query("update session set expires = 5 where sessionId = ?", [expired.id]);
    const elsewhere = await nodes.node();
    const heard = hear(node.sessions, elsewhere.sessions);
    await own.session.destroy();
    await elsewhere.sessions.destroy("018f0000000070008000000000000000");
    await elsewhere.sessions.destroy(own.id);
    await elsewhere.sessions.destroy(expired.id);
    expect(await acts(heard)).toEqual([]);
  });

  test("several calls at once are one end", async () => {
    const node = await nodes.node();
    const { id } = await node.connect();
    const heard = hear(node.sessions);
    await Promise.all([node.sessions.destroy(id), node.sessions.destroy(id), node.sessions.destroy(id)]);
    expect(await acts(heard)).toEqual(["revoke destroyed"]);
  });
});

test("what the database did not take is not told", async () => {
  const node = await nodes.node({ options: { storeTimeout: 1 } });
  const { session, id } = await node.connect();
  const heard = hear(node.sessions);
  await node.proxy.down();
  // Whether the statement may have got through is for the product to say; it has not.
  expect(await outcome(session.login("ada"))).toMatch(/^SESSION_(STORE_UNAVAILABLE|WRITE_UNCERTAIN)$/);
  expect(await outcome(node.sessions.destroy(id))).toMatch(/^SESSION_(STORE_UNAVAILABLE|WRITE_UNCERTAIN)$/);
  expect(await acts(heard)).toEqual([]);
  await node.proxy.up();
  await session.login("ada");
  expect(await acts(heard)).toEqual(["rotate ada", "login ada"]);
});

test("a write whose answer is lost is told once, when it is known", async () => {
  const node = await nodes.node();
  const { session } = await node.connect();
  const heard = hear(node.sessions);
  const cut = node.proxy.cutNextAnswer("update");
  await session.login("ada");
  await cut;
  expect(await acts(heard)).toEqual(["rotate ada", "login ada"]);
});

test("without anybody who listens, a session that is ended is not read", async () => {
  const node = await nodes.node();
  const elsewhere = await nodes.node();
  const { id } = await elsewhere.connect();
  const { store } = node.sessions;
  const load = store.load.bind(store);
  let loads = 0;
  store.load = (ids) => {
    loads++;
    return load(ids);
  };
  await node.sessions.destroy(id);
  expect(loads).toBe(0);
});
