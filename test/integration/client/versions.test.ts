import { afterEach, describe, expect, test } from "@jest/globals";
import { io as newest, type Socket } from "socket.io-client";
import { io as io40 } from "socket.io-client-4.0";
import { io as io45 } from "socket.io-client-4.5";
import { type ClientOptions, tokenSession } from "../../../client/index.js";
import { SESSION_END } from "../../../src/wire.js";
import { hear } from "../../support/clients/client-events.js";
import { device, TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { watchHandshakes } from "../../support/clients/packets.js";
import { type Node, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next, startServer } from "../../support/servers/server.js";

// Releases of socket.io-client 4, the first of all included.

const nodes = useNodes();
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

describe.each([
  ["4.0.0", io40],
  ["4.5.4", io45 as unknown as typeof newest],
  ["of today", newest],
])("socket.io-client %s", (_, io) => {
  describe.each([["websocket"], ["polling"]])("by %s", (transport) => {
    function opened({ url }: { url: string }, options: ClientOptions = {}, reconnectionDelay = 20) {
      const socket = io(url, { forceNew: true, transports: [transport], reconnectionDelay });
      sockets.push(socket);
      return { socket, session: tokenSession(socket, { storage: device(), key: TOKEN_KEY, ...options }) };
    }
    const sideOf = (node: Node, { socket }: { socket: Socket }) => serverSideOf(node.io, socket);

    test("a first visit, a comeback, a reconnect", async () => {
      const node = await nodes.node();
      const storage = device();
      const { connections } = watchHandshakes(node.io);
      const first = opened(node, { storage, client: { device: "Pixel 9" } });
      await first.session.ready;
      const { token } = first.session;
      expect(storage.items).toEqual(new Map([[TOKEN_KEY, token]]));
      await sideOf(node, first).session.set("n", 1);
      first.socket.disconnect();

      const again = opened(node, { storage });
      await again.session.ready;
      expect(again.session.token).toBe(token);
      const message = gotToken(again.socket);
      again.socket.io.engine.close();
      expect(await message).toMatchObject({ token, created: false });
      expect(sideOf(node, again).session.get("n")).toBe(1);
      expect(sideOf(node, again).session.client).toEqual({ device: "Pixel 9" });
      expect(connections).toEqual([[""], [token], [token]]);
    });

    test("a login, confirmed", async () => {
      const node = await nodes.node();
      const storage = device();
      const tab = opened(node, { storage });
      await tab.session.ready;
      const before = tab.session.token;
      await sideOf(node, tab).session.login("ada");
      expect(tab.session.token).not.toBe(before);
      expect(storage.items.get(TOKEN_KEY)).toBe(tab.session.token);
      expect(sideOf(node, tab).session.userId).toBe("ada");
    });

    test.each([[true], [false]])("the end of a session (restart: %s)", async (restart) => {
      const node = await nodes.node();
      const tab = opened(node, { restart });
      await tab.session.ready;
      const { id } = tab.session;
      const heard = hear(tab.session);
      const gone = next(tab.socket, "disconnect");
      await node.sessions.destroy(id);
      await gone;
      expect(tab.socket.active).toBe(restart);
      if (!restart) tab.socket.connect();
      await tab.session.ready;
      expect(tab.session.id).not.toBe(id);
      expect(sideOf(node, tab).session.id).toBe(tab.session.id);
      expect(heard.map(([name]) => name)).toEqual(["end", "token", "start"]);
    });

    // socket.io-client 4.0 closes such a connection later, and tells so when the next one is being made.
    test.each([[true], [false]])(
      "the end of a session, told while something is being sent (restart: %s)",
      async (restart) => {
        const node = await nodes.node();
        const tab = opened(node, { restart });
        await tab.session.ready;
        const { id } = tab.session;
        tab.socket.on(SESSION_END, () => tab.socket.emit("bye"));
        const gone = next(tab.socket, "disconnect");
        await node.sessions.destroy(id);
        await gone;
        if (!restart) tab.socket.connect();
        await tab.session.ready;
        expect(tab.session.id).not.toBe(id);
      },
    );

    test("disconnected by the application, it stays out until it is connected again", async () => {
      const node = await nodes.node();
      const tab = opened(node);
      await tab.session.ready;
      const gone = next(tab.socket, "disconnect");
      sideOf(node, tab).disconnect();
      await gone;
      expect([tab.socket.active, tab.session.state]).toEqual([false, "ended"]);
      const message = gotToken(tab.socket);
      tab.socket.connect();
      expect(await message).toMatchObject({ token: tab.session.token, created: false });
    });

    test("a slow storage, and a connection that is lost meanwhile", async () => {
      const node = await nodes.node();
      const storage = new FaultyStorage("async");
      const first = opened(node, { storage });
      await first.session.ready;
      first.socket.disconnect();
      const held = storage.hold("read");
      const { connections } = watchHandshakes(node.io);
      const { session, socket } = opened(node, { storage });
      await held.reached;
      const again = next(socket.io, "open");
      socket.io.engine.close();
      await again;
      held.release();
      await session.ready;
      expect(session.token).toBe(first.session.token);
      expect(connections).toEqual([[], [session.token]]);
    });

    test("resume() does not wait for Socket.IO's next try", async () => {
      const node = await nodes.node();
      const { port } = node;
      // Longer than the test may take.
      const { session, socket } = opened(node, {}, 600_000);
      await session.ready;
      const gone = next(socket, "disconnect");
      await node.close();
      await gone;
      expect(session.state).toBe("waiting");
      const server = await startServer({ databaseUrl: nodes.database.url, port });
      try {
        const message = gotToken(socket);
        session.resume();
        expect(await message).toMatchObject({ token: session.token, created: false });
      } finally {
        socket.disconnect();
        await server.close();
      }
    });

    test("use()", async () => {
      const node = await nodes.node();
      const tab = opened(node);
      await tab.session.ready;
      const { id } = tab.session;
      await tab.session.use("work");
      expect(tab.session.id).not.toBe(id);
      expect(sideOf(node, tab).session.id).toBe(tab.session.id);
      await tab.session.use("");
      expect(tab.session.id).toBe(id);
    });
  });
});
