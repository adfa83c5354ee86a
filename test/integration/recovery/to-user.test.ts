import { afterEach, describe, expect, test } from "@jest/globals";
import type { ServerOptions } from "socket.io";
import { SessionAwareAdapter } from "socket.io-adapter";
import type { Socket } from "socket.io-client";
import { HandClock } from "../../support/clock.js";
import { describeWithRedis, redisStreamsAdapter } from "../../support/redis/redis.js";
import { type Nodes, startNodes } from "../../support/servers/cluster.js";
import { loggedIn, logIn, present } from "../../support/servers/hearing.js";
import { gate, type Node, until, useNodes } from "../../support/servers/nodes.js";
import { type Connected, liveIds, type Rig, serverSideOf } from "../../support/servers/rig.js";
import { next, type TestServerOptions } from "../../support/servers/server.js";

// Connection state recovery, of what was sent to a user and to a session: who gets it is looked at first.

const nodes = useNodes();

function settings(io: Partial<ServerOptions> = {}): TestServerOptions {
  return {
    io: { connectionStateRecovery: {}, ...io },
    // Gives a client an offset to recover from, as any event of an application does.
    handlers: (server) => void server.on("connection", (socket) => void socket.emit("welcome")),
  };
}

/** What a client hears as "news", over all its connections. */
function news(client: Socket): unknown[] {
  const heard: unknown[] = [];
  client.on("news", (word) => heard.push(word));
  return heard;
}

/** A client that is logged in and presents its token by itself; it has something to recover from. */
async function device(node: Rig, userId: string | number): Promise<Connected & { heard: unknown[] }> {
  const it = await loggedIn(node, userId);
  it.client.auth = { token: it.token };
  const heard = news(it.client);
  const welcome = next(it.client, "welcome");
  it.socket.emit("welcome");
  await welcome;
  return { ...it, heard };
}

/** The connection drops; `meanwhile` runs; and the client comes back. */
async function away(
  { client, socket }: Connected,
  meanwhile: () => unknown,
  { isRecovered = true } = {},
): Promise<void> {
  client.io.reconnection(false);
  const gone = next(socket, "disconnect");
  client.io.engine.close();
  await gone;
  await meanwhile();
  const back = next(client, "connect");
  client.connect();
  await back;
  expect(client.recovered).toBe(isRecovered);
}

/** Resolves when what was sent before has been heard. */
async function settle(node: Rig, client: Socket): Promise<void> {
  const mark = next(client, "mark");
  // By its own room: who is cut loose hears nothing that is sent to all.
  node.io.to(client.id ?? "").emit("mark");
  await mark;
}

/** What the application sends to everybody, to a user, to a session, and to a room, in that order. */
function sendAll({ io, sessions }: Rig, { id }: Connected): void {
  io.emit("news", "all");
  sessions.toUser(7).emit("news", "user");
  sessions.toUser(8).emit("news", "another user");
  sessions.toSession(id).emit("news", "session");
  io.emit("news", "all again");
}

const EVERYTHING = ["all", "user", "session", "all again"];

describe.each([
  ["by default", {}],
  ["with skipMiddlewares: false", { skipMiddlewares: false }],
])("%s", (_, connectionStateRecovery) => {
  const start = () => nodes.node(settings({ connectionStateRecovery }));

  test("whoever still is logged in gets it, in its place, once", async () => {
    const node = await start();
    const it = await device(node, 7);
    await away(it, () => sendAll(node, it));
    await settle(node, it.client);
    expect(it.heard).toEqual(EVERYTHING);
    expect([...serverSideOf(node.io, it.client).rooms]).toEqual([it.client.id]);
    // From where it is by now.
    await away({ ...it, socket: serverSideOf(node.io, it.client) }, () =>
      node.sessions.toUser(7).emit("news", "more"),
    );
    await settle(node, it.client);
    node.sessions.toUser(7).emit("news", "live");
    await settle(node, it.client);
    expect(it.heard).toEqual([...EVERYTHING, "more", "live"]);
  });

  test("a client that presents nothing has it by the note of its socket", async () => {
    const node = await start();
    const it = await device(node, 7);
    it.client.auth = {};
    await away(it, () => sendAll(node, it));
    await settle(node, it.client);
    expect(it.heard).toEqual(EVERYTHING);
  });

  test.each<[string, (node: Node, it: Connected) => unknown, boolean?]>([
    [
      "is logged out, and keeps its token",
      (_, { id }) =>
        nodes.database.pool.query(
          "update session set userId = null, revision = revision + 1 where sessionId = ?",
          [id],
        ),
    ],
    [
      "is logged out by another of its sockets",
      async (node, { token }) => (await node.connect(token)).session.logout(),
    ],
    ["is somebody else's", async (node, { token }) => logIn(await node.connect(token), 8)],
    ["has another token", async (node, { token }) => (await node.connect(token)).session.regenerate()],
    ["has ended", (node, { id }) => node.sessions.destroy(id), true],
    [
      "has expired",
      (_, { id }) =>
        nodes.database.pool.query("update session set expires = unix_timestamp() - 60 where sessionId = ?", [
          id,
        ]),
      true,
    ],
  ])(
    "a socket whose session %s gets nothing of what it has missed",
    async (_, change, isRecovered = false) => {
      const node = await start();
      const it = await device(node, 7);
      const missed = async () => {
        sendAll(node, it);
        await change(node, it);
      };
      await away(it, missed, { isRecovered });
      await settle(node, it.client);
      expect(it.heard).toEqual([]);
    },
  );
});

test("nor does one that an application has put into rooms with such names", async () => {
  const node = await nodes.node(settings());
  const [it, another] = [await device(node, 8), await device(node, 7)];
  await it.socket.join(["tokenSession/user/7", `tokenSession/session/${another.id}`, "a"]);
  await away(it, () => {
    node.sessions.toUser(7).emit("news", "user");
    node.sessions.toSession(another.id).emit("news", "session");
    node.io.to("a").emit("news", "room");
  });
  await settle(node, it.client);
  expect(it.heard).toEqual(["room"]);
  expect([...serverSideOf(node.io, it.client).rooms].sort()).toEqual([it.client.id, "a"].sort());
});

test("what is sent while the row is read is heard too, and the order kept", async () => {
  const node = await nodes.node(settings());
  const it = await device(node, 7);
  const looking = node.proxy.hold("coalesce(data");
  let sent: Promise<void> | undefined;
  await away(it, async () => {
    node.sessions.toUser(7).emit("news", 1);
    sent = looking.then(async (query) => {
      // It has not connected yet.
      node.sessions.toUser(7).emit("news", 2);
      node.io.emit("news", "all");
      const opening = node.proxy.hold("coalesce(data");
      await query.release();
      const second = await opening;
      // It has, and the token that it presents is being looked at.
      node.sessions.toUser(7).emit("news", 3);
      await second.release();
    });
  });
  expect(serverSideOf(node.io, it.client).session.userId).toBe("7");
  await sent;
  node.sessions.toUser(7).emit("news", 4);
  await settle(node, it.client);
  expect(it.heard).toEqual([1, 2, "all", 3, 4]);
});

test("nor does one that has no part in the session any more get what is sent while the row is read", async () => {
  const node = await nodes.node(settings());
  const it = await device(node, 7);
  const other = await node.connect(it.token);
  const looking = node.proxy.hold("coalesce(data");
  const missed = async () => {
    await other.session.logout();
    void looking.then(async (query) => {
      sendAll(node, it);
      await query.release();
    });
  };
  await away(it, missed, { isRecovered: false });
  await settle(node, it.client);
  expect(it.heard).toEqual([]);
});

test("a socket that is cut while its session is opened again hears nothing more", async () => {
  const node = await nodes.node(settings());
  const it = await device(node, 7);
  const other = await node.connect(it.token);
  const looking = node.proxy.hold("coalesce(data");
  await away(it, async () => {
    void looking.then(async (query) => {
      const opening = node.proxy.hold("coalesce(data");
      await query.release();
      const second = await opening;
      await second.release();
    });
  });
  await other.session.logout();
  node.sessions.toUser(7).emit("news", "late");
  node.sessions.toSession(it.id).emit("news", "late");
  node.io.emit("news", "late");
  await settle(node, it.client);
  expect(it.heard).toEqual([]);
});

test("one that is logged out while the adapter is asked does not get it", async () => {
  const { opened, open } = gate();
  const asked = gate();
  let calls = 0;
  class SlowAdapter extends SessionAwareAdapter {
    override async restoreSession(pid: string, offset: string) {
      const found = await super.restoreSession(pid, offset);
      if (++calls === 2) {
        asked.open();
        await opened;
      }
      return found;
    }
  }
  const node = await nodes.node(settings({ adapter: SlowAdapter }));
  const it = await device(node, 7);
  const other = await node.connect(it.token);
  const missed = () => {
    sendAll(node, it);
    void asked.opened.then(async () => {
      await other.session.logout();
      open();
    });
  };
  await away(it, missed, { isRecovered: false });
  await settle(node, it.client);
  expect(it.heard).toEqual([]);
  expect(calls).toBe(2);
});

test("where an adapter does not give it twice, a socket is a new one rather than one that has missed something", async () => {
  let calls = 0;
  class ForgetfulAdapter extends SessionAwareAdapter {
    override restoreSession(pid: string, offset: string) {
      return ++calls === 2 ? Promise.reject("not found") : super.restoreSession(pid, offset);
    }
  }
  const node = await nodes.node(settings({ adapter: ForgetfulAdapter }));
  const it = await device(node, 7);
  await away(it, () => sendAll(node, it), { isRecovered: false });
  node.sessions.toUser(7).emit("news", "live");
  await settle(node, it.client);
  expect(it.heard).toEqual(["live"]);
});

test("while the store is away a socket waits for it, and has missed nothing", async () => {
  const node = await nodes.node({ ...settings(), options: { storeTimeout: 1 } });
  const it = await device(node, 7);
  await node.proxy.down();
  await away(it, async () => {
    sendAll(node, it);
    void until(async () => node.log.lines.some(({ level }) => level === "error")).then(() => node.proxy.up());
  });
  node.sessions.toUser(7).emit("news", "live");
  await settle(node, it.client);
  expect(it.heard).toEqual([...EVERYTHING, "live"]);
});

test("a client whose connection breaks while the store is away has missed nothing, where an adapter gives it once", async () => {
  class GivingOnce extends SessionAwareAdapter {
    override async restoreSession(pid: string, offset: string) {
      const found = await super.restoreSession(pid, offset);
      (this as unknown as { sessions: Map<string, unknown> }).sessions.delete(pid);
      return found;
    }
  }
  const node = await nodes.node({ ...settings({ adapter: GivingOnce }), options: { storeTimeout: 1 } });
  const it = await device(node, 7);
  await node.proxy.down();
  await away(it, async () => {
    sendAll(node, it);
    const first = next(it.client.io, "open");
    it.client.connect();
    await first;
    await until(async () => node.log.lines.some(({ level }) => level === "error"));
    it.client.disconnect();
    await until(async () => node.io.engine.clientsCount === 0);
    void until(async () => node.io.engine.clientsCount > 0).then(() => node.proxy.up());
  });
  await settle(node, it.client);
  expect(it.heard).toEqual(EVERYTHING);
});

test("where the store stays away it is a new one, which has its session once the store is back", async () => {
  const clock = new HandClock();
  const node = await nodes.node({ ...settings(), options: { storeTimeout: 1, clock } });
  const it = await device(node, 7);
  await node.proxy.down();
  const missed = () => {
    sendAll(node, it);
    void (async () => {
      while (!it.client.connected) {
        clock.advance(1_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
  };
  await away(it, missed, { isRecovered: false });
  await node.proxy.up();
  const { session } = serverSideOf(node.io, it.client);
  clock.advance(5_000);
  await session.ready;
  node.sessions.toUser(7).emit("news", "live");
  await settle(node, it.client);
  expect(it.heard).toEqual(["live"]);
});

test.each(["before", "behind"])(
  "a socket that is refused by middleware %s ours leaves nothing behind",
  async (where) => {
    let isRefusing = false;
    const node = await nodes.node({
      ...settings({ connectionStateRecovery: { skipMiddlewares: false } }),
      attach(sessions, io) {
        const refuse = () => io.use((_, next) => next(isRefusing ? new Error("refused") : undefined));
        if (where === "before") refuse();
        sessions.attach(io);
        if (where === "behind") refuse();
      },
    });
    const it = await device(node, 7);
    it.client.io.reconnection(false);
    const gone = next(it.socket, "disconnect");
    it.client.io.engine.close();
    await gone;
    isRefusing = true;
    const refused = next(it.client, "connect_error");
    it.client.connect();
    await refused;
    await until(async () => liveIds(node.sessions).length === 0);
  },
);

describeWithRedis("over streams", () => {
  let started: Nodes | undefined;
  afterEach(() => started?.close());

  async function startTwo() {
    const given = { ...settings(), databaseUrl: nodes.database.url };
    started = await startNodes(redisStreamsAdapter, [given, given]);
    return started.nodes as [Rig, Rig];
  }

  test("another server gives back what still is the socket's own", async () => {
    const [here, there] = await startTwo();
    const it = await device(here, 7);
    // Its state is in Redis before the next command of this server's is.
    await away(it, async () => {
      sendAll(here, it);
      await here.io.of("/").adapter.serverCount();
      (it.client.io as unknown as { uri: string }).uri = there.url;
    });
    await serverSideOf(there.io, it.client).session.ready;
    here.sessions.toUser(7).emit("news", "live");
    await settle(here, it.client);
    expect(it.heard).toEqual([...EVERYTHING, "live"]);
  });

  test("and nothing else", async () => {
    const [here, there] = await startTwo();
    const it = await device(here, 7);
    const missed = async () => {
      sendAll(here, it);
      const other = await there.connect(it.token);
      await logIn(other, 8);
      (it.client.io as unknown as { uri: string }).uri = there.url;
    };
    await away(it, missed, { isRecovered: false });
    await settle(here, it.client);
    expect(it.heard).toEqual([]);
    await present(it.client, "");
  });
});
