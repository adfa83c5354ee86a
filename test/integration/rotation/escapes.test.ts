import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Socket } from "socket.io-client";
import { memoryStore } from "../../../src/index.js";
import { mintToken } from "../../../src/token/token.js";
import { HandClock, settled } from "../../support/clock.js";
import { describeWithRedis, hearEachOther } from "../../support/redis/redis.js";
import { ADAPTERS, type Nodes, startNodes } from "../../support/servers/cluster.js";
import { cutOff } from "../../support/servers/cut.js";
import { loggedIn, present } from "../../support/servers/hearing.js";
import { useNodes } from "../../support/servers/nodes.js";
import { type Connected, type Rig, startRig } from "../../support/servers/rig.js";
import { next } from "../../support/servers/server.js";

// Whoever has had a session is gone ten seconds after that has another token, or is over, whatever it has
// asked for before or since.

const nodes = useNodes();
const youngToken = () => mintToken(Date.now()).text;
const CUT_MS = 10_000;

/**
 * Has a client present tokens of nobody's all the time: each is looked for again for two seconds, as its row
 * may be on its way.
 */
function keepAsking(client: Socket): void {
  const again = () => client.emit("getToken", { token: youngToken() }, again);
  again();
  again();
}

const changes: [string, (device: Connected, node: Rig) => Promise<unknown>][] = [
  ["its token is replaced", ({ socket }) => socket.session.regenerate()],
  ["its user logs in again", ({ socket }) => socket.session.login(7)],
  ["it is destroyed", ({ id }, { sessions }) => sessions.destroy(id)],
];

/** Fails where the client is still there ten seconds later. */
async function expectCut(client: Socket, clock: HandClock, change: () => Promise<unknown>): Promise<void> {
  client.io.reconnection(false);
  const gone = next(client, "disconnect");
  await change();
  clock.advance(CUT_MS);
  await gone;
}

describe.each(changes)("when %s", (_, change) => {
  let clock: HandClock;
  let node: Rig;
  beforeEach(async () => {
    clock = new HandClock();
    node = await nodes.node({ options: { clock, revalidate: 20_000 } });
  });

  async function pair() {
    const phone = await loggedIn(node, 7);
    const thief = await node.connect(phone.token);
    await thief.socket.join("inbox");
    return { phone, thief };
  }

  test("a socket that has taken another session before is cut, and comes back with that one", async () => {
    const { phone, thief } = await pair();
    await present(thief.client, "");
    await expectCut(thief.client, clock, () => change(phone, node));
  });

  test("a socket that has had many since is cut", async () => {
    const { phone, thief } = await pair();
    for (let n = 0; n < 5; n++) await present(thief.client, "");
    await expectCut(thief.client, clock, () => change(phone, node));
  });

  test("a socket that takes another session after that is cut", async () => {
    const { phone, thief } = await pair();
    const gone = next(thief.client, "disconnect");
    await expectCut(thief.client, clock, async () => {
      await change(phone, node);
      await Promise.race([present(thief.client, ""), gone]);
    });
  });

  test("a socket that always has a token under way is cut", async () => {
    const { phone, thief } = await pair();
    keepAsking(thief.client);
    await expectCut(thief.client, clock, () => change(phone, node));
    // What is still looked for is looked for by this clock.
    await clock.advanceUntil(node.sessions.close());
  });
});

test("a socket that loses one session after the other is cut by the first", async () => {
  const clock = new HandClock();
  const node = await nodes.node({ options: { clock, revalidate: 20_000 } });
  const [phone, laptop] = [await loggedIn(node, 7), await loggedIn(node, 8)];
  const thief = await node.connect(phone.token);
  thief.client.io.reconnection(false);
  await phone.socket.session.regenerate();
  await present(thief.client, laptop.token);
  clock.advance(CUT_MS - 1);
  await laptop.socket.session.regenerate();
  const gone = next(thief.client, "disconnect");
  clock.advance(1);
  await gone;
});

test("a socket that presents the new token of the session that it has had before stays", async () => {
  const clock = new HandClock();
  const node = await nodes.node({ options: { clock, revalidate: 20_000 } });
  const phone = await loggedIn(node, 7);
  const tab = await node.connect(phone.token);
  await present(tab.client, "");
  const sent = next(phone.client, "gotToken");
  const told = next(tab.client, "tokenChanged");
  await phone.socket.session.regenerate();
  await told;
  await present(tab.client, ((await sent)[0] as { token: string }).token);
  clock.advance(CUT_MS);
  expect(tab.socket.session.userId).toBe("7");
  await tab.socket.session.set("n", 1);
});

test("whoever has had more sessions than a connection may begin has to come back as another socket", async () => {
  const clock = new HandClock();
  const node = await nodes.node({ options: { clock, revalidate: 20_000 } });
  const [one, other] = [await node.connect(), await node.connect()];
  const tokens: string[] = [];
  for (let n = 0; n < 33; n++) tokens.push((await node.connect()).token);
  const { client } = one;
  client.io.reconnection(false);
  const gone = next(client, "disconnect");
  for (const token of tokens.slice(0, 32)) await present(client, token);
  expect(client.connected).toBe(true);
  client.emit("getToken", { token: tokens[32] });
  await gone;
  expect(other.client.connected).toBe(true);
});

describe("a session that sockets only have had", () => {
  test("is not in use by that, and ends when its time is over", async () => {
    const clock = new HandClock();
    const store = memoryStore({ clock } as never);
    const options = { db: undefined, store, clock, expiration: 100, touchEvery: 10, revalidate: 5 };
    const rig = await startRig({ options } as never);
    try {
      const tab = await rig.connect();
      await present(tab.client, "");
      const { id } = rig.io.sockets.sockets.get(tab.client.id ?? "")?.session ?? {};
      const ended: unknown[] = [];
      rig.sessions.on("sessionEnd", ({ sessionId }) => ended.push(sessionId));
      const gone = next(tab.client, "disconnect");
      for (let second = 0; second < 130; second++) {
        clock.advance(1_000);
        await settled();
      }
      expect(ended).toEqual([tab.id]);
      expect(await rig.sessions.find(id ?? "")).toBeDefined();
      await gone;
    } finally {
      await rig.close();
    }
  });
});

describe("connection state recovery", () => {
  test.each([
    ["presents nothing", {}],
    ["asks for a new session", { auth: { token: "" } }],
  ])(
    "gives nothing of a session that is over to a client that %s",
    async (_, { auth }: { auth?: object }) => {
      const node = await nodes.node({
        io: { connectionStateRecovery: {} },
        handlers: (io) => io.on("connection", (socket) => void socket.emit("welcome")),
      });
      const phone = await loggedIn(node, 7);
      const thief = await node.connect(phone.token);
      await thief.socket.join("inbox");
      const welcome = next(thief.client, "welcome");
      thief.socket.emit("welcome");
      await welcome;
      const heard: unknown[] = [];
      thief.client.on("news", (what) => heard.push(what));
      await cutOff(node.io, thief.client);
      node.io.to("inbox").emit("news", "room");
      node.io.emit("news", "all");
      await node.sessions.destroy(phone.id);
      thief.client.auth = auth ?? {};
      const back = next(thief.client, "connect");
      thief.client.connect();
      await back;
      const id = thief.client.id ?? "";
      const rooms = [...(node.io.sockets.sockets.get(id)?.rooms ?? [])];
      expect(rooms.filter((room) => room !== id)).toEqual([]);
      node.io.to("inbox").emit("news", "late");
      if (auth) await thief.client.emitWithAck("getToken", { token: "" });
      else await next(thief.client, "disconnect");
      expect(heard).toEqual([]);
    },
  );
});

/**
 * A socket of the one server that has had a session is cut when the other server gives that a new token;
 * `look` has the one hear of it.
 */
async function expectCutThere(here: Rig, there: Rig, clock: HandClock, look = () => {}): Promise<void> {
  const phone = await loggedIn(here, 7);
  const thief = await there.connect(phone.token);
  await present(thief.client, "");
  thief.client.io.reconnection(false);
  const [told, gone] = [next(thief.client, "tokenChanged"), next(thief.client, "disconnect")];
  await phone.socket.session.regenerate();
  look();
  await told;
  clock.advance(CUT_MS);
  await gone;
}

describe("on another server, without an adapter", () => {
  test("a socket that has taken another session before is cut once that server has looked", async () => {
    const clock = new HandClock();
    const here = await nodes.node();
    const there = await nodes.node({ options: { clock, revalidate: 5 } });
    await expectCutThere(here, there, clock, () => clock.advance(6_000));
  });
});

describeWithRedis("on another server, over Redis", () => {
  let started: Nodes | undefined;
  afterEach(() => started?.close());

  test.each(ADAPTERS)("%s: a socket that has taken another session before is cut", async (_, makeAdapter) => {
    const clock = new HandClock();
    const given = { databaseUrl: nodes.database.url };
    started = await startNodes(makeAdapter, [given, { ...given, options: { clock, revalidate: 20_000 } }]);
    const [here, there] = started.nodes as [Rig, Rig];
    await hearEachOther([here.io, there.io]);
    await expectCutThere(here, there, clock);
  });
});
