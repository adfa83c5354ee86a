import { afterEach, expect, test } from "@jest/globals";
import { SessionAwareAdapter } from "socket.io-adapter";
import { HandClock } from "../../support/clock.js";
import { describeWithRedis, redisStreamsAdapter } from "../../support/redis/redis.js";
import { type Nodes, startNodes } from "../../support/servers/cluster.js";
import { cutOff } from "../../support/servers/cut.js";
import { logIn, present } from "../../support/servers/hearing.js";
import { gate, until, useNodes } from "../../support/servers/nodes.js";
import { away, device, EVERYTHING, sendAll, settings, settle } from "../../support/servers/recovered.js";
import { liveIds, type Rig, serverSideOf } from "../../support/servers/rig.js";
import { next } from "../../support/servers/server.js";

// What was sent to a user or a session, at connection state recovery where an adapter, the store or a
// middleware comes in between.

const nodes = useNodes();

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
    await cutOff(node.io, it.client);
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
