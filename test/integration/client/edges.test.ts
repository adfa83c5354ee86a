import { describe, expect, test } from "@jest/globals";
import { type ClientOptions, tokenSession } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { gate, type Node, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// Where an end, a lost connection and the application's own doings meet.

const nodes = useNodes();

function opened(node: Node, options: ClientOptions = {}, auth = {}) {
  const storage = new FaultyStorage();
  const socket = node.client({ auth });
  const session = tokenSession(socket, { storage, key: TOKEN_KEY, ...options });
  return { storage: (options.storage as FaultyStorage) ?? storage, socket, session, heard: hear(session) };
}

/** Cuts the connection, and resolves when the client knows. */
async function cut(socket: ReturnType<typeof opened>["socket"]): Promise<void> {
  const gone = next(socket, "disconnect");
  socket.io.engine.close();
  await gone;
}

describe("a storage that is its own old place", () => {
  test("keeps its token", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage();
    const first = opened(node, { storage, migrateFrom: { storage } });
    await first.session.ready;
    expect(storage.items.get(TOKEN_KEY)).toBe(first.session.token);
    const again = opened(node, { storage, migrateFrom: { storage } });
    await again.session.ready;
    expect(again.session.id).toBe(first.session.id);
  });
});

describe("a token in an old place", () => {
  test("stays there when another identity is taken before it is stored", async () => {
    const node = await nodes.node();
    const { token } = await node.connect();
    const from = new FaultyStorage();
    from.items.set("old", token);
    const { opened: letIn, open } = gate();
    let isFirst = true;
    node.io.use((_, enter) => {
      if (isFirst) void letIn.then(() => enter());
      else enter();
      isFirst = false;
    });
    const { session } = opened(node, { migrateFrom: { storage: from, key: "old" } });
    await nextOf(session, "token");
    await session.use("work");
    open();
    expect(from.items.get("old")).toBe(token);
    await session.use("");
    expect(session.token).toBe(token);
  });

  test("is not taken up after forget(), although nothing was held yet", async () => {
    const node = await nodes.node();
    const { token } = await node.connect();
    const from = new FaultyStorage();
    from.items.set("old", token);
    const socket = node.client({ autoConnect: false });
    const storage = new FaultyStorage();
    const session = tokenSession(socket, {
      storage,
      key: TOKEN_KEY,
      migrateFrom: { storage: from, key: "old" },
    });
    await session.forget();
    socket.connect();
    await session.ready;
    expect(session.token).not.toBe(token);
  });
});

test.each([
  ["forget()", (session: ReturnType<typeof opened>["session"]) => session.forget()],
  ["use()", (session: ReturnType<typeof opened>["session"]) => session.use("work")],
])("after %s while the connection is lost nothing of the old session is recovered", async (_, leave) => {
  const node = await nodes.node({ io: { connectionStateRecovery: {} } });
  const seen: { recovered: boolean; rooms: string[] }[] = [];
  node.io.on("connection", (socket) => {
    seen.push({ recovered: socket.recovered, rooms: [...socket.rooms].filter((room) => room !== socket.id) });
    if (seen.length === 1) void socket.join("user:7");
    socket.emit("hello");
  });
  const { socket, session } = opened(node);
  const heard: string[] = [];
  socket.on("secret", (text: string) => heard.push(text));
  await next(socket, "hello");
  const { id } = session;
  await cut(socket);
  node.io.to("user:7").emit("secret", "missed");
  const hello = next(socket, "hello");
  await leave(session);
  await hello;
  await session.ready;
  expect(session.id).not.toBe(id);
  expect(seen.slice(1)).toEqual([{ recovered: false, rooms: [] }]);
  expect(heard).toEqual([]);
});

test("a token is not stored over another tab's forget() of which nothing has been heard yet", async () => {
  const node = await nodes.node();
  const { socket, session, storage } = opened(node);
  await session.ready;
  storage.items.set(TOKEN_KEY, "");
  const { id } = session;
  const login = serverSideOf(node.io, socket).session.login("ada");
  await expect(login).rejects.toMatchObject({ code: "SESSION_NOT_CONFIRMED" });
  await session.ready;
  expect(session.id).not.toBe(id);
});

test("what was forgotten while the connection was lost has ended here too", async () => {
  const node = await nodes.node();
  const { socket, session, storage, heard } = opened(node);
  await session.ready;
  await cut(socket);
  storage.items.set(TOKEN_KEY, "");
  const ended = nextOf(session, "end");
  expect(await ended).toEqual({ reason: "forgotten" });
  await session.ready;
  expect(heard.map(([name]) => name).filter((name) => name !== "token")).toEqual(["start", "end", "start"]);
});

test("without `restart`, connect() after an end survives a connection that breaks", async () => {
  const node = await nodes.node();
  const { socket, session } = opened(node, { restart: false });
  await session.ready;
  const gone = next(socket, "disconnect");
  await serverSideOf(node.io, socket).session.destroy();
  await gone;
  expect(session.state).toBe("ended");
  let breaks = 1;
  node.io.use(({ conn }, enter) => {
    if (breaks-- > 0) conn.close();
    else enter();
  });
  socket.connect();
  await session.ready;
  expect(session.state).toBe("open");
});

test("without `restart`, a session that follows a dead token outlives a lost connection, and a kick stays one", async () => {
  const node = await nodes.node();
  const storage = new FaultyStorage();
  storage.items.set(TOKEN_KEY, `${"0".repeat(32)}.${"A".repeat(43)}`);
  const { socket, session } = opened(node, { storage, restart: false });
  await session.ready;
  const { id } = session;
  await cut(socket);
  expect(await gotToken(socket)).toMatchObject({ created: false });
  expect(session.id).toBe(id);
  const gone = next(socket, "disconnect");
  serverSideOf(node.io, socket).disconnect();
  await gone;
  expect([socket.active, session.state]).toEqual([false, "ended"]);
});

test.each(["an object", "a property"])(
  "a refused socket whose auth is then set to %s has its session",
  async (how) => {
    const node = await nodes.node({
      attach: (sessions, io) => {
        io.use(({ handshake }, enter) => enter(handshake.auth["jwt"] ? undefined : new Error("login first")));
        sessions.attach(io);
      },
    });
    const { socket, session } = opened(node);
    const [error] = await next(socket, "connect_error");
    expect((error as Error).message).toBe("login first");
    expect(session.state).toBe("ended");
    if (how === "an object") socket.auth = { jwt: "x" };
    else (socket.auth as { jwt?: string }).jwt = "x";
    socket.connect();
    await session.ready;
    expect(serverSideOf(node.io, socket).session.id).toBe(session.id);
  },
);

test("a socket that the application disconnected stays out when another one of the page forgets the token", async () => {
  const node = await nodes.node();
  const storage = new FaultyStorage();
  const one = opened(node, { storage });
  await one.session.ready;
  const other = opened(node, { storage });
  await other.session.ready;
  await cut(one.socket);
  one.socket.disconnect();
  const ended = nextOf(one.session, "end");
  await other.session.forget();
  await ended;
  await other.session.ready;
  expect([one.socket.active, one.session.state]).toEqual([false, "ended"]);
});

test("a socket that is being let in is not connected a second time when the app comes to the front", async () => {
  const node = await nodes.node();
  const { opened: letIn, open } = gate();
  const handshakes: string[] = [];
  node.io.of("/slow").use((socket, enter) => {
    handshakes.push(socket.id);
    void letIn.then(() => enter());
  });
  const socket = node.client({ autoConnect: false });
  const session = tokenSession(socket, { storage: new FaultyStorage() });
  socket.connect();
  await session.ready;
  const slow = socket.io.socket("/slow");
  const slowSession = tokenSession(slow, { storage: new FaultyStorage() });
  slow.connect();
  while (handshakes.length === 0) await new Promise((resolve) => setImmediate(resolve));
  slowSession.resume();
  const message = gotToken(socket);
  session.resume();
  await message;
  open();
  await next(slow, "connect");
  expect(handshakes).toHaveLength(1);
  slow.disconnect();
});
