import { beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { ClientOptions } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { watchHandshakes } from "../../support/clients/packets.js";
import { gate, type Node, until, useNodes } from "../../support/servers/nodes.js";
import { gotToken, next } from "../../support/servers/server.js";

// Events of the page, in a program that has them. How browsers send them is tested in test/browser.

const nodes = useNodes();
const TOKEN_KEY = "token";
/** Longer than a test may take: only what the page tells makes the client come back earlier. */
const NEVER_MS = 600_000;
/** The page, which the client looks for when it is loaded: so not by an `import` above. */
const page = new EventTarget();
Object.assign(globalThis, { addEventListener: page.addEventListener.bind(page) });
let tokenSession: typeof import("../../../client/index.js").tokenSession;
beforeAll(async () => {
  ({ tokenSession } = await import("../../../client/index.js"));
});

const patient = (node: Node) => node.client({ reconnectionDelay: NEVER_MS, reconnectionDelayMax: NEVER_MS });

/** Another tab has stored something. */
function tell(storageArea: FaultyStorage, key: string, newValue: string | null): void {
  if (newValue === null) storageArea.items.delete(key);
  else storageArea.items.set(key, newValue);
  page.dispatchEvent(Object.assign(new Event("storage"), { storageArea, key, newValue }));
}

function opened(node: Node, options: ClientOptions & { storage?: FaultyStorage } = {}) {
  const { storage = new FaultyStorage(), ...others } = options;
  const socket = patient(node);
  const session = tokenSession(socket, { storage, key: TOKEN_KEY, ...others });
  return { socket, session, storage, heard: hear(session) };
}

describe("comes back at once when the page tells that the network is there", () => {
  test.each<[string, (node: Node) => Promise<ReturnType<typeof patient>>]>([
    ["right after io(url)", async (node) => patient(node)],
    [
      "when the connection is open, and the namespace not yet joined",
      async (node) => {
        const socket = patient(node);
        await next(socket.io, "open");
        return socket;
      },
    ],
    [
      "when connected already",
      async (node) => {
        const socket = patient(node);
        await next(socket, "connect");
        return socket;
      },
    ],
  ])("called %s", async (_, make) => {
    const node = await nodes.node();
    const socket = await make(node);
    const session = tokenSession(socket, { storage: new FaultyStorage() });
    await session.ready;
    const gone = next(socket, "disconnect");
    socket.io.engine.close();
    await gone;
    const message = gotToken(socket);
    page.dispatchEvent(new Event("online"));
    expect(await message).toMatchObject({ token: session.token, created: false });
  });

  test("but not where the application has disconnected it", async () => {
    const node = await nodes.node();
    const { socket, session } = opened(node);
    await session.ready;
    socket.disconnect();
    page.dispatchEvent(new Event("online"));
    // Somebody else connects meanwhile.
    await node.connect();
    expect(socket.active).toBe(false);
  });
});

describe("what another tab stores", () => {
  test("another token is presented", async () => {
    const node = await nodes.node();
    const { token } = await node.connect();
    const { socket, session, storage } = opened(node);
    await session.ready;
    const message = gotToken(socket);
    tell(storage, TOKEN_KEY, token);
    expect(await message).toMatchObject({ token });
    expect(session.token).toBe(token);
  });

  test("a token that cannot be read is told as an error, and changes nothing", async () => {
    const { session, storage, heard } = opened(await nodes.node());
    await session.ready;
    heard.length = 0;
    const { token } = session;
    const failed = nextOf(session, "error");
    storage.failures.read = 1;
    tell(storage, TOKEN_KEY, "x".repeat(32));
    expect(await failed).toEqual({ code: "storage", cause: new Error("the read failed") });
    expect([heard.length, session.state, session.token]).toEqual([1, "open", token]);
  });

  test('"" ends the session here too, and one begins anew', async () => {
    const { session, storage, heard } = opened(await nodes.node());
    await session.ready;
    const ended = nextOf(session, "end");
    tell(storage, TOKEN_KEY, "");
    expect(await ended).toEqual({ reason: "forgotten" });
    await session.ready;
    expect(heard.map(([name]) => name)).toEqual(["token", "start", "end", "token", "start"]);
  });

  test("nothing, another key, another storage: changes nothing", async () => {
    const { socket, session, storage, heard } = opened(await nodes.node());
    await session.ready;
    heard.length = 0;
    const { id } = socket;
    const { token } = session;
    tell(storage, TOKEN_KEY, null);
    tell(storage, `${TOKEN_KEY}__work`, "x".repeat(32));
    tell(new FaultyStorage(), TOKEN_KEY, "x".repeat(32));
    const message = gotToken(socket);
    socket.emit("getToken", { token });
    await message;
    expect([heard, socket.id, session.token]).toEqual([[], id, token]);
  });

  test("a token wakes a socket whose session has ended, where `restart` is off", async () => {
    const node = await nodes.node();
    const { token } = await node.connect();
    const { socket, session, storage } = opened(node, { restart: false });
    await session.ready;
    const gone = next(socket, "disconnect");
    await node.sessions.destroy(session.id);
    await gone;
    expect(socket.active).toBe(false);
    tell(storage, TOKEN_KEY, token);
    await session.ready;
    expect(session.token).toBe(token);
  });

  test("a socket that the application has disconnected stays out", async () => {
    const node = await nodes.node();
    const { token } = await node.connect();
    const { socket, session, storage } = opened(node);
    await session.ready;
    socket.disconnect();
    tell(storage, TOKEN_KEY, token);
    tell(storage, TOKEN_KEY, "");
    await node.connect();
    expect(socket.active).toBe(false);
  });

  test("a socket that is on its way already is not connected twice", async () => {
    const { opened: letIn, open } = gate();
    let isGuarded = false;
    const node = await nodes.node({
      handlers: (io) =>
        io.use(async (_socket, go) => {
          if (isGuarded) await letIn;
          go();
        }),
    });
    const { token } = await node.connect();
    const { connections } = watchHandshakes(node.io);
    // Without the pause after an end.
    const random = jest.spyOn(Math, "random").mockReturnValue(0);
    try {
      const { socket, session, storage } = opened(node);
      await session.ready;
      isGuarded = true;
      await node.sessions.destroy(session.id);
      await until(async () => connections[1]?.length === 1);
      tell(storage, TOKEN_KEY, token);
      open();
      await session.ready;
      await until(async () => session.token === token && session.state === "open");
      await socket.emitWithAck("getToken", { token });
      expect(connections).toEqual([[""], [""]]);
    } finally {
      random.mockRestore();
    }
  });
});
