import { describe, expect, test } from "@jest/globals";
import { type ClientSession, type SessionState, tokenSession } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { device, TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { type Node, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next, startServer } from "../../support/servers/server.js";

// What a session shows of itself, and what it tells, step by step.

const nodes = useNodes();

function opened(node: Node, storage: FaultyStorage | ReturnType<typeof device> = device(), options = {}) {
  const socket = node.client(options);
  const session = tokenSession(socket, { storage, key: TOKEN_KEY });
  return { storage, socket, session, heard: hear(session) };
}

const shown = ({ state, token, id }: ClientSession): [SessionState, string, string] => [state, token, id];

describe("state, token and id", () => {
  test("of a first visit, a loss, a comeback and an end", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage();
    const reading = storage.hold("read");
    const { socket, session } = opened(node, storage);
    await reading.reached;
    expect(shown(session)).toEqual(["waiting", "", ""]);
    const writing = storage.hold("write");
    reading.release();
    await writing.reached;
    expect(shown(session)).toEqual(["opening", "", ""]);
    writing.release();
    await session.ready;
    const { token } = session;
    expect(token).toMatch(/^[0-9a-f]{32}\.[\w-]{43}$/);
    const id = token.slice(0, 32);
    expect(shown(session)).toEqual(["open", token, id]);

    const gone = next(socket, "disconnect");
    socket.io.engine.close();
    await gone;
    expect(shown(session)).toEqual(["waiting", token, id]);
    const message = gotToken(socket);
    const again = storage.hold("read");
    await again.reached;
    expect(shown(session)).toEqual(["waiting", token, id]);
    again.release();
    await message;
    await until(async () => session.state === "open");

    const ended = nextOf(session, "end");
    await node.sessions.destroy(id);
    await ended;
    expect(session.token).toBe("");
    await session.ready;
    expect(session.id).not.toBe(id);
    expect(session.state).toBe("open");

    const last = shown(session);
    socket.disconnect();
    expect(shown(session)).toEqual(["ended", ...last.slice(1)]);
  });

  test("while the server cannot be reached: waiting", async () => {
    const node = await nodes.node();
    const { port } = node;
    await node.close();
    const { socket, session } = opened(node);
    await new Promise((resolve) => socket.io.once("reconnect_error", resolve));
    expect(socket.active).toBe(true);
    expect(session.state).toBe("waiting");
    const server = await startServer({ databaseUrl: nodes.database.url, port });
    try {
      await session.ready;
      expect(session.state).toBe("open");
    } finally {
      socket.disconnect();
      await server.close();
    }
  });

  test("refused by the application: ended", async () => {
    const node = await nodes.node({
      handlers: (io) => io.use((_socket, go) => go(new Error("not now"))),
    });
    const { socket, session } = opened(node);
    await next(socket, "connect_error");
    expect(socket.active).toBe(false);
    expect(session.state).toBe("ended");
  });

  test("of a token of the old package: the id is empty, for all of it is secret", async () => {
    const token = "5f4dcc3b5aa765d61d8327deb882cf99";
    const storage = device(new Map([[TOKEN_KEY, token]]));
    const { session, heard } = opened(await nodes.node(), storage);
    const seen: string[][] = [];
    session.on("token", () => seen.push([session.token, session.id]));
    await session.ready;
    expect(seen[0]).toEqual([token, ""]);
    expect(heard.map(([name]) => name)).toEqual(["token", "end", "token", "start"]);
  });
});

describe("ready", () => {
  test("resolves at once when open, and after an end when the next session is there", async () => {
    const node = await nodes.node();
    const { session, socket } = opened(node);
    const early = session.ready;
    await session.ready;
    await early;
    await session.ready;
    const { id } = session;
    const gone = next(socket, "disconnect");
    await node.sessions.destroy(id);
    await gone;
    await session.ready;
    expect(session.id).not.toBe(id);
    expect(serverSideOf(node.io, socket).session.id).toBe(session.id);
  });
});

describe("events", () => {
  test("a first visit, a login, a comeback: each told once", async () => {
    const node = await nodes.node();
    const { session, socket, heard } = opened(node);
    await session.ready;
    const first = session.token;
    await serverSideOf(node.io, socket).session.login("ada");
    const message = gotToken(socket);
    socket.io.engine.close();
    await message;
    await until(async () => session.state === "open");
    expect(heard).toEqual([
      ["token", first],
      ["start", { id: session.id, created: true }],
      ["token", session.token],
    ]);
    expect(session.token).not.toBe(first);
  });

  test("a comeback on a new page: token, then start, not created", async () => {
    const node = await nodes.node();
    const { session, storage, socket } = opened(node);
    await session.ready;
    socket.disconnect();
    const again = opened(node, storage);
    await again.session.ready;
    expect(again.heard).toEqual([
      ["token", session.token],
      ["start", { id: session.id, created: false }],
    ]);
  });

  test.each([
    ["Session Not Found", async (node: Node, id: string) => node.sessions.destroy(id)],
    [
      "Session Expired",
      async (_: Node, id: string) =>
        nodes.database.rows("update session set expires = unix_timestamp() - 1 where sessionId = ?", [id]),
    ],
  ])("a session that has gone meanwhile: token, end of %s, the new token, start", async (reason, end) => {
    const node = await nodes.node();
    const first = opened(node);
    await first.session.ready;
    const { token, id } = first.session;
    const gone = next(serverSideOf(node.io, first.socket), "disconnect");
    first.socket.disconnect();
    await gone;
    await end(node, id);
    const { session, heard } = opened(node, first.storage);
    await session.ready;
    expect(heard).toEqual([
      ["token", token],
      ["end", { reason }],
      ["token", session.token],
      ["start", { id: session.id, created: true }],
    ]);
  });

  test("an end that the server has told is not told again by what follows", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage();
    const { session, heard } = opened(node, storage);
    await session.ready;
    const { token } = session;
    // So the dead token is presented once more.
    storage.failures.removal = 1;
    await node.sessions.destroy(session.id);
    await nextOf(session, "end");
    await session.ready;
    expect(heard.filter(([name]) => name === "end")).toEqual([["end", { reason: "destroyed" }]]);
    expect(session.token).not.toBe(token);
  });

  test("on() gives a function that stops this listener, and no other", async () => {
    const { session } = opened(await nodes.node());
    const calls: string[] = [];
    const listener = () => calls.push("twice");
    session.on("start", listener);
    const stop = session.on("start", listener);
    session.on("start", () => calls.push("one"))();
    await session.ready;
    expect(calls).toEqual(["twice", "twice"]);
    stop();
    stop();
    await session.use("work");
    expect(calls).toEqual(["twice", "twice", "twice"]);
  });
});
