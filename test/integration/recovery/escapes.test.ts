import { describe, expect, test } from "@jest/globals";
import type { Socket as ServerSocket } from "socket.io";
import type { Socket } from "socket.io-client";
import { registryOf } from "../../../src/registry/registry-of.js";
import { HandClock } from "../../support/clock.js";
import { cutOff } from "../../support/servers/cut.js";
import { loggedIn, logIn, present } from "../../support/servers/hearing.js";
import { until, useNodes } from "../../support/servers/nodes.js";
import { type Connected, liveIds, type Rig, serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// Connection state recovery is no way around the cut, nor back into rooms that are somebody else's.

const nodes = useNodes();

function start(options: object = {}): Promise<Rig> {
  return nodes.node({
    io: { connectionStateRecovery: {} },
    options: { revalidate: 20_000, ...options },
    handlers: (io) => void io.on("connection", (socket) => void socket.emit("welcome")),
  });
}

/** Another client of the same session that has something to recover from, in the room "inbox". */
async function tabOf(node: Rig, token: string): Promise<Connected> {
  const tab = await node.connect(token);
  tab.client.io.reconnection(false);
  const welcome = next(tab.client, "welcome");
  tab.socket.emit("welcome");
  await welcome;
  await tab.socket.join("inbox");
  return tab;
}

/** Its connection drops, and it comes back once `meanwhile` has run. */
async function away(
  { client, socket }: { client: Socket; socket: ServerSocket },
  { meanwhile = () => {}, auth = {} }: { meanwhile?: () => unknown; auth?: object } = {},
): Promise<void> {
  const gone = next(socket, "disconnect");
  client.io.engine.close();
  await gone;
  await meanwhile();
  await comeBack(client, auth);
}

async function comeBack(client: Socket, auth: object = {}): Promise<void> {
  client.auth = auth;
  const back = next(client, "connect");
  client.connect();
  await back;
}

const roomsOf = (socket: ServerSocket) => [...socket.rooms].filter((room) => room !== socket.id);

test("a socket that is cut loose by a login as another user is not given that one's session", async () => {
  const node = await start();
  const phone = await loggedIn(node, 7);
  const thief = await tabOf(node, phone.token);
  await logIn(phone, 8);
  await away(thief);
  const { session } = serverSideOf(node.io, thief.client);
  expect([thief.client.recovered, session.active, session.userId]).toEqual([false, false, ""]);
});

test("a socket that has taken another session comes back as another socket", async () => {
  const clock = new HandClock();
  const node = await start({ clock });
  const phone = await loggedIn(node, 7);
  const thief = await tabOf(node, phone.token);
  thief.socket.data = Object.assign(thief.socket.data, { mayRead: "inbox" });
  await present(thief.client, "");
  await away(thief);
  expect(thief.client.recovered).toBe(false);
  expect(serverSideOf(node.io, thief.client).data).not.toHaveProperty("mayRead");
});

// Socket.IO's own adapter keeps the state that a socket has come back from.
test("a socket that was recovered, and has taken another session since, comes back as another socket", async () => {
  const node = await start();
  const phone = await loggedIn(node, 7);
  const thief = await tabOf(node, phone.token);
  await away(thief);
  const recovered = serverSideOf(node.io, thief.client);
  expect([thief.client.recovered, roomsOf(recovered)]).toEqual([true, ["inbox"]]);
  await present(thief.client, "");
  await away({ client: thief.client, socket: recovered });
  expect([thief.client.recovered, roomsOf(serverSideOf(node.io, thief.client))]).toEqual([false, []]);
});

test("a socket that was recovered and is still there is not given to another connection", async () => {
  const node = await start();
  const phone = await loggedIn(node, 7);
  const tab = await tabOf(node, phone.token);
  await away(tab);
  const { _pid, _lastOffset } = tab.client as Socket & { _pid?: string; _lastOffset?: string };
  const other = await node.connect(phone.token);
  const gone = next(other.socket, "disconnect");
  other.client.io.engine.close();
  await gone;
  Object.assign(other.client, { _pid, _lastOffset });
  await comeBack(other.client, { token: phone.token });
  expect([tab.client.recovered, other.client.recovered]).toEqual([true, false]);
  expect(roomsOf(serverSideOf(node.io, other.client))).toEqual([]);
});

test("nor is one that has no session, and asks for none", async () => {
  const node = await start();
  const [client, other] = [node.client(), node.client()];
  await Promise.all([client, other].map((each) => next(each, "welcome")));
  await away({ client, socket: serverSideOf(node.io, client) });
  const { _pid, _lastOffset, id } = client as Socket & { _pid?: string; _lastOffset?: string };
  const gone = next(serverSideOf(node.io, other), "disconnect");
  other.io.engine.close();
  await gone;
  Object.assign(other, { _pid, _lastOffset });
  await comeBack(other);
  expect([client.recovered, other.recovered]).toEqual([true, false]);
  expect(other.id).not.toBe(id);
});

test("a socket that is cut from a session that it has had before comes back as another socket", async () => {
  const clock = new HandClock();
  const node = await start({ clock });
  const phone = await loggedIn(node, 7);
  const thief = await tabOf(node, phone.token);
  const told = next(thief.client, "tokenChanged");
  await phone.socket.session.regenerate();
  await told;
  await present(thief.client, "");
  const gone = next(thief.client, "disconnect");
  clock.advance(10_000);
  await gone;
  await comeBack(thief.client);
  expect(thief.client.recovered).toBe(false);
});

test("a socket whose data the application has replaced gets nothing of a session that is not its any more", async () => {
  const node = await start();
  const phone = await loggedIn(node, 7);
  const thief = await tabOf(node, phone.token);
  thief.socket.data = { name: "of the application" };
  const heard: unknown[] = [];
  thief.client.on("news", (what) => heard.push(what));
  await away(thief, {
    async meanwhile() {
      node.io.to("inbox").emit("news", "room");
      await phone.socket.session.regenerate();
    },
  });
  const socket = serverSideOf(node.io, thief.client);
  const mark = next(thief.client, "mark");
  socket.emit("mark");
  await mark;
  expect([heard, roomsOf(socket)]).toEqual([[], []]);
});

describe("a client that presents another token than that of the session which is over", () => {
  test("comes back as another socket, whose rooms the application sees to", async () => {
    const node = await start();
    const joined: (boolean | undefined)[] = [];
    node.io.on("connection", (socket) => {
      joined.push(socket.recovered);
      if (!socket.recovered) socket.join("lobby");
    });
    const phone = await loggedIn(node, 7);
    const tab = await tabOf(node, phone.token);
    tab.socket.data = Object.assign(tab.socket.data, { mayRead: "inbox" });
    const other = await node.connect();
    const answer = gotToken(tab.client);
    await away(tab, { meanwhile: () => node.sessions.destroy(phone.id), auth: { token: other.token } });
    await answer;
    const socket = serverSideOf(node.io, tab.client);
    expect(socket.session.id).toBe(other.id);
    expect(roomsOf(socket)).toEqual(["lobby"]);
    expect(socket.data).not.toHaveProperty("mayRead");
  });
});

// Middleware looks at what the client presents before the socket connects.
describe("where a recovered socket connects by middleware", () => {
  const withMiddleware = { connectionStateRecovery: { skipMiddlewares: false } };

  async function startJoining() {
    const node = await nodes.node({ io: withMiddleware, options: { revalidate: 20_000 } });
    node.io.on("connection", (socket) => {
      socket.emit("shown", { recovered: socket.recovered, id: socket.session.id });
      if (!socket.recovered) socket.join("lobby");
    });
    return node;
  }

  test("and its client presents the token of another session, the application sees to it as to a new one", async () => {
    const node = await startJoining();
    const phone = await loggedIn(node, 7);
    const tab = await tabOf(node, phone.token);
    tab.socket.data = Object.assign(tab.socket.data, { mayRead: "inbox" });
    const other = await node.connect();
    const shown = next(tab.client, "shown");
    await away(tab, { auth: { token: other.token } });
    expect((await shown)[0]).toEqual({ recovered: false, id: other.id });
    const socket = serverSideOf(node.io, tab.client);
    expect(roomsOf(socket)).toEqual(["lobby"]);
    expect(socket.data).not.toHaveProperty("mayRead");
  });

  test("and it has had none, but has one now, likewise", async () => {
    const node = await startJoining();
    const phone = await loggedIn(node, 7);
    const client = node.client();
    client.io.reconnection(false);
    await next(client, "shown");
    const shown = next(client, "shown");
    await away({ client, socket: serverSideOf(node.io, client) }, { auth: { token: phone.token } });
    expect((await shown)[0]).toEqual({ recovered: false, id: phone.id });
  });

  test("and its client presents its own token, it is the one that it was", async () => {
    const node = await startJoining();
    const phone = await loggedIn(node, 7);
    const tab = await tabOf(node, phone.token);
    const shown = next(tab.client, "shown");
    await away(tab, { auth: { token: phone.token } });
    expect((await shown)[0]).toEqual({ recovered: true, id: phone.id });
    expect(roomsOf(serverSideOf(node.io, tab.client))).toEqual(["lobby", "inbox"]);
  });
});

test("a socket that goes while its replaced token is being looked at leaves nothing behind", async () => {
  const node = await nodes.node();
  const phone = await loggedIn(node, 7);
  await phone.socket.session.regenerate();
  const client = node.client();
  await next(client, "connect");
  const socket = serverSideOf(node.io, client);
  const looking = node.proxy.hold("coalesce(data");
  client.emit("getToken", { token: phone.token, confirm: true });
  const query = await looking;
  const gone = next(socket, "disconnect");
  client.disconnect();
  await gone;
  const { adapter } = node.io.of("/");
  await query.release();
  // By now it would be withheld from: what is there is gone through without looking at each.
  await phone.socket.session.reload();
  expect(String(adapter.sids[Symbol.iterator]())).toBe("[object Map Iterator]");
});

test("sockets that have switched, been cut and gone leave no holder, no watcher, no login and no timer behind", async () => {
  const clock = new HandClock();
  const node = await start({ clock });
  const { timers } = clock;
  const phone = await loggedIn(node, 7);
  const tab = await tabOf(node, phone.token);
  await present(tab.client, "");
  const told = next(tab.client, "tokenChanged");
  await phone.socket.session.regenerate();
  await told;
  await present(tab.client, "");
  for (const { client } of [phone, tab]) await cutOff(node.io, client);
  await until(async () => liveIds(node.sessions).length === 0);
  expect([...(registryOf(node.sessions)?.watched.ofUser("7") ?? [])]).toEqual([]);
  expect(clock.timers).toBe(timers);
});
