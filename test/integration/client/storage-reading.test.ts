import { describe, expect, test } from "@jest/globals";
import { type ClientOptions, tokenSession } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage, MANNERS } from "../../support/clients/faulty-storage.js";
import { watchHandshakes } from "../../support/clients/packets.js";
import { type Node, useNodes } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";

// The device's storage cannot be read, or takes its time: nobody may get a new session while theirs may be
// there.

const nodes = useNodes();

const rows = async () => (await nodes.database.rows("select sessionId from session")).length;

const opened = (node: Node, storage: FaultyStorage, options: ClientOptions = {}) => {
  const socket = node.client();
  return { socket, session: tokenSession(socket, { storage, key: TOKEN_KEY, ...options }) };
};

test.each<[string, unknown]>([
  ["names of its own", { get() {}, set() {}, remove() {} }],
  ["no removeItem", { getItem() {}, setItem() {} }],
  ["a method that is none", { getItem: () => null, setItem() {}, removeItem: undefined }],
  ["a promise of one", Promise.resolve(new FaultyStorage())],
])("what is no storage is refused at once: %s", async (_, storage) => {
  const socket = (await nodes.node()).client({ autoConnect: false });
  const message = "storage needs getItem, setItem, removeItem";
  expect(() => tokenSession(socket, { storage: storage as FaultyStorage })).toThrow(new TypeError(message));
  const migrateFrom = { storage: storage as FaultyStorage };
  expect(() => tokenSession(socket, { storage: new FaultyStorage(), migrateFrom })).toThrow(message);
  // Nothing of it is left on the socket.
  const session = tokenSession(socket, { storage: new FaultyStorage() });
  socket.connect();
  await session.ready;
});

describe.each(MANNERS)("a storage that is %s", (manner) => {
  test("read error at start: waits, makes no session, then comes back to its own", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage(manner);
    const first = opened(node, storage);
    await first.session.ready;
    first.socket.disconnect();
    const before = await rows();

    storage.failures.read = Number.POSITIVE_INFINITY;
    const { connections } = watchHandshakes(node.io);
    const { session } = opened(node, storage);
    for (let count = 0; count < 3; count++) {
      const error = await nextOf(session, "error");
      expect(error).toMatchObject({ code: "storage", cause: { message: "the read failed" } });
      expect(session.state).toBe("waiting");
      expect(await rows()).toBe(before);
    }
    storage.failures.read = 0;
    await session.ready;
    expect(session.token).toBe(first.session.token);
    expect(connections).toEqual([[first.session.token]]);
    expect(await rows()).toBe(before);
    expect(session.state).toBe("open");
  });

  test("read error while a new session's token is to be stored: the token is kept, and stored then", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage(manner);
    const before = await rows();
    const { socket, session } = opened(node, storage);
    const heard = hear(session);
    socket.prependAny((event) => {
      if (event === "gotToken" && !session.token) storage.failures.read = 2;
    });
    await session.ready;
    expect(await rows()).toBe(before + 1);
    expect(storage.items.get(TOKEN_KEY)).toBe(session.token);
    expect(heard.map(([name]) => name)).toEqual(["token", "error", "start"]);
    expect(heard[1]).toMatchObject(["error", { code: "storage" }]);
  });

  test("slow reading: the connection waits, and what the app sends meanwhile finds its session, in order", async () => {
    const seen: unknown[] = [];
    const node = await nodes.node({
      handlers: (io) =>
        io.on("connection", (socket) =>
          socket.on("say", (number: number, done?: () => void) => {
            seen.push([number, socket.session.id]);
            done?.();
          }),
        ),
    });
    const storage = new FaultyStorage(manner);
    const held = storage.hold("read");
    const { connections } = watchHandshakes(node.io);
    const { socket, session } = opened(node, storage);
    await held.reached;
    socket.emit("say", 1);
    socket.emit("say", 2);
    const third = socket.emitWithAck("say", 3);
    expect(session.state).toBe("waiting");
    expect(connections).toEqual([[]]);
    held.release();
    await third;
    await session.ready;
    expect(seen).toEqual([1, 2, 3].map((number) => [number, session.id]));
  });

  test("slow writing: not open until the token is stored", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage(manner);
    const held = storage.hold("write");
    const { session } = opened(node, storage);
    await held.reached;
    expect([session.state, session.token, storage.items.size]).toEqual(["opening", "", 0]);
    held.release();
    await session.ready;
    expect([...storage.items]).toEqual([[TOKEN_KEY, session.token]]);
  });

  test("a connection lost and made anew while reading is slow: each CONNECT has its token, once", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage(manner);
    const first = opened(node, storage);
    await first.session.ready;
    first.socket.disconnect();

    const { connections } = watchHandshakes(node.io);
    const held = storage.hold("read");
    const { socket, session } = opened(node, storage);
    await held.reached;
    for (let round = 0; round < 2; round++) {
      const again = next(socket.io, "open");
      socket.io.engine.close();
      await again;
    }
    held.release();
    await session.ready;
    await socket.emitWithAck("getToken", { token: session.token });
    expect(connections).toEqual([[], [], [first.session.token]]);
  });

  test("a socket that the app disconnects while reading is slow sends no CONNECT", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage(manner);
    node.io.of("/other").on("connection", (socket) => socket.on("ping", (done: () => void) => done()));
    const { connections } = watchHandshakes(node.io);
    const socket = node.client({ autoConnect: false });
    // Keeps the connection open.
    const other = socket.io.socket("/other", {}).connect();
    await next(other, "connect");
    const session = tokenSession(socket, { storage, key: TOKEN_KEY });
    const held = storage.hold("read");
    socket.connect();
    await held.reached;
    socket.disconnect();
    held.release();
    // Twice there and back, so that what would have been sent would have come.
    for (let round = 0; round < 2; round++) await other.emitWithAck("ping");
    expect(connections).toEqual([["undefined"]]);
    expect([session.token, socket.connected]).toEqual(["", false]);
    socket.connect();
    await session.ready;
    expect(connections).toEqual([["undefined", ""]]);
    other.disconnect();
  });
});
