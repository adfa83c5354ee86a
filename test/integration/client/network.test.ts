import { describe, expect, test } from "@jest/globals";
import type { Server, Socket as ServerSocket } from "socket.io";
import { type ClientOptions, tokenSession } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { type Device, device, TOKEN_KEY } from "../../support/clients/device.js";
import { HandClock } from "../../support/clock.js";
import { type Node, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// What becomes of connections: ended, kicked, cut, refused, away.

const nodes = useNodes();
type Options = ClientOptions & { storage?: Device };
const CUT_AFTER_MS = 10_000;

async function opened(node: Node, { storage = device(), ...options }: Options = {}) {
  const socket = node.client();
  const session = tokenSession(socket, { storage, key: TOKEN_KEY, ...options });
  await session.ready;
  return { storage, socket, session, side: () => serverSideOf(node.io, socket) };
}

describe("tokenChanged", () => {
  test("another token that is stored by then is presented at once", async () => {
    const node = await nodes.node();
    const { socket, session, storage, side } = await opened(node);
    const other = await opened(node);
    storage.setItem(TOKEN_KEY, other.session.token);
    const message = gotToken(socket);
    side().emit("tokenChanged", {});
    expect(await message).toMatchObject({ token: other.session.token });
    expect(side().session.id).toBe(other.session.id);
    expect(session.token).toBe(other.session.token);
  });

  test("with the same token stored, that one is presented", async () => {
    const { socket, session, side } = await opened(await nodes.node());
    const message = gotToken(socket);
    side().emit("tokenChanged", {});
    expect(await message).toMatchObject({ token: session.token, created: false });
  });

  test("who could not answer is cut, and comes back by what is stored then", async () => {
    const clock = new HandClock();
    const node = await nodes.node({ options: { clock } });
    const one = await opened(node);
    const items = new Map(one.storage.items);
    // A tab whose storage answers nothing while it is asked.
    const socket = node.client();
    let release = () => {};
    const asked = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isAsleep = false;
    const session = tokenSession(socket, {
      key: TOKEN_KEY,
      storage: {
        ...device(items),
        getItem: async (key) => {
          if (isAsleep) await asked;
          return items.get(key) ?? null;
        },
      },
    });
    await session.ready;
    isAsleep = true;
    const told = next(socket, "tokenChanged");
    await one.side().session.login("ada");
    await told;
    const gone = next(socket, "disconnect");
    clock.advance(CUT_AFTER_MS);
    expect((await gone)[0]).toBe("io server disconnect");
    expect(socket.active).toBe(true);
    items.set(TOKEN_KEY, one.session.token);
    isAsleep = false;
    const message = gotToken(socket);
    release();
    expect(await message).toMatchObject({ token: one.session.token, errors: "" });
    expect(serverSideOf(node.io, socket).session.userId).toBe("ada");
  });

  test("who answers with the token of another session is cut too, and comes back to that one", async () => {
    const clock = new HandClock();
    const node = await nodes.node({ options: { clock } });
    const one = await opened(node);
    const { socket, session, storage } = await opened(node, { storage: device(new Map(one.storage.items)) });
    const other = await opened(node);
    storage.setItem(TOKEN_KEY, other.session.token);
    const message = gotToken(socket);
    await one.side().session.login("ada");
    expect(await message).toMatchObject({ token: other.session.token, errors: "" });
    await until(async () => session.state === "open");
    const gone = next(socket, "disconnect");
    clock.advance(CUT_AFTER_MS);
    await gone;
    expect(socket.active).toBe(true);
    expect(await gotToken(socket)).toMatchObject({ token: other.session.token, errors: "" });
  });
});

describe("sessionEnd", () => {
  test("a fresh session follows", async () => {
    const node = await nodes.node();
    const { socket, session, storage } = await opened(node);
    const { id, token } = session;
    const heard = hear(session);
    const gone = next(socket, "disconnect");
    await node.sessions.destroy(id);
    expect((await gone)[0]).toBe("io server disconnect");
    expect([session.token, session.id, storage.items.size]).toEqual(["", "", 0]);
    await session.ready;
    expect(session.token).not.toBe(token);
    expect(storage.items.get(TOKEN_KEY)).toBe(session.token);
    expect(heard).toEqual([
      ["end", { reason: "destroyed" }],
      ["token", session.token],
      ["start", { id: session.id, created: true }],
    ]);
  });

  test("without `restart` the socket stays out, until the app connects it", async () => {
    const node = await nodes.node();
    const { socket, session, storage } = await opened(node, { restart: false });
    const { id } = session;
    const gone = next(socket, "disconnect");
    await node.sessions.destroy(id);
    await gone;
    expect([socket.active, session.state, session.token]).toEqual([false, "ended", ""]);
    expect(storage.items.size).toBe(0);
    socket.connect();
    await session.ready;
    expect(session.id).not.toBe(id);
    expect(session.state).toBe("open");
  });

  test("without `restart` it stays out too if the connection goes before the server disconnects it", async () => {
    const node = await nodes.node();
    const { socket, session, side } = await opened(node, { restart: false });
    const gone = next(socket, "disconnect");
    const { conn } = side();
    side().emit("sessionEnd", { reason: "destroyed" });
    await nextOf(session, "end");
    conn.close();
    expect((await gone)[0]).toBe("transport close");
    expect([socket.active, session.state]).toEqual([false, "ended"]);
  });
});

test.each([[true], [false]])(
  "disconnected by the application (close: %s), it stays out; connected again, it has its session",
  async (close) => {
    const { socket, session, side } = await opened(await nodes.node());
    const { id } = session;
    const heard = hear(session);
    const gone = next(socket, "disconnect");
    side().disconnect(close);
    expect((await gone)[0]).toBe("io server disconnect");
    expect([socket.active, session.state, session.id]).toEqual([false, "ended", id]);
    const message = gotToken(socket);
    socket.connect();
    expect(await message).toMatchObject({ token: session.token, created: false });
    await until(async () => session.state === "open");
    expect(heard).toEqual([]);
  },
);

test("disconnected by the application after it has answered tokenChanged, it stays out", async () => {
  const { socket, session, side } = await opened(await nodes.node());
  const message = gotToken(socket);
  side().emit("tokenChanged", {});
  await message;
  await until(async () => session.state === "open");
  await side().session.regenerate();
  const gone = next(socket, "disconnect");
  side().disconnect();
  await gone;
  expect(socket.active).toBe(false);
});

test("an outage with `required`: it comes back by itself, to its session, with its events in order", async () => {
  const seen: string[] = [];
  const node = await nodes.node({
    options: { required: true, storeTimeout: 1 },
    handlers: (io) =>
      io.on("connection", (socket) =>
        socket.on("say", (text: string, done?: () => void) => {
          seen.push(`${text} ${socket.session.id}`);
          done?.();
        }),
      ),
  });
  const { socket, session } = await opened(node);
  const heard = hear(session);
  const { id } = session;
  await node.proxy.down();
  socket.io.engine.close();
  await next(socket, "disconnect");
  socket.emit("say", "one");
  const said = socket.emitWithAck("say", "two");
  // Closed by the server, which has waited for its database.
  await next(socket.io, "open");
  await next(socket.io, "close");
  expect(session.state).toBe("waiting");
  await node.proxy.up();
  await said;
  expect(seen).toEqual([`one ${id}`, `two ${id}`]);
  expect(heard.filter(([name]) => name !== "error")).toEqual([]);
});

/** A server that closes each connection as soon as a socket comes, as an overloaded one does. */
function closeEach(io: Server) {
  const closed: ServerSocket[] = [];
  io.use((socket) => {
    closed.push(socket);
    socket.conn.close();
  });
  return closed;
}

test("connections that are closed at once are made anew with Socket.IO's pauses, not in a tight loop", async () => {
  const node = await nodes.node();
  const closed = closeEach(node.io);
  const socket = node.client();
  let attempts = 0;
  socket.io.on("reconnect_attempt", () => attempts++);
  tokenSession(socket, { storage: device(), key: TOKEN_KEY });
  await until(async () => closed.length >= 3);
  expect(attempts).toBeGreaterThanOrEqual(2);
});

test("Too Many Sessions: says so, asks again, and gets one", async () => {
  const node = await nodes.node();
  node.sessions.attach(node.io.of("/other"));
  const socket = node.client({ autoConnect: false });
  // The other namespace uses up what a connection may create.
  const other = socket.io.socket("/other", {}).connect();
  for (let count = 0; count < 20; count++) {
    expect(await other.emitWithAck("getToken", { token: "" })).toMatchObject({ created: true });
  }
  const session = tokenSession(socket, { storage: device(), key: TOKEN_KEY });
  socket.connect();
  expect(await nextOf(session, "error")).toMatchObject({ code: "server", cause: "Too Many Sessions" });
  expect([session.state, session.token]).toEqual(["waiting", ""]);
  await session.ready;
  expect(session.state).toBe("open");
  other.disconnect();
});

describe("refused by a middleware of the application", () => {
  test.each([
    ["before ours", true],
    ["after ours", false],
  ])("%s: it stays out, and has its session once it is let in", async (_, isFirst) => {
    let isOpen = false;
    const guard = (_socket: ServerSocket, go: (error?: Error) => void) =>
      go(isOpen ? undefined : new Error("not now"));
    const node = await nodes.node({
      attach: (sessions, io) => {
        if (isFirst) io.use(guard);
        sessions.attach(io);
        if (!isFirst) io.use(guard);
      },
    });
    const socket = node.client();
    const session = tokenSession(socket, { storage: device(), key: TOKEN_KEY });
    const [error] = await next(socket, "connect_error");
    expect(error).toMatchObject({ message: "not now" });
    expect([socket.active, session.token]).toEqual([false, ""]);
    isOpen = true;
    socket.connect();
    await session.ready;
    expect(session.state).toBe("open");
  });
});
