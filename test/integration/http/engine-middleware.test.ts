import { type IncomingMessage, request } from "node:http";
import { describe, expect, test } from "@jest/globals";
import { Server } from "socket.io";
import { Server as Server46 } from "socket.io-4.6";
import { Server as Server47 } from "socket.io-4.7";
import type { RequestSession, RequestSessionOptions } from "../../../src/index.js";
import { type Node, outcome, until, useNodes } from "../../support/servers/nodes.js";
import { liveIds, serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// `io.engine.use(sessions.express())`: each release of socket.io 4 that has it. What stands in for the answer
// to an upgrade has no events up to Engine.IO 6.6, and does not say whether its headers have gone.

const nodes = useNodes();
const releases = [
  ["4.6.0", Server46 as unknown as typeof Server],
  ["4.7.0", Server47 as unknown as typeof Server],
  ["of today", Server],
] as const;

describe.each(releases)("socket.io %s", (_, Release) => {
  function engineNode(options?: RequestSessionOptions): Promise<Node> {
    return nodes.node({
      Server: Release,
      handlers: (io, sessions) => {
        io.engine.use(sessions.express(options));
        io.engine.use((req: IncomingMessage, _: unknown, go: () => void) => {
          if (!req.url?.includes("begin=1")) return go();
          void sessionOf(req).start().then(go);
        });
      },
    });
  }

  /** A client that sends its token with the requests of the connection itself. */
  function clientWith(node: Node, token: string, transports: string[]) {
    return node.client({
      transports,
      reconnection: false,
      extraHeaders: { authorization: `Bearer ${token}` },
    });
  }

  async function connected(node: Node, transports: string[]) {
    const { client: first, token, id } = await node.connect();
    first.disconnect();
    const client = clientWith(node, token, transports);
    await next(client, "connect");
    return { client, token, id, session: sessionOf(serverSideOf(node.io, client).request) };
  }

  test.each([[["websocket"]], [["polling"]]])(
    "a connection by %p has the session of its request",
    async (by) => {
      const node = await engineNode();
      const { client, session, id } = await connected(node, by);
      expect([session.active, session.id]).toEqual([true, id]);
      await session.set("n", 1);
      expect((await nodes.row(id))?.data).toEqual({ n: 1 });
      client.disconnect();
      await until(async () => liveIds(node.sessions).length === 0);
    },
  );

  test("an upgrade from polling goes through", async () => {
    const node = await engineNode();
    const { client } = await connected(node, ["polling", "websocket"]);
    const { engine } = client.io;
    if (engine.transport.name !== "websocket") await next(engine, "upgrade");
    expect(engine.transport.name).toBe("websocket");
  });

  test("a websocket keeps the session live, and is a use of it", async () => {
    const node = await engineNode();
    const { client, session, id } = await connected(node, ["websocket"]);
    expect(liveIds(node.sessions)).toEqual([id]);
    await (await node.sessions.find(id))?.set("n", 1);
    expect(session.get("n")).toBe(1);
    client.disconnect();
    await until(async () => liveIds(node.sessions).length === 0);
  });

  test("a login there is refused, before anything is changed: its client would not hear of its token", async () => {
    const node = await engineNode();
    for (const by of [["websocket"], ["polling"]]) {
      const { session, token, id } = await connected(node, by);
      expect(await outcome(session.login(7))).toBe("SESSION_NOT_CONFIRMED");
      expect(await outcome(session.regenerate())).toBe("SESSION_NOT_CONFIRMED");
      expect(await gotToken(node.client({ auth: { token } }))).toMatchObject({ created: false });
      expect(await node.sessions.forUser(7)).toEqual([]);
      expect(await nodes.row(id)).toBeDefined();
    }
  });

  test("a session begun before the upgrade: its token goes out with it, and later is too late", async () => {
    const node = await engineNode();
    const { port } = new URL(node.url);
    const upgrade = request({
      port,
      path: "/socket.io/?EIO=4&transport=websocket&begin=1",
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": Buffer.alloc(16).toString("base64"),
      },
    });
    upgrade.end();
    const [{ headers }, socket] = (await next(upgrade, "upgrade")) as [IncomingMessage, { destroy(): void }];
    const token = String(headers["session-token"]);
    expect(await gotToken(node.client({ auth: { token } }))).toMatchObject({ created: false, token });
    socket.destroy();
    await until(async () => liveIds(node.sessions).length === 1);
  });

  test("required: a connection without a session is refused", async () => {
    const node = await engineNode({ required: true });
    for (const transport of ["websocket", "polling"]) {
      const client = clientWith(node, "nonsense", [transport]);
      const [error] = await next(client, "connect_error");
      expect(error).toBeInstanceOf(Error);
    }
    expect(node.io.engine.clientsCount).toBe(0);
  });
});

function sessionOf(req: unknown): RequestSession {
  return (req as { session: RequestSession }).session;
}
