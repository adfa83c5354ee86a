import { describe, expect, test } from "@jest/globals";
import { type ClientOptions, tokenSession } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { addApp } from "../../support/http/http-apps.js";
import { type Node, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";

// What the application does before something that it has begun, or heard of, is over.

const nodes = useNodes();
const WORK = `${TOKEN_KEY}__work`;

function opened(node: Node, options: ClientOptions = {}, storage = new FaultyStorage("async")) {
  const socket = node.client();
  const session = tokenSession(socket, { storage, key: TOKEN_KEY, ...options });
  return { socket, session, storage, heard: hear(session) };
}

/** A device that has a session as "work" too, and is back at the first. */
async function both(node: Node) {
  const device = opened(node);
  const { session } = device;
  await session.ready;
  await session.use("work");
  const { token } = session;
  await session.use("");
  return { ...device, work: token };
}

/** Lets all timers that are due have their turn, and what they have begun. */
async function turns(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe("use(), at once", () => {
  test("after forget(): that drops the token of the identity it was called for", async () => {
    const { session, storage, work } = await both(await nodes.node());
    const forgotten = session.forget();
    await session.use("work");
    await forgotten;
    expect(storage.items).toEqual(
      new Map([
        [TOKEN_KEY, ""],
        [WORK, work],
      ]),
    );
    expect([session.token, session.state]).toEqual([work, "open"]);
  });

  test("after an end, while its token is being removed: nothing of the next identity is", async () => {
    const node = await nodes.node();
    const { session, storage, work } = await both(node);
    const ended = nextOf(session, "end");
    const held = storage.hold("read");
    await node.sessions.destroy(session.id);
    await ended;
    await held.reached;
    const used = session.use("work");
    held.release();
    await used;
    expect(storage.items).toEqual(new Map([[WORK, work]]));
    expect(session.token).toBe(work);
  });
});

describe("a socket that the application disconnects stays out", () => {
  test("where it does so in its listener for the end that forget() makes", async () => {
    const { session, socket } = opened(await nodes.node());
    await session.ready;
    session.on("end", () => void socket.disconnect());
    await session.forget();
    await turns();
    expect([socket.active, session.state]).toEqual([false, "ended"]);
  });

  test("where it does so right after use()", async () => {
    const { session, socket } = opened(await nodes.node());
    await session.ready;
    const used = session.use("work");
    const states: string[] = [];
    session.on("state", ({ state }) => states.push(state));
    socket.disconnect();
    await turns();
    expect([socket.active, session.state, ...states]).toEqual([false, "ended", "ended"]);
    socket.connect();
    await used;
    expect(await session.identities()).toContain("work");
  });
});

describe("session.fetch, waiting for a first token,", () => {
  const WORDS = '{"active":false}';

  test("goes out without one where the application refuses the socket", async () => {
    const node = await nodes.node({
      handlers: (io) => io.use((_, enter) => enter(new Error("not now"))),
    });
    await addApp("Express", node, async ({ active }) => ({ active }));
    const { session } = opened(node);
    const response = await session.fetch(`${node.url}/login`);
    expect([await response.text(), session.state]).toEqual([WORDS, "ended"]);
  });

  test("goes out without one where the application disconnects the socket", async () => {
    const node = await nodes.node();
    await addApp("Express", node, async ({ active }) => ({ active }));
    const { session, socket, storage } = opened(node);
    const held = storage.hold("read");
    await held.reached;
    const fetched = session.fetch(`${node.url}/login`);
    socket.disconnect();
    held.release();
    expect(await (await fetched).text()).toBe(WORDS);
  });
});

test("session.fetch that has logged in gives its answer, though its token cannot be read and the connection is lost then", async () => {
  const node = await nodes.node();
  await addApp("Express", node, async (session) => {
    await session.login("ada");
    return session.userId;
  });
  const { session, socket, storage } = opened(node);
  await session.ready;
  const { id } = session;
  const failed = nextOf(session, "error");
  storage.failures.read = 2;
  // The second one comes after a pause that the connection does not outlive.
  session.on("error", () => socket.io.engine.close());
  const response = await session.fetch(`${node.url}/login`);
  expect(await response.json()).toBe("ada");
  expect(await failed).toMatchObject({ code: "storage" });
  await until(async () => session.state === "open");
  expect([session.id, serverSideOf(node.io, socket).session.userId]).toEqual([id, "ada"]);
});

test("a listener that has been stopped is not called any more, whatever had happened by then", async () => {
  const { session, socket } = opened(await nodes.node());
  await session.ready;
  const heard: string[] = [];
  const stop = session.on("state", ({ state }) => heard.push(`stopped ${state}`));
  session.on("state", ({ state }) => heard.push(state));
  socket.disconnect();
  stop();
  await turns();
  expect(heard).toEqual(["ended"]);
});

test("a session of the old package starts once, though its id is known from a login on", async () => {
  const node = await nodes.node({ options: { legacyTokens: true } });
  const old = "5f4dcc3b5aa765d61d8327deb882cf99";
  await nodes.database.rows(
    "insert into session (sessionId, expires, data, revision) values (?, unix_timestamp() + 1000, '{}', 1)",
    [old],
  );
  const { session, heard, socket } = opened(
    node,
    {},
    new FaultyStorage("async", new Map([[TOKEN_KEY, old]])),
  );
  await session.ready;
  await serverSideOf(node.io, socket).session.login("ada");
  expect(session.id).toMatch(/^[0-9a-f]{32}$/);
  expect(heard).toEqual([
    ["token", old],
    ["start", { id: "", created: false }],
    ["token", session.token],
  ]);
});
