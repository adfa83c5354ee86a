import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Socket as ServerSocket } from "socket.io";
import { type ClientSession, tokenSession } from "../../../client/index.js";
import { memoryStore } from "../../../src/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { type ClientProxy, startClientProxy } from "../../support/clients/client-proxy.js";
import { device, TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { HandClock } from "../../support/clock.js";
import { type Node, outcome, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// Answers that are lost, come twice, come late, or say nothing.

const nodes = useNodes();
const CONFIRM_TIMEOUT_MS = 10_000;

const stored = (storage: { items: Map<string, string> }) => storage.items.get(TOKEN_KEY);

describe("between the server and the client", () => {
  let proxy: ClientProxy;
  afterEach(() => proxy.close());

  async function start() {
    const clock = new HandClock();
    const node = await nodes.node({ options: { clock } });
    proxy = await startClientProxy(node.port);
    const storage = device();
    const { io: manager } = node.client({ autoConnect: false });
    Object.assign(manager, { uri: proxy.url });
    const socket = manager.socket("/", {});
    const session = tokenSession(socket.connect(), { storage, key: TOKEN_KEY });
    await session.ready;
    return { clock, node, storage, socket, session, handle: () => serverSideOf(node.io, socket).session };
  }

  test.each([{ cut: true }, { cut: false }])("reply lost (%j): the old token stays good", async ({ cut }) => {
    const { clock, socket, session, storage, handle } = await start();
    const { token } = session;
    const lost = proxy.loseReply({ cut });
    const login = outcome(handle().login("ada"));
    await lost;
    if (!cut) clock.advance(CONFIRM_TIMEOUT_MS);
    expect(await login).toBe("SESSION_NOT_CONFIRMED");
    expect([session.token, stored(storage)]).toEqual([token, token]);
    const message = gotToken(socket);
    if (!cut) socket.io.engine.close();
    expect(await message).toMatchObject({ token, errors: "" });
    await handle().login("ada");
    expect(stored(storage)).toBe(session.token);
    expect(session.token).not.toBe(token);
  });

  test.each([{ cut: true }, { cut: false }])(
    "confirmation lost (%j): the new token is held, and good",
    async ({ cut }) => {
      const { clock, socket, session, storage, handle } = await start();
      const { token } = session;
      const lost = proxy.loseConfirmation({ cut });
      const login = outcome(handle().login("ada"));
      await lost;
      if (!cut) clock.advance(CONFIRM_TIMEOUT_MS);
      expect(await login).toBe("SESSION_NOT_CONFIRMED");
      const renewed = stored(storage);
      expect(renewed).not.toBe(token);
      const message = gotToken(socket);
      if (!cut) socket.io.engine.close();
      expect(await message).toMatchObject({ token: renewed, errors: "" });
      expect([session.token, stored(storage)]).toEqual([renewed, renewed]);
      await handle().login("ada");
      expect(handle().userId).toBe("ada");
    },
  );
});

async function started(node: Node) {
  const storage = new FaultyStorage();
  const socket = node.client();
  const session = tokenSession(socket, { storage, key: TOKEN_KEY });
  await session.ready;
  return { storage, socket, session, side: serverSideOf(node.io, socket) };
}

/** Resolves when the client has worked on all that it was sent before. */
async function settled(session: ClientSession, side: ServerSocket): Promise<void> {
  const token = `${session.id}.${"z".repeat(43)}`;
  const held = new Promise<void>((resolve) => {
    const stop = session.on("token", (now) => {
      if (now !== token) return;
      stop();
      resolve();
    });
  });
  side.emit("gotToken", { token, errors: "" });
  await held;
}

describe("by hand", () => {
  test("a gotToken that comes twice is confirmed twice, and starts one session", async () => {
    const { session, side, storage } = await started(await nodes.node());
    const heard = hear(session);
    const token = `${session.id}.${"a".repeat(43)}`;
    const message = { token, errors: "" };
    const once = side.emitWithAck("gotToken", message);
    await Promise.all([once, side.emitWithAck("gotToken", message)]);
    expect([session.token, stored(storage)]).toEqual([token, token]);
    expect(heard).toEqual([["token", token]]);
  });

  test("a late answer with the token just replaced changes nothing, and is not confirmed", async () => {
    const { session, side, storage } = await started(await nodes.node());
    const old = session.token;
    await side.session.regenerate();
    const renewed = session.token;
    const heard = hear(session);
    let confirmed = false;
    side.emit("gotToken", { token: old, errors: "", created: false }, () => {
      confirmed = true;
    });
    await settled(session, side);
    expect(heard.map(([, content]) => content)).toEqual([session.token]);
    expect([renewed, confirmed]).not.toContain(session.token);
    expect(stored(storage)).not.toBe(old);
  });

  test("a gotToken of an older connection, handled late, is not stored, and not confirmed on the new one", async () => {
    const node = await nodes.node();
    const { session, side, socket, storage } = await started(node);
    const { token } = session;
    const acknowledged: unknown[] = [];
    const held = storage.hold("read");
    const stale = `${session.id}.${"b".repeat(43)}`;
    side.emit("gotToken", { token: stale, errors: "" }, () => acknowledged.push("old"));
    await held.reached;
    const connected = next(socket.io, "open");
    socket.io.engine.close();
    await connected;
    node.io.engine.on("connection", () => acknowledged.push("another connection"));
    const message = gotToken(socket);
    held.release();
    expect(await message).toMatchObject({ token, errors: "" });
    const now = serverSideOf(node.io, socket);
    now.conn.on("packet", ({ data }: { data?: string }) => {
      if (data?.startsWith("43")) acknowledged.push("new");
    });
    await settled(session, now);
    expect(acknowledged).toEqual([]);
  });

  test("a token is stored over the one presented only: another one is presented instead", async () => {
    const node = await nodes.node();
    const { session, side, socket, storage } = await started(node);
    const other = await started(node);
    storage.items.set(TOKEN_KEY, other.session.token);
    const message = gotToken(socket);
    let confirmed = false;
    side.emit("gotToken", { token: `${session.id}.${"c".repeat(43)}`, errors: "" }, () => {
      confirmed = true;
    });
    await message;
    expect(await gotToken(socket)).toMatchObject({ token: other.session.token, created: false });
    await settled(session, side);
    expect(confirmed).toBe(false);
    expect(side.session.id).toBe(other.session.id);
  });
});

describe("a server that answers with no token", () => {
  const ANSWERS: [string, unknown][] = [
    ["{}", {}],
    ["undefined", undefined],
    ["null", null],
    ["a text", "token"],
    ["{token: 7}", { token: 7 }],
    ['{token: ""}', { token: "", errors: "Busy" }],
  ];
  /** All at once, since each takes its six seconds. */
  const trials = new Map<string, ReturnType<typeof ask>>();
  let server: TestServer;

  async function ask(wrong: unknown) {
    const storage = new FaultyStorage();
    const socket = server.client({ query: { wrong: JSON.stringify(wrong) ?? "" } });
    const session = tokenSession(socket, { storage, key: TOKEN_KEY });
    const heard = hear(session);
    const error = await nextOf(session, "error");
    const { state } = session;
    const first = { error, state, items: [...storage.items], token: session.token };
    await session.ready;
    return { first, heard, session, storage };
  }

  beforeAll(async () => {
    server = await startServer({
      options: { store: memoryStore() },
      attach: (_sessions, io) =>
        io.on("connection", (socket) => {
          const { wrong } = socket.handshake.query;
          socket.emit("gotToken", wrong ? JSON.parse(String(wrong)) : undefined);
          socket.on("getToken", ({ token }: { token: string }) =>
            socket.emit("gotToken", { token: `${token}given`, errors: "", created: true }),
          );
        }),
    });
    for (const [name, wrong] of ANSWERS) {
      const trial = ask(wrong);
      trial.catch(() => {});
      trials.set(name, trial);
    }
  });
  afterAll(() => server.close());

  test.each(ANSWERS)("%s: nothing is stored, and it is asked again", async (name) => {
    const trial = await trials.get(name);
    expect(trial?.first).toMatchObject({
      error: { code: "server" },
      state: "waiting",
      items: [],
      token: "",
    });
    expect(trial?.heard.map(([event]) => event)).toEqual(["error", "token", "start"]);
    expect(trial && stored(trial.storage)).toBe("given");
  });

  test("the server's words are the cause", async () => {
    expect((await trials.get('{token: ""}'))?.first.error).toMatchObject({ cause: "Busy" });
  });
});
