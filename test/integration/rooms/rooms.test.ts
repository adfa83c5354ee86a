import { afterEach, describe, expect, test } from "@jest/globals";
import type { Server, Socket as ServerSocket } from "socket.io";
import type { Socket } from "socket.io-client";
import { describeWithRedis, hearEachOther, shardedAdapter } from "../../support/redis/redis.js";
import { ADAPTERS, type MakeAdapter, type Nodes, startNodes } from "../../support/servers/cluster.js";
import { loggedIn, logIn, present } from "../../support/servers/hearing.js";
import { outcome, until, useNodes } from "../../support/servers/nodes.js";
import type { Connected, Rig } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// The rooms that an application has put sockets into: they end with the login, and are withheld from who is
// cut loose.

const nodes = useNodes();

/** The rooms of a socket but its own. */
const roomsOf = ({ socket }: { socket: ServerSocket }) =>
  [...socket.rooms].filter((room) => room !== socket.id).sort();

/** User 7 by two sockets of one session, each in the rooms "inbox" and "lobby". */
async function two(node: Rig) {
  const phone = await loggedIn(node, 7);
  const tab = await node.connect(phone.token);
  for (const { socket } of [phone, tab]) await socket.join(["inbox", "lobby"]);
  return { phone, tab };
}

/** What a client hears as "news" of what `send` sends. */
async function heard(io: Server, client: Socket, send: () => unknown): Promise<unknown[]> {
  const news: unknown[] = [];
  const hear = (what: unknown) => news.push(what);
  client.on("news", hear);
  const mark = next(client, "mark");
  await send();
  io.to(client.id ?? "").emit("mark");
  await mark;
  client.off("news", hear);
  return news;
}

function toAll(io: Server): void {
  io.emit("news", "all");
  io.to("inbox").emit("news", "room");
  io.to(["inbox", "lobby"]).emit("news", "rooms");
  io.except("nowhere").emit("news", "all but");
}

describe("at logout", () => {
  test("all sockets of the session have left all rooms but their own when it resolves", async () => {
    const node = await nodes.node();
    const { phone, tab } = await two(node);
    const other = await loggedIn(node, 7);
    await other.socket.join("inbox");
    await phone.socket.session.logout();
    expect([roomsOf(phone), roomsOf(tab), roomsOf(other)]).toEqual([[], [], ["inbox"]]);
    expect([...phone.socket.rooms]).toEqual([phone.socket.id]);
    expect(await heard(node.io, phone.client, () => toAll(node.io))).toEqual(["all", "all but"]);
  });

  test("those that are named are kept where several logouts run at a time, in whatever order they end", async () => {
    const node = await nodes.node();
    const { phone } = await two(node);
    // More new tokens than may wait for one client: the last logout is done without one, before the others.
    const logOut = () => phone.socket.session.logout({ keepRooms: ["lobby"] });
    await Promise.all(Array.from({ length: 10 }, logOut));
    expect(roomsOf(phone)).toEqual(["lobby"]);
  });

  test("those that are named are kept, also by a socket that has yet to present the new token", async () => {
    const node = await nodes.node();
    const { phone, tab } = await two(node);
    const sent = gotToken(phone.client);
    await phone.socket.session.logout({ keepRooms: ["lobby", "elsewhere"] });
    expect([roomsOf(phone), roomsOf(tab)]).toEqual([["lobby"], []]);
    await present(tab.client, (await sent).token);
    expect(roomsOf(tab)).toEqual(["lobby"]);
  });

  test("a room that is joined while the logout is under way is left too", async () => {
    const node = await nodes.node();
    const { phone } = await two(node);
    const out = phone.socket.session.logout();
    await until(async () => phone.socket.session.userId === "");
    await phone.socket.join("late");
    await out;
    expect(roomsOf(phone)).toEqual([]);
    await phone.socket.join("after");
    expect(roomsOf(phone)).toEqual(["after"]);
  });

  test("that is refused, nothing is left", async () => {
    const node = await nodes.node({ options: { storeTimeout: 1 } });
    const { phone } = await two(node);
    await node.proxy.down();
    expect(await outcome(phone.socket.session.logout())).toMatch("SESSION_");
    expect(roomsOf(phone)).toEqual(["inbox", "lobby"]);
    await node.proxy.up();
  });

  test.each([["lobby"], [7], [null], [[7]], [Array.from({ length: 101 }, String)], [["x".repeat(257)]]])(
    "keepRooms: %j is refused, and nobody logged out",
    async (keepRooms) => {
      const node = await nodes.node();
      const phone = await loggedIn(node, 7);
      const given = { keepRooms } as { keepRooms: string[] };
      expect(await outcome(phone.socket.session.logout(given))).toBe("SESSION_OPTION_INVALID");
      expect(phone.socket.session.userId).toBe("7");
    },
  );

  test("by somebody who edits the row, when the process learns of it", async () => {
    const node = await nodes.node();
    const { phone, tab } = await two(node);
    await nodes.database.pool.query(
      "update session set userId = null, revision = revision + 1 where sessionId = ?",
      [phone.id],
    );
    await phone.socket.session.reload();
    expect([roomsOf(phone), roomsOf(tab)]).toEqual([[], []]);
  });
});

describe("at a login", () => {
  test("of somebody else all rooms are left; of the same user, or of the first, none", async () => {
    const node = await nodes.node();
    const { phone } = await two(node);
    await logIn(phone, 7);
    expect(roomsOf(phone)).toEqual(["inbox", "lobby"]);
    await logIn(phone, 8);
    expect(roomsOf(phone)).toEqual([]);
    const visitor = await node.connect();
    await visitor.socket.join("lobby");
    const tab = await node.connect(visitor.token);
    await tab.socket.join("lobby");
    const token = await logIn(visitor, 9);
    expect([roomsOf(visitor), roomsOf(tab)]).toEqual([["lobby"], []]);
    await present(tab.client, token);
    expect(roomsOf(tab)).toEqual(["lobby"]);
  });
});

describe("a socket that is cut loose", () => {
  async function cut(node: Rig) {
    const { phone, tab } = await two(node);
    const sent = gotToken(phone.client);
    await phone.socket.session.regenerate();
    return { phone, tab, token: (await sent).token };
  }

  test("is in no room but its own, and hears nothing that is sent to rooms or to all", async () => {
    const node = await nodes.node();
    const { phone, tab } = await cut(node);
    expect([roomsOf(phone), roomsOf(tab)]).toEqual([["inbox", "lobby"], []]);
    expect(await heard(node.io, tab.client, () => toAll(node.io))).toEqual([]);
    expect(await heard(node.io, tab.client, () => node.io.to(tab.socket.id).emit("news", "own"))).toEqual([
      "own",
    ]);
    expect(await heard(node.io, phone.client, () => toAll(node.io))).toHaveLength(4);
  });

  test("keeps nobody waiting for its acknowledgement", async () => {
    const node = await nodes.node();
    const { phone } = await cut(node);
    phone.client.on("ping?", (answer: (word: string) => void) => answer("phone"));
    expect(await node.io.timeout(5_000).emitWithAck("ping?")).toEqual(["phone"]);
  });

  test("has its rooms back with the new token, and those that it was put into meanwhile", async () => {
    const node = await nodes.node();
    const { tab, token } = await cut(node);
    await tab.socket.join("meanwhile");
    node.io.in(tab.socket.id).socketsJoin("from afar");
    node.io.socketsJoin("all");
    await tab.socket.leave("lobby");
    expect(roomsOf(tab)).toEqual([]);
    await present(tab.client, token);
    expect(roomsOf(tab)).toEqual(["from afar", "inbox", "meanwhile"]);
    expect(await heard(node.io, tab.client, () => toAll(node.io))).toHaveLength(4);
  });

  test("has none back where somebody else is logged in by then, or with another session", async () => {
    const node = await nodes.node();
    const { phone, tab } = await cut(node);
    const token = await logIn(phone, 8);
    await present(tab.client, token);
    expect(roomsOf(tab)).toEqual([]);
    await tab.socket.join("inbox");
    await phone.socket.session.regenerate();
    await present(tab.client, "");
    expect(roomsOf(tab)).toEqual([]);
    expect(await heard(node.io, tab.client, () => toAll(node.io))).toEqual(["all", "all but"]);
  });

  test("leaves nothing behind when it goes", async () => {
    const node = await nodes.node();
    const { tab } = await cut(node);
    const { adapter } = node.io.of("/");
    const gone = next(tab.socket, "disconnect");
    tab.client.disconnect();
    await gone;
    await until(async () => !adapter.sids.has(tab.socket.id));
    expect(adapter.rooms.has(tab.socket.id)).toBe(false);
    node.io.in("inbox").socketsLeave("inbox");
    expect(adapter.rooms.has("inbox")).toBe(false);
  });

  test("is cut loose, and every other too, where a listener to rooms throws, or joins another", async () => {
    const node = await nodes.node();
    const { phone, tab } = await two(node);
    const laptop = await node.connect(phone.token);
    await laptop.socket.join("inbox");
    const { adapter } = node.io.of("/");
    adapter.on("leave-room", (_room, id) => {
      void node.io.sockets.sockets.get(id)?.join("left");
      throw new Error("of the application");
    });
    adapter.on("join-room", (room) => {
      if (room === "inbox") throw new Error("of the application");
    });
    const sent = gotToken(phone.client);
    await phone.socket.session.regenerate();
    for (const each of [tab, laptop])
      expect([roomsOf(each), each.socket.session.active]).toEqual([[], false]);
    await present(tab.client, (await sent).token);
    expect(tab.socket.session.userId).toBe("7");
    expect(roomsOf(tab)).toEqual(["inbox", "left", "lobby"]);
    await phone.socket.session.logout();
    expect(phone.socket.session.userId).toBe("");
    expect(roomsOf(phone)).toEqual(["left"]);
    adapter.removeAllListeners();
  });

  test("hears nothing more after it has left all rooms and a join of the application's", async () => {
    const node = await nodes.node();
    const { tab } = await cut(node);
    node.io.of("/").adapter.delAll(tab.socket.id);
    await tab.socket.join("inbox");
    expect(roomsOf(tab)).toEqual([]);
    const news: unknown[] = [];
    tab.client.on("news", (what) => news.push(what));
    toAll(node.io);
    // Its own room is gone too, by the application's own wish.
    await tab.client.emitWithAck("getToken", { token: "" });
    expect(news).toEqual([]);
  });
});

test("at a switch to another session all rooms are left; not where it is the same one, or the first", async () => {
  const node = await nodes.node();
  const { phone, tab } = await two(node);
  await present(tab.client, phone.token);
  expect(roomsOf(tab)).toEqual(["inbox", "lobby"]);
  await present(tab.client, "");
  expect(roomsOf(tab)).toEqual([]);
  const client = node.client();
  await next(client, "connect");
  const socket = node.io.sockets.sockets.get(client.id ?? "") as ServerSocket;
  await socket.join("lobby");
  await present(client, "");
  expect(roomsOf({ socket })).toEqual(["lobby"]);
});

test.each<[string, (node: Rig, phone: Connected) => unknown]>([
  ["destroyed", (_, { socket }) => socket.session.destroy()],
  ["destroyed by its id", ({ sessions }, { id }) => sessions.destroy(id)],
  ["revoked", ({ sessions }) => sessions.destroyForUser(7)],
])("of a session that is %s no socket is in a room when that resolves", async (_, end) => {
  const node = await nodes.node();
  const { phone, tab } = await two(node);
  await end(node, phone);
  for (const { socket } of [phone, tab])
    expect([...socket.rooms].filter((room) => room !== socket.id)).toEqual([]);
  expect(node.io.of("/").adapter.rooms.has("inbox")).toBe(false);
});

describeWithRedis("on another server", () => {
  const adapters: readonly (readonly [string, MakeAdapter])[] = [
    ...ADAPTERS,
    ["sharded PUB/SUB", shardedAdapter],
  ];
  let started: Nodes | undefined;
  afterEach(() => started?.close());

  async function startTwo(makeAdapter: MakeAdapter) {
    const given = { databaseUrl: nodes.database.url };
    started = await startNodes(makeAdapter, [given, given]);
    const [here, there] = started.nodes as [Rig, Rig];
    await hearEachOther([here.io, there.io]);
    const phone = await loggedIn(here, 7);
    const tab = await there.connect(phone.token);
    await tab.socket.join(["inbox", "lobby"]);
    return { here, there, phone, tab };
  }

  describe.each(adapters)("over %s", (_, makeAdapter) => {
    test("they are left when it hears of the logout, but those that are kept", async () => {
      const { here, phone, tab } = await startTwo(makeAdapter);
      const told = next(tab.client, "tokenChanged");
      const sent = gotToken(phone.client);
      await phone.socket.session.logout({ keepRooms: ["lobby"] });
      await told;
      expect(roomsOf(tab)).toEqual([]);
      expect(await heard(here.io, tab.client, () => toAll(here.io))).toEqual([]);
      await present(tab.client, (await sent).token);
      expect(roomsOf(tab)).toEqual(["lobby"]);
      expect(await heard(here.io, tab.client, () => toAll(here.io))).toEqual(["all", "rooms", "all but"]);
    });

    test("they are withheld when it hears of a new token, and given back with that", async () => {
      const { here, phone, tab } = await startTwo(makeAdapter);
      const told = next(tab.client, "tokenChanged");
      const sent = gotToken(phone.client);
      await phone.socket.session.regenerate();
      await told;
      expect(await heard(here.io, tab.client, () => toAll(here.io))).toEqual([]);
      await present(tab.client, (await sent).token);
      expect(await heard(here.io, tab.client, () => toAll(here.io))).toHaveLength(4);
    });
  });
});
