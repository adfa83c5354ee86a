import { beforeEach, describe, expect, test } from "@jest/globals";
import { type ClientOptions, tokenSession } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { gate, type Node, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken } from "../../support/servers/server.js";

// A token that an older version of the app kept elsewhere is moved, once.

const nodes = useNodes();
const OLD_KEY = "old";
let node: Node;
let token: string;
beforeEach(async () => {
  node = await nodes.node();
  ({ token } = await node.connect());
});

function opened(storage: FaultyStorage, options: ClientOptions) {
  const socket = node.client();
  const session = tokenSession(socket, { storage, key: TOKEN_KEY, ...options });
  return { socket, session, heard: hear(session) };
}

describe.each<[string, (storage: FaultyStorage) => [FaultyStorage, string]]>([
  ["of another key", (storage) => [storage, OLD_KEY]],
  ["of another storage", () => [new FaultyStorage("async"), TOKEN_KEY]],
  ["of another storage and key", () => [new FaultyStorage("async"), OLD_KEY]],
])("the token %s", (_, place) => {
  let storage: FaultyStorage;
  let from: FaultyStorage;
  let key: string;
  let migrateFrom: NonNullable<ClientOptions["migrateFrom"]>;
  beforeEach(() => {
    storage = new FaultyStorage("async");
    [from, key] = place(storage);
    from.items.set(key, token);
    migrateFrom = {
      ...(from !== storage && { storage: from }),
      ...(key !== TOKEN_KEY && { key }),
    };
  });

  test("is moved, once", async () => {
    const { session, socket } = opened(storage, { migrateFrom });
    await session.ready;
    expect([session.token, storage.items.get(TOKEN_KEY)]).toEqual([token, token]);
    expect(from.items.has(key)).toBe(false);
    // What is put there later is left alone.
    from.items.set(key, "x".repeat(32));
    const message = gotToken(socket);
    socket.io.engine.close();
    expect(await message).toMatchObject({ token, errors: "" });
    expect(from.items.get(key)).toBe("x".repeat(32));
  });

  test("is not moved over one that is there", async () => {
    const present = (await node.connect()).token;
    storage.items.set(TOKEN_KEY, present);
    const { session } = opened(storage, { migrateFrom });
    await session.ready;
    expect(session.token).toBe(present);
    expect([storage.items.get(TOKEN_KEY), from.items.get(key)]).toEqual([present, token]);
  });

  test("is not moved over one that was forgotten", async () => {
    storage.items.set(TOKEN_KEY, "");
    const { session } = opened(storage, { migrateFrom });
    await session.ready;
    expect(session.token).not.toBe(token);
    expect(from.items.get(key)).toBe(token);
  });

  test("is waited for while it cannot be read", async () => {
    from.failures.read = Number.POSITIVE_INFINITY;
    const before = await nodes.database.rows("select sessionId from session");
    const { session } = opened(storage, { migrateFrom });
    for (let count = 0; count < 2; count++) {
      expect(await nextOf(session, "error")).toMatchObject({ code: "storage" });
      expect(session.state).toBe("waiting");
    }
    from.failures.read = 0;
    await session.ready;
    expect(session.token).toBe(token);
    expect(await nodes.database.rows("select sessionId from session")).toHaveLength(before.length);
  });

  test("stays where it was while it cannot be written", async () => {
    storage.failures.write = 1;
    const { session, socket, heard } = opened(storage, { migrateFrom });
    await session.ready;
    expect([session.token, storage.items.get(TOKEN_KEY), from.items.get(key)]).toEqual([
      token,
      undefined,
      token,
    ]);
    expect(heard).toContainEqual(["error", expect.objectContaining({ code: "storage" })]);
    const message = gotToken(socket);
    socket.io.engine.close();
    expect(await message).toMatchObject({ token, errors: "" });
    await serverSideOf(node.io, socket).session.login("ada");
    expect([storage.items.get(TOKEN_KEY), from.items.get(key)]).toEqual([session.token, undefined]);
  });

  test("that is dead gives way to a new session, and is cleared away", async () => {
    await node.sessions.destroy(token.slice(0, 32));
    const { session, heard } = opened(storage, { migrateFrom });
    await session.ready;
    expect(session.token).not.toBe(token);
    expect([storage.items.get(TOKEN_KEY), from.items.get(key)]).toEqual([session.token, undefined]);
    expect(heard).toEqual([
      ["token", token],
      ["end", { reason: "Session Not Found" }],
      ["token", session.token],
      ["start", { id: session.id, created: true }],
    ]);
  });

  test("is moved to the identity that the page began with, and to no other", async () => {
    const { session } = opened(storage, { migrateFrom, identity: "work" });
    await session.ready;
    expect([session.token, storage.items.get(`${TOKEN_KEY}__work`)]).toEqual([token, token]);
    from.items.set(key, "x".repeat(32));
    await session.use("home");
    expect(session.token).not.toBe(token);
    expect(from.items.get(key)).toBe("x".repeat(32));
  });

  test("that cannot be removed there: another tab's newer token still counts", async () => {
    from.failures.removal = Number.POSITIVE_INFINITY;
    const { session, socket } = opened(storage, { migrateFrom });
    await session.ready;
    expect(storage.items.get(TOKEN_KEY)).toBe(token);
    const newer = (await node.connect()).token;
    storage.items.set(TOKEN_KEY, newer);
    const message = gotToken(socket);
    socket.io.engine.close();
    expect(await message).toMatchObject({ token: newer });
    expect(storage.items.get(TOKEN_KEY)).toBe(newer);
  });
});

test("where the old place cannot be cleared, a login works all the same", async () => {
  const storage = new FaultyStorage("async");
  const from = new FaultyStorage("async", new Map([[OLD_KEY, token]]));
  from.failures.removal = Number.POSITIVE_INFINITY;
  const { session, socket } = opened(storage, { migrateFrom: { storage: from, key: OLD_KEY } });
  await session.ready;
  await serverSideOf(node.io, socket).session.login("ada");
  expect(storage.items.get(TOKEN_KEY)).toBe(session.token);
  expect(session.token).not.toBe(token);
});

test("nothing there: a first visit", async () => {
  const storage = new FaultyStorage();
  const { session } = opened(storage, { migrateFrom: { key: OLD_KEY } });
  await session.ready;
  expect([...storage.items]).toEqual([[TOKEN_KEY, session.token]]);
});

describe("a storage that is its own old place", () => {
  test("keeps its token", async () => {
    const storage = new FaultyStorage();
    const first = opened(storage, { migrateFrom: { storage } });
    await first.session.ready;
    expect(storage.items.get(TOKEN_KEY)).toBe(first.session.token);
    const again = opened(storage, { migrateFrom: { storage } });
    await again.session.ready;
    expect(again.session.id).toBe(first.session.id);
  });
});

describe("a token in an old place", () => {
  test("stays there when another identity is taken before it is stored", async () => {
    const from = new FaultyStorage();
    from.items.set(OLD_KEY, token);
    const { opened: letIn, open } = gate();
    let isFirst = true;
    node.io.use((_, enter) => {
      if (isFirst) void letIn.then(() => enter());
      else enter();
      isFirst = false;
    });
    const { session } = opened(new FaultyStorage(), { migrateFrom: { storage: from, key: OLD_KEY } });
    await nextOf(session, "token");
    await session.use("work");
    open();
    expect(from.items.get(OLD_KEY)).toBe(token);
    await session.use("");
    expect(session.token).toBe(token);
  });

  test("is not taken up after forget(), although nothing was held yet", async () => {
    const from = new FaultyStorage();
    from.items.set(OLD_KEY, token);
    const socket = node.client({ autoConnect: false });
    const storage = new FaultyStorage();
    const session = tokenSession(socket, {
      storage,
      key: TOKEN_KEY,
      migrateFrom: { storage: from, key: OLD_KEY },
    });
    await session.forget();
    socket.connect();
    await session.ready;
    expect(session.token).not.toBe(token);
  });
});
