import { describe, expect, test } from "@jest/globals";
import { type ClientOptions, tokenSession } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { type Device, device, TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { watchHandshakes } from "../../support/clients/packets.js";
import { type Node, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// Several people, or roles, on one device: each identity has its token.

const nodes = useNodes();
const NAMES = ["work", "", "a/b?c=d&e", "name with spaces", "__proto__", "日本語 🥐", "__x", "constructor"];

const rows = async () => (await nodes.database.rows("select sessionId from session")).length;

function opened(node: Node, storage: Device | FaultyStorage = device(), options: ClientOptions = {}) {
  const socket = node.client();
  const session = tokenSession(socket, { storage, key: TOKEN_KEY, ...options });
  return { storage, socket, session, side: () => serverSideOf(node.io, socket) };
}

test("use() gives each identity a session of its own, and switching back gives that back", async () => {
  const node = await nodes.node();
  const { session, storage, side } = opened(node);
  await session.ready;
  const ids = new Map<string, string>();
  for (const name of NAMES) {
    await session.use(name);
    expect([session.state, side().session.id]).toEqual(["open", session.id]);
    expect(storage.getItem(name ? `${TOKEN_KEY}__${name}` : TOKEN_KEY)).toBe(session.token);
    await side().session.set("name", name);
    ids.set(name, session.id);
  }
  expect(new Set(ids.values()).size).toBe(NAMES.length);
  const before = await rows();
  for (const name of NAMES.toReversed()) {
    await session.use(name);
    expect(session.id).toBe(ids.get(name));
    expect(side().session.get("name")).toBe(name);
  }
  expect(await rows()).toBe(before);
  expect(storage.items.get(`${TOKEN_KEY}__work`)).toMatch(ids.get("work") ?? "none");
  storage.items.set("another", "x");
  storage.items.set(`${TOKEN_KEY}s__work`, "x");
  expect((await session.identities()).sort()).toEqual([...NAMES].sort());
});

test("use() of the identity in use goes on with its session", async () => {
  const { session, side } = opened(await nodes.node());
  await session.ready;
  const { token } = session;
  await session.use("");
  expect([session.token, side().session.id]).toEqual([token, session.id]);
});

test("several at once, on a socket each", async () => {
  const node = await nodes.node();
  const storage = device();
  const tabs = ["", "work", "home"].map((identity) => opened(node, storage, { identity }));
  await Promise.all(tabs.map(({ session }) => session.ready));
  expect(new Set(tabs.map(({ side }) => side().session.id)).size).toBe(3);
  expect(storage.items.size).toBe(3);
  for (const { session } of tabs) {
    expect((await session.identities()).sort()).toEqual(["", "home", "work"]);
  }
});

test("the sessions differ on the server, with the events that each has", async () => {
  const { session } = opened(await nodes.node());
  await session.ready;
  const first = session.token;
  const heard = hear(session);
  await session.use("work");
  expect(heard).toEqual([
    ["token", session.token],
    ["start", { id: session.id, created: true }],
  ]);
  await session.use("");
  expect(heard.slice(2)).toEqual([
    ["token", first],
    ["start", { id: session.id, created: false }],
  ]);
});

describe("forget()", () => {
  test("drops this identity's token only, and begins a session anew", async () => {
    const node = await nodes.node();
    const { session, storage } = opened(node);
    await session.ready;
    const first = session.token;
    await session.use("work");
    const { token } = session;
    const heard = hear(session);
    await session.forget();
    expect([session.token, storage.items.get(`${TOKEN_KEY}__work`)]).toEqual(["", ""]);
    expect(await session.identities()).toEqual([""]);
    await session.ready;
    expect(heard).toEqual([
      ["end", { reason: "forgotten" }],
      ["token", session.token],
      ["start", { id: session.id, created: true }],
    ]);
    expect(session.token).not.toBe(token);
    expect(storage.items.get(TOKEN_KEY)).toBe(first);
    // On the server it stays.
    expect((await node.connect(token)).token).toBe(token);
  });

  test("without `restart` the socket stays out", async () => {
    const { session, socket } = opened(await nodes.node(), device(), { restart: false });
    await session.ready;
    await session.forget();
    expect([socket.active, session.state]).toEqual([false, "ended"]);
    await session.use("work");
    expect(session.state).toBe("open");
    expect(await session.identities()).toEqual(["work"]);
  });

  test("rejects if it cannot be stored, and drops nothing", async () => {
    const storage = new FaultyStorage("async");
    const { session, socket } = opened(await nodes.node(), storage);
    await session.ready;
    const { token } = session;
    storage.failures.write = 1;
    await expect(session.forget()).rejects.toThrow("the write failed");
    expect([session.token, session.state, socket.connected]).toEqual([token, "open", true]);
    await session.forget();
    expect(session.token).toBe("");
  });

  test("drops the token also where the storage, once written, cannot be read", async () => {
    const storage = new FaultyStorage("async");
    const { session } = opened(await nodes.node(), storage);
    await session.ready;
    const { token } = session;
    storage.failures.read = 1;
    await session.forget();
    await session.ready;
    expect(session.token).not.toBe(token);
  });

  test("reaches the sockets of the same key in this page", async () => {
    const node = await nodes.node({
      attach: (sessions, io) => {
        sessions.attach(io);
        sessions.attach(io.of("/chat"));
      },
    });
    const { session, storage, socket } = opened(node);
    await session.ready;
    const chat = socket.io.socket("/chat", {});
    const inChat = tokenSession(chat, { storage, key: TOKEN_KEY });
    await inChat.ready;
    const { token } = session;
    const ended = nextOf(inChat, "end");
    await session.forget();
    expect(await ended).toEqual({ reason: "forgotten" });
    await Promise.all([session.ready, inChat.ready]);
    await until(async () => inChat.token === session.token);
    expect(session.token).not.toBe(token);
    chat.disconnect();
  });

  test("of an identity that has no token yet, before it comes: it gets one, and stays", async () => {
    const storage = new FaultyStorage("async");
    const { session, socket } = opened(await nodes.node(), storage);
    const held = storage.hold("read");
    await held.reached;
    const forgotten = session.forget();
    held.release();
    await Promise.all([forgotten, session.ready]);
    await until(async () => socket.connected && session.state === "open");
    expect(storage.items.get(TOKEN_KEY)).toBe(session.token);
  });
});

test("identities() rejects if the storage cannot be read", async () => {
  const storage = new FaultyStorage("async");
  const { session } = opened(await nodes.node(), storage);
  await session.ready;
  storage.failures.read = 1;
  await expect(session.identities()).rejects.toThrow("the read failed");
});

describe("a switch", () => {
  test("while reading is slow: only the last identity is asked for", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage("async");
    const { session } = opened(node, storage);
    await session.ready;
    const before = await rows();
    const { connections } = watchHandshakes(node.io);
    const held = storage.hold("read");
    const switches = [session.use("one"), session.use("two"), session.use("three")];
    await held.reached;
    held.release();
    await Promise.all(switches);
    expect((await session.identities()).sort()).toEqual(["", "three"]);
    expect(await rows()).toBe(before + 1);
    expect(connections.flat()).toEqual([""]);
  });

  test("while the token of the identity before is being stored: it lands in its own place", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage("async");
    const { session, socket } = opened(node, storage, { identity: "one" });
    const held = storage.hold("write");
    const { token } = await gotToken(socket);
    await held.reached;
    const switched = session.use("two");
    held.release();
    await switched;
    expect(storage.items).toEqual(
      new Map([
        [`${TOKEN_KEY}__one`, token],
        [`${TOKEN_KEY}__two`, session.token],
      ]),
    );
    expect(session.id).not.toBe(token.slice(0, 32));
  });

  test("while the token of the identity before could not be stored: the next one has its own all the same", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage("async");
    const { session, socket } = opened(node, storage);
    await session.ready;
    const { token } = session;
    const held = storage.hold("write");
    const work = session.use("work");
    await held.reached;
    storage.failures.write = 1;
    const failed = nextOf(session, "error");
    const back = session.use("");
    held.release();
    await failed;
    await Promise.all([work, back]);
    expect(session.token).toBe(token);
    expect(storage.items.get(TOKEN_KEY)).toBe(token);
    expect(socket.connected).toBe(true);
  });

  test("while disconnected by the app", async () => {
    const { session, socket } = opened(await nodes.node());
    await session.ready;
    const { id } = session;
    socket.disconnect();
    await session.use("work");
    expect(session.id).not.toBe(id);
    socket.disconnect();
    await session.use("");
    expect(session.id).toBe(id);
  });

  test("while the connection is away", async () => {
    const node = await nodes.node();
    const { session, socket } = opened(node);
    await session.ready;
    const gone = next(socket, "disconnect");
    socket.io.engine.close();
    await gone;
    const { id } = session;
    await session.use("work");
    expect(session.id).not.toBe(id);
    expect(serverSideOf(node.io, socket).session.id).toBe(session.id);
  });
});
