import { afterEach, describe, expect, test } from "@jest/globals";
import type { Socket as ServerSocket } from "socket.io";
import { tokenSession } from "../../../client/index.js";
import { memoryStore } from "../../../src/index.js";
import { hear } from "../../support/clients/client-events.js";
import { device, TOKEN_KEY } from "../../support/clients/device.js";
import { type Node, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, startServer, type TestServer } from "../../support/servers/server.js";

// Each presentation has its number, and what the server sends says which one it is about.

const nodes = useNodes();
const DEAD = `${"0".repeat(32)}.${"d".repeat(43)}`;

async function started(node: Node) {
  const storage = device();
  const socket = node.client();
  const session = tokenSession(socket, { storage, key: TOKEN_KEY });
  await session.ready;
  const side = serverSideOf(node.io, socket);
  const confirmed: string[] = [];
  /** Something that a server sends by an earlier presentation. */
  const send = (token: string, more: { nth?: number; created?: true }) =>
    side.emit("gotToken", { token, errors: "", ...more }, () => confirmed.push(token));
  return { storage, socket, session, side, send, confirmed, stored: () => storage.items.get(TOKEN_KEY) };
}

/** How many tokens a connected client has presented from now on. */
function presentations(side: ServerSocket): () => number {
  let count = 0;
  side.conn.on("packet", ({ data }: { data?: unknown }) => {
    if (String(data).includes('["getToken"')) count++;
  });
  return () => count;
}

test("of two sessions that were made in place of one token, a client goes on with the last, as its socket does", async () => {
  const node = await nodes.node();
  const { storage, socket, session, side, stored } = await started(node);
  const heard = hear(session);
  const presented = presentations(side);
  const administrator = await nodes.administrator();
  await administrator.query("lock tables session write");
  storage.items.set(TOKEN_KEY, DEAD);
  for (const count of [1, 2]) {
    side.emit("tokenChanged", {});
    await until(async () => presented() === count);
  }
  const first = gotToken(socket);
  await administrator.query("unlock tables");
  const { token: left } = await first;
  await until(async () => session.state === "open");
  expect(stored()).toBe(session.token);
  expect(session.token).not.toBe(left);
  expect(side.session.id).toBe(session.id);
  expect(heard.filter(([name]) => name === "start")).toEqual([["start", { id: session.id, created: true }]]);
});

describe("what is sent by an earlier presentation", () => {
  /** A client that has taken up the token of another session since. */
  async function switched() {
    const node = await nodes.node();
    const client = await started(node);
    const other = await started(node);
    const before = client.session.token;
    client.storage.items.set(TOKEN_KEY, other.session.token);
    const message = gotToken(client.socket);
    client.side.emit("tokenChanged", {});
    expect(await message).toMatchObject({ token: other.session.token, nth: 2 });
    return { ...client, before, other };
  }

  test.each([
    ["a new session", { nth: 1, created: true }],
    ["a new token", { nth: 1 }],
  ] as const)("%s is neither stored nor confirmed, if another token was presented", async (_, more) => {
    const { session, side, send, confirmed, stored, before, other } = await switched();
    send(`${before.slice(0, 33)}${"n".repeat(43)}`, more);
    // Comes after it.
    await side.session.regenerate();
    expect([confirmed, session.id, stored()]).toEqual([[], other.session.id, session.token]);
  });

  test("a new token is, if it was the same one", async () => {
    const { session, socket, send, confirmed, stored } = await started(await nodes.node());
    const token = `${session.id}.${"n".repeat(43)}`;
    // It comes when the token held has been read, and presented again.
    const presented = new Promise<void>((resolve) => {
      socket.onAnyOutgoing((event) => event === "getToken" && resolve());
    });
    session.resume();
    await presented;
    send(token, { nth: 1 });
    expect(await gotToken(socket)).toMatchObject({ nth: 1 });
    expect(await gotToken(socket)).toMatchObject({ nth: 2 });
    await until(async () => confirmed.includes(token));
    expect([session.token, stored()]).toEqual([token, token]);
  });
});

describe("the server", () => {
  test("says of each answer and each new token which presentation it is about", async () => {
    const node = await nodes.node();
    const socket = node.client({ auth: { token: "", confirm: true, nth: 7 } });
    const first = await gotToken(socket);
    expect(first).toMatchObject({ created: true, nth: 7 });
    const { token } = first;
    expect(serverSideOf(node.io, socket).handshake.auth).toEqual({ confirm: true });
    expect(await socket.emitWithAck("getToken", { token, nth: 9 })).toMatchObject({ created: false, nth: 9 });
    const offered = new Promise((resolve) =>
      socket.once("gotToken", (message, confirm) => {
        confirm();
        resolve(message);
      }),
    );
    await serverSideOf(node.io, socket).session.login("ada");
    expect(await offered).toEqual({ token: expect.any(String), errors: "", nth: 9 });
  });

  test("sends a new token for the last presentation, however that was looked at", async () => {
    const node = await nodes.node();
    const { session, socket, side } = await started(node);
    // The row is read anew for the second, and verified for the third.
    await nodes.database.rows("update session set revision = revision + 1 where sessionId = ?", [session.id]);
    for (const nth of [2, 3]) {
      await until(async () => session.state === "open");
      const message = gotToken(socket);
      session.resume();
      expect(await message).toMatchObject({ nth });
    }
    await side.session.login("ada");
    expect(side.session.userId).toBe("ada");
  });

  test.each([[undefined], ["7"], [1.5], [null], [2 ** 60]])(
    "numbers nothing for a client that sends %p",
    async (nth) => {
      const node = await nodes.node();
      const socket = node.client({ auth: { token: "", nth } });
      const first = await gotToken(socket);
      expect(first).not.toHaveProperty("nth");
      const offered = gotToken(socket);
      await serverSideOf(node.io, socket).session.login("ada");
      expect(await offered).toEqual({ token: expect.any(String), errors: "" });
    },
  );
});

describe("a server that does not number", () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  test("is believed in all that it sends for the token held", async () => {
    const first = `${"1".repeat(32)}.${"a".repeat(43)}`;
    const next = `${"1".repeat(32)}.${"b".repeat(43)}`;
    server = await startServer({
      options: { store: memoryStore() },
      attach: (_sessions, io) =>
        io.on("connection", (socket) => {
          socket.emit("gotToken", { token: first, errors: "", created: true }, () => {
            // Late, to what was presented before: of no interest.
            const late = () => socket.emit("gotToken", { token: first, errors: "", created: false });
            socket.emit("gotToken", { token: next, errors: "" }, late);
          });
          socket.on("getToken", ({ token }, answer) => {
            socket.emit("gotToken", { token, errors: "", created: false });
            answer?.({ token });
          });
        }),
    });
    const storage = device();
    const socket = server.client();
    const session = tokenSession(socket, { storage, key: TOKEN_KEY });
    await until(async () => storage.items.get(TOKEN_KEY) === next);
    const message = gotToken(socket);
    await message;
    expect([session.token, session.state]).toEqual([next, "open"]);
    const again = gotToken(socket);
    session.resume();
    expect(await again).toEqual({ token: next, errors: "", created: false });
    await until(async () => session.state === "open");
    expect([session.token, storage.items.get(TOKEN_KEY)]).toEqual([next, next]);
  });
});
