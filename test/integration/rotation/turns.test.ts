import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import type { Socket as ServerSocket } from "socket.io";
import type { Socket } from "socket.io-client";
import { useClientNetworks } from "../../support/clients/client-networks.js";
import { startClientProxy } from "../../support/clients/client-proxy.js";
import { device, openTab, TOKEN_KEY } from "../../support/clients/device.js";
import { HandClock } from "../../support/clock.js";
import { addApp } from "../../support/http/http-apps.js";
import { type Node, outcome, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// The rotations of one session wait for each other, and for clients that may never answer.

/** A client that has not answered by then may be overtaken. */
const GRACE_MS = 4_000;
const TURN_WITHIN_MS = 5_000;
const BOUND_MS = 25_000;

const nodes = useNodes();
const { clients, networks } = useClientNetworks();
async function stage() {
  const clock = new HandClock();
  const node = await nodes.node({ options: { clock, prune: false } });
  const alarms: unknown[] = [];
  node.sessions.on("sessionInvalid", (event) => alarms.push(event));
  const storage = device();
  const tab = await openTab(node.io, clients.open(node.url), storage);
  await tab.handle().set("cart", [1]);
  return { clock, node, alarms, storage, tab, id: tab.session.id };
}

type Stage = Awaited<ReturnType<typeof stage>>;

/** Has the token of the session, says that it confirms, and answers nothing. */
async function silentSocket({ node, storage }: Pick<Stage, "node" | "storage">) {
  const token = storage.getItem(TOKEN_KEY);
  const client: Socket = node.client({ auth: { token, confirm: true }, reconnection: false });
  await gotToken(client);
  return { client, socket: serverSideOf(node.io, client) };
}

/**
 * So many, of which the first has been sent its new token, and the others wait with all that a client may
 * have waiting.
 */
async function silentSockets(on: Stage, count: number, want: (socket: ServerSocket) => Promise<void>) {
  const all = [];
  for (let n = 0; n < count; n++) all.push(await silentSocket(on));
  const sent = Promise.race(all.map(({ client }) => gotToken(client)));
  const outcomes = all.flatMap(({ socket }) => Array.from({ length: 4 }, () => outcome(want(socket))));
  await sent;
  return { all, outcomes };
}

/** Time goes on in small steps, and what it brings has its way in between. */
async function pass(node: Pick<Node, "sessions">, clock: HandClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    clock.advance(500);
    for (let turns = 0; turns < 3; turns++) await nodes.database.rows("select 1");
  }
  await node.sessions.check();
}

async function nextHashOf(id: string) {
  const [row] = await nodes.database.rows<{ nextHash: Buffer | null }>(
    "select nextHash from session where sessionId = ?",
    [id],
  );
  return row?.nextHash ?? undefined;
}

const regenerate = (socket: ServerSocket) => socket.session.regenerate();

describe("silent sockets of a session", () => {
  test.each([5, 20])("%d of them hold an honest login up for no longer than one may take", async (count) => {
    const on = await stage();
    const { outcomes } = await silentSockets(on, count, regenerate);
    const login = outcome(on.tab.handle().login("ada"));
    on.clock.advance(GRACE_MS);
    expect(await login).toBe("resolved");
    expect([on.tab.handle().userId, on.tab.handle().toJSON()]).toEqual(["ada", { cart: [1] }]);
    await pass(on.node, on.clock, BOUND_MS);
    expect(new Set(await Promise.all(outcomes))).toEqual(
      new Set(["SESSION_NOT_CONFIRMED", "SESSION_TOKEN_CHANGED"]),
    );
    expect(on.alarms).toEqual([]);
  });

  test("that want to log in themselves, and ask again each time, do not keep it from happening", async () => {
    const on = await stage();
    let isOver = false;
    const insist = async (socket: ServerSocket) => {
      while (!isOver) {
        await socket.session.login("eve").catch(() => {});
        await turn();
      }
    };
    const { all } = await silentSockets(on, 5, (socket) => socket.session.login("eve"));
    for (const { socket } of all) void insist(socket);
    const login = outcome(on.tab.handle().login("ada"));
    on.clock.advance(GRACE_MS);
    expect(await login).toBe("resolved");
    isOver = true;
    expect(on.tab.handle().userId).toBe("ada");
    for (const { socket } of all) expect(socket.session.active).toBe(false);
  });

  test("a login over HTTP overtakes them too", async () => {
    const on = await stage();
    await addApp("Connect", on.node, async (session) => {
      const login = session.login("ada");
      on.clock.advance(GRACE_MS);
      await login;
      return {};
    });
    await silentSockets(on, 5, regenerate);
    const response = await fetch(on.node.url, {
      headers: { authorization: `Bearer ${on.storage.getItem(TOKEN_KEY)}` },
    });
    const token = response.headers.get("session-token") as string;
    const opened = await on.node.connect(token);
    expect([opened.id, opened.session.userId]).toEqual([on.id, "ada"]);
  });

  test("a logout is done at once, and its new token comes when it is their turn no more", async () => {
    const on = await stage();
    await on.tab.handle().login("ada");
    await silentSockets(on, 5, (socket) => socket.session.login("eve"));
    const before = on.tab.session.token;
    const logout = outcome(on.tab.handle().logout());
    await until(async () => on.tab.handle().userId === "");
    on.clock.advance(GRACE_MS);
    expect(await logout).toBe("resolved");
    expect([on.tab.session.id, on.tab.session.token === before]).toEqual([on.id, false]);
  });

  test("a destroy waits for none of them, and ends what they want", async () => {
    const on = await stage();
    const { outcomes } = await silentSockets(on, 5, regenerate);
    const login = outcome(on.tab.handle().login("ada"));
    await on.tab.handle().destroy();
    expect(await nodes.row(on.id)).toBeUndefined();
    expect(await login).toBe("SESSION_ENDED");
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["SESSION_ENDED"]));
  });
});

test("whatever others do, a login is over after 25 seconds", async () => {
  const on = await stage();
  const [one, other] = [await silentSocket(on), await silentSocket(on)];
  const sent = gotToken(one.client);
  const first = outcome(one.socket.session.login("eve"));
  await sent;
  const beganAt = on.clock.now();
  const asked = next(other.client, "tokenChanged");
  const login = outcome(other.socket.session.login("ada"));
  on.clock.advance(GRACE_MS);
  expect(await first).toBe("SESSION_NOT_CONFIRMED");
  await asked;
  // It presents what it has at the last moment, and confirms nothing.
  on.clock.advance(9_999);
  const offered = until(async () => (await nextHashOf(on.id)) !== undefined);
  const presented = new Promise((resolve) => {
    other.client.on("gotToken", ({ created }) => created === undefined && resolve(undefined));
  });
  other.client.emit("getToken", { token: on.storage.getItem(TOKEN_KEY) });
  await presented;
  await offered;
  on.clock.advance(10_000);
  expect(await login).toBe("SESSION_NOT_CONFIRMED");
  expect(on.clock.now() - beganAt).toBeLessThanOrEqual(BOUND_MS);
});

test("who has not had a turn after five seconds is refused, and nothing of it happens later", async () => {
  const on = await stage();
  const { socket, client } = await silentSocket(on);
  await on.tab.handle().login("ada");
  const token = on.storage.getItem(TOKEN_KEY);
  const present = gotToken(client);
  client.emit("getToken", { token });
  await present;
  // The tab has answered before, so that no other overtakes it; the network keeps its answer.
  const answer = next(on.tab.client, "gotToken");
  const login = outcome(on.tab.handle().login("bob"));
  const waits = outcome(socket.session.login("eve"));
  on.clock.advance(TURN_WITHIN_MS);
  expect(await waits).toBe("SESSION_NOT_CONFIRMED");
  await answer;
  expect(await login).toBe("resolved");
  await pass(on.node, on.clock, BOUND_MS);
  expect(on.tab.handle().userId).toBe("bob");
});

test("a second try of one client, whose first new token was lost, overtakes the first", async () => {
  const on = await stage();
  const network = await startClientProxy(on.node.port);
  networks.push(network);
  const tab = await openTab(on.node.io, clients.open(network.url), on.storage);
  const lost = network.loseReply({ cut: false });
  const first = outcome(tab.handle().login("ada"));
  await lost;
  const second = outcome(tab.handle().login("bob"));
  on.clock.advance(GRACE_MS);
  expect([await first, await second]).toEqual(["SESSION_NOT_CONFIRMED", "resolved"]);
  expect([tab.handle().userId, tab.session.token]).toEqual(["bob", on.storage.getItem(TOKEN_KEY)]);
});

describe("a tab that was overtaken gets its new token after all", () => {
  /** Two tabs of a device: the new token of the first is on its way when the second has overtaken it. */
  async function overtaken() {
    const on = await stage();
    const [slow, quick] = [await startClientProxy(on.node.port), await startClientProxy(on.node.port)];
    networks.push(slow, quick);
    const one = await openTab(on.node.io, clients.open(slow.url), on.storage);
    const other = await openTab(on.node.io, clients.open(quick.url), on.storage);
    const before = one.session.token;
    const held = slow.loseReply({ cut: false });
    const first = outcome(one.handle().login("ada"));
    const deliverFirst = await held;
    const hash = await nextHashOf(on.id);
    const heldToo = quick.loseReply({ cut: false });
    const second = outcome(other.handle().login("bob"));
    on.clock.advance(GRACE_MS);
    expect(await first).toBe("SESSION_NOT_CONFIRMED");
    const deliverSecond = await heldToo;
    // Another token waits in the row by now.
    expect(await nextHashOf(on.id)).not.toEqual(hash);
    return { ...on, slow, one, other, before, second, deliverFirst, deliverSecond };
  }

  /** The device is in its session, logged in as `userId`, and can log in. */
  async function expectGoesOn({ node, storage, id, alarms }: Stage, userId: string) {
    const last = await openTab(node.io, clients.open(node.url), storage);
    expect([last.session.id, last.handle().userId, last.handle().toJSON()]).toEqual([
      id,
      userId,
      { cart: [1] },
    ]);
    expect(await outcome(last.handle().login("eve"))).toBe("resolved");
    expect(alarms).toEqual([]);
  }

  test("before the other has its own: it keeps the session, though what it asked for was refused", async () => {
    const on = await overtaken();
    const arrived = next(on.other.client, "gotToken");
    on.deliverFirst();
    await until(async () => on.storage.getItem(TOKEN_KEY) !== on.before);
    const stored = on.storage.getItem(TOKEN_KEY);
    on.deliverSecond();
    await arrived;
    // The other tab does not store its own over that, and presents it.
    await until(async () => on.other.session.token === stored && on.other.session.state === "open");
    on.clock.advance(10_000);
    expect(await on.second).toBe("SESSION_NOT_CONFIRMED");
    expect(on.storage.getItem(TOKEN_KEY)).toBe(stored);
    await expectGoesOn(on, "");
  });

  test("and its connection goes before it can say so: it comes back by that token", async () => {
    const on = await overtaken();
    const lost = on.slow.loseConfirmation({ cut: true });
    on.deliverFirst();
    void lost;
    await until(async () => on.storage.getItem(TOKEN_KEY) !== on.before);
    const stored = on.storage.getItem(TOKEN_KEY);
    const back = await on.node.connect(stored as string);
    expect([back.id, back.token]).toEqual([on.id, stored]);
    on.deliverSecond();
    on.clock.advance(10_000);
    expect(await on.second).toBe("SESSION_NOT_CONFIRMED");
    await expectGoesOn(on, "");
  });

  test("after the other has stored and confirmed its own: it takes over that", async () => {
    const on = await overtaken();
    on.deliverSecond();
    expect(await on.second).toBe("resolved");
    const stored = on.storage.getItem(TOKEN_KEY);
    on.deliverFirst();
    await until(async () => on.one.session.token === stored && on.one.session.state === "open");
    expect(on.storage.getItem(TOKEN_KEY)).toBe(stored);
    await expectGoesOn(on, "bob");
  });
});

test("a token that was overtaken opens nothing once another has taken effect", async () => {
  const on = await stage();
  const { client, socket } = await silentSocket(on);
  const sent = gotToken(client);
  const theirs = outcome(socket.session.regenerate());
  const { token } = await sent;
  const login = outcome(on.tab.handle().login("ada"));
  on.clock.advance(GRACE_MS);
  expect([await theirs, await login]).toEqual(["SESSION_NOT_CONFIRMED", "resolved"]);
  const thief = on.node.client({ auth: { token } });
  expect(await gotToken(thief)).toMatchObject({ errors: "Session Not Found", created: true });
  expect(on.tab.handle().userId).toBe("ada");
});
