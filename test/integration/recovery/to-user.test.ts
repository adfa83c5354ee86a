import { describe, expect, test } from "@jest/globals";
import { logIn } from "../../support/servers/hearing.js";
import { type Node, useNodes } from "../../support/servers/nodes.js";
import { away, device, EVERYTHING, sendAll, settings, settle } from "../../support/servers/recovered.js";
import { type Connected, serverSideOf } from "../../support/servers/rig.js";

// Connection state recovery, of what was sent to a user and to a session: who gets it is looked at first.

const nodes = useNodes();

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
