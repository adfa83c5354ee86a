import { afterEach, describe, expect, test } from "@jest/globals";
import { useClientNetworks } from "../../support/clients/client-networks.js";
import { startClientProxy } from "../../support/clients/client-proxy.js";
import { type Device, device, openTab, type Tab, TOKEN_KEY } from "../../support/clients/device.js";
import { HandClock } from "../../support/clock.js";
import { describeWithRedis } from "../../support/redis/redis.js";
import { ADAPTERS, type Nodes as Cluster, NO_SWEEP, startNodes } from "../../support/servers/cluster.js";
import { gate, outcome, useNodes } from "../../support/servers/nodes.js";
import { type Rig, serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next, type TestServerOptions } from "../../support/servers/server.js";

// Tabs of one device, which share what it has stored, when several of them get a new token at once.

const ROUNDS = 8;

const nodes = useNodes();
const { clients, networks } = useClientNetworks();
let cluster: Cluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

function alarmsOf(servers: readonly Rig[]): unknown[] {
  const alarms: unknown[] = [];
  for (const { sessions } of servers) sessions.on("sessionInvalid", (event) => alarms.push(event));
  return alarms;
}

/**
 * Once the first is known, time goes on until the second is: it may wait for a client that has the other's
 * token.
 */
async function both(logins: readonly Promise<string>[], clocks: readonly HandClock[]): Promise<string[]> {
  const all = Promise.all(logins);
  let known = 0;
  for (const login of logins) void login.then(() => known++);
  await Promise.race(logins);
  while (known < logins.length) {
    // Lets what is on its way arrive.
    await nodes.database.rows("select 1");
    for (const clock of clocks) clock.advance(100);
  }
  return all;
}

/**
 * Two tabs log in at once, again and again: who was told so is logged in, and the device is never logged out.
 */
async function race(servers: readonly [Rig, Rig], clocks: readonly HandClock[]): Promise<void> {
  const alarms = alarmsOf(servers);
  for (let round = 0; round < ROUNDS; round++) {
    const storage = device();
    const tabs: Tab[] = [];
    for (const { io, url } of servers) tabs.push(await openTab(io, clients.open(url), storage));
    const [one, other] = tabs as [Tab, Tab];
    await one.handle().set("cart", [round]);
    const { id, token } = one.session;
    const codes = await both(
      [outcome(one.handle().login("ada")), outcome(other.handle().login("bob"))],
      clocks,
    );
    expect(codes).toContain("resolved");
    for (const code of codes) expect(code).toMatch(/resolved|SESSION_(NOT_CONFIRMED|TOKEN_CHANGED)/);
    expect(storage.getItem(TOKEN_KEY)).not.toBe(token);
    const last = await openTab(servers[1].io, clients.open(servers[1].url), storage);
    const { userId } = last.handle();
    // Where both took effect, either may have been the last.
    expect(["ada", "bob"].filter((_, n) => codes[n] === "resolved")).toContain(userId);
    expect([last.handle().id, last.handle().toJSON()]).toEqual([id, { cart: [round] }]);
    expect(await outcome(last.handle().login("eve"))).toBe("resolved");
    const [row] = await nodes.database.rows("select userId, nextHash from session where sessionId = ?", [id]);
    expect(row).toEqual({ userId: "eve", nextHash: null });
  }
  expect(alarms).toEqual([]);
}

function timed() {
  const clock = new HandClock();
  return { clock, given: { options: { clock, prune: false, ...NO_SWEEP } } satisfies TestServerOptions };
}

test("one socket that wants two new tokens at once gets both, one after the other", async () => {
  const node = await nodes.node(timed().given);
  const { session, handle } = await openTab(node.io, clients.open(node.url));
  const tokens = new Set([session.token]);
  const both = [handle().login("ada"), handle().regenerate(), handle().login("bob")];
  for (const change of both) {
    expect(await outcome(change)).toBe("resolved");
    tokens.add(session.token);
  }
  expect([tokens.size, handle().userId]).toEqual([4, "bob"]);
});

describe("a new token that arrives late, when another has taken effect,", () => {
  /**
   * Two sockets opened by one token on two servers; the new token of the first is on its way when the second
   * gets one.
   */
  async function crossing(storages: [Device, Device]) {
    const [node, second] = [await nodes.node(timed().given), await nodes.node(timed().given)];
    const network = await startClientProxy(node.port);
    networks.push(network);
    const one = await openTab(node.io, clients.open(network.url), storages[0]);
    storages[1].setItem(TOKEN_KEY, one.session.token);
    const other = await openTab(second.io, clients.open(second.url), storages[1]);
    const late = network.loseReply({ cut: false });
    const arrived = gotToken(one.client);
    const login = outcome(one.handle().login("ada"));
    const deliver = await late;
    await other.handle().reload();
    expect(await outcome(other.handle().login("bob"))).toBe("resolved");
    const won = other.session.token;
    deliver();
    return { node, one, other, login, arrived, won };
  }

  test("is not stored by another tab of the same device", async () => {
    const storage = device();
    const { node, one, won, arrived, login } = await crossing([storage, storage]);
    expect((await arrived).token).not.toBe(won);
    expect(storage.getItem(TOKEN_KEY)).toBe(won);
    const last = await openTab(node.io, clients.open(node.url), storage);
    expect([last.session.token, last.handle().userId]).toEqual([won, "bob"]);
    one.client.disconnect();
    expect(await login).toMatch(/SESSION_NOT_CONFIRMED/);
  });

  test("does not take effect, though another device that had the same token confirms it", async () => {
    const { node, other, won, login } = await crossing([device(), device()]);
    expect(await login).toBe("SESSION_NOT_CONFIRMED");
    const last = await node.connect(won);
    expect([last.id, last.session.userId]).toEqual([other.session.id, "bob"]);
  });
});

describe("two tabs at once", () => {
  test("on one server", async () => {
    const { clock, given } = timed();
    const node = await nodes.node(given);
    await race([node, node], [clock]);
  });

  test("on two servers that do not hear each other", async () => {
    const [a, b] = [timed(), timed()];
    await race([await nodes.node(a.given), await nodes.node(b.given)], [a.clock, b.clock]);
  });
});

describeWithRedis("two tabs at once over Redis", () => {
  test.each(ADAPTERS)("%s: on two servers", async (_, makeAdapter) => {
    const [a, b] = [timed(), timed()];
    const databaseUrl = nodes.database.url;
    cluster = await startNodes(makeAdapter, [
      { databaseUrl, ...a.given },
      { databaseUrl, ...b.given },
    ]);
    await race(cluster.nodes as readonly [Rig, Rig], [a.clock, b.clock]);
  });
});

test("a login on a server that has not heard of a token sent elsewhere does not take its place", async () => {
  const { clock, given } = timed();
  const [node, deaf] = [await nodes.node(given), await nodes.node(given)];
  const alarms = alarmsOf([node, deaf]);
  const network = await startClientProxy(node.port);
  networks.push(network);
  const storage = device();
  const one = await openTab(node.io, clients.open(network.url), storage);
  const other = await openTab(deaf.io, clients.open(deaf.url), storage);
  const lost = network.loseConfirmation({ cut: false });
  const login = outcome(one.handle().login("ada"));
  await lost;
  const held = one.session.token;
  clock.advance(10_000);
  expect(await login).toBe("SESSION_NOT_CONFIRMED");
  expect(await outcome(other.handle().login("bob"))).toBe("SESSION_NOT_CONFIRMED");
  expect(storage.getItem(TOKEN_KEY)).toBe(held);
  // Now it has heard, and asks.
  expect(await outcome(other.handle().login("bob"))).toBe("resolved");
  const last = await openTab(node.io, clients.open(node.url), storage);
  expect([last.session.id, last.handle().userId]).toEqual([held.slice(0, 32), "bob"]);
  expect(alarms).toEqual([]);
});

test("a tab that was coming back by the old token when that was replaced goes on by the new one", async () => {
  let late = Promise.resolve();
  let arrived = () => {};
  const node = await nodes.node({
    attach(sessions, io) {
      io.use(async (_, go) => {
        arrived();
        await late;
        go();
      });
      sessions.attach(io);
    },
  });
  const storage = device();
  const one = await openTab(node.io, node.client(), storage);
  const other = await openTab(node.io, node.client(), storage);
  const { opened, open } = gate();
  late = opened;
  const coming = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const answers: { token: string; created: boolean }[] = [];
  const good = new Promise<void>((resolve) => {
    other.client.on("gotToken", (message: (typeof answers)[number]) => {
      answers.push(message);
      if (!message.created) resolve();
    });
  });
  const cut = next(other.client, "disconnect");
  other.client.io.engine.close();
  await cut;
  await coming;
  await one.handle().login("ada");
  const { token } = one.session;
  open();
  await good;
  expect(answers).toMatchObject([{ token, created: false }]);
  expect([other.session.token, other.handle().userId]).toEqual([token, "ada"]);
  expect(serverSideOf(node.io, other.client).session.active).toBe(true);
});
