import { describe, expect, test } from "@jest/globals";
import { type ClientOptions, type SessionState, tokenSession } from "../../../client/index.js";
import { nextOf } from "../../support/clients/client-events.js";
import { TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { type Node, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { next } from "../../support/servers/server.js";

// The event `state`: each change, once, with what was before. A page that listens to it need not look.

const nodes = useNodes();

function opened(node: Node, { io = {}, ...options }: ClientOptions & { io?: object } = {}) {
  const socket = node.client(io);
  const storage = new FaultyStorage();
  const session = tokenSession(socket, { storage, key: TOKEN_KEY, ...options });
  const states: SessionState[] = [session.state];
  session.on("state", ({ state, previous }) => {
    expect(previous).toBe(states.at(-1));
    states.push(state);
  });
  /** Resolves when it has this state, and its listeners have heard. */
  const has = (state: SessionState) => until(async () => states.at(-1) === state && session.state === state);
  /** What it had since the last call, with the state of then. */
  const passed = () => states.splice(0, states.length - 1).concat(states);
  return { socket, session, storage, states, has, passed };
}

test("a first visit, a loss, a comeback, an end with a fresh session, another identity, in front again", async () => {
  const node = await nodes.node();
  const { socket, session, has, passed } = opened(node);
  await has("open");
  expect(passed()).toEqual(["waiting", "opening", "open"]);

  const lost = next(socket, "disconnect");
  socket.io.engine.close();
  await lost;
  await has("open");
  expect(passed()).toEqual(["open", "waiting", "opening", "open"]);

  const gone = next(socket, "disconnect");
  await node.sessions.destroy(session.id);
  await gone;
  await has("open");
  expect(passed()).toEqual(["open", "waiting", "opening", "open"]);

  await session.use("work");
  await has("open");
  expect(passed()).toEqual(["open", "waiting", "opening", "open"]);

  await session.forget();
  await session.ready;
  await has("open");
  expect(passed()).toEqual(["open", "waiting", "opening", "open"]);

  session.resume();
  await has("open");
  expect(passed()).toEqual(["open", "opening", "open"]);
});

test("an end without a fresh session, and what follows `connect()`", async () => {
  const node = await nodes.node();
  const { socket, session, states, has } = opened(node, { restart: false });
  await has("open");
  await node.sessions.destroy(session.id);
  await has("ended");
  socket.connect();
  await has("open");
  expect(states).toEqual(["waiting", "opening", "open", "ended", "waiting", "opening", "open"]);
});

describe("what Socket.IO says nothing of", () => {
  test("a socket that the application connects, and disconnects before there is a connection", async () => {
    const node = await nodes.node();
    await node.close();
    const { socket, session, states, has } = opened(node, { io: { autoConnect: false } });
    expect([session.state, states]).toEqual(["ended", ["ended"]]);
    socket.connect();
    await has("waiting");
    socket.disconnect();
    await has("ended");
    socket.open();
    await has("waiting");
    socket.close();
    await has("ended");
    expect(states).toEqual(["ended", "waiting", "ended", "waiting", "ended"]);
  });

  test("one that is disconnected while its token is on the way", async () => {
    const { socket, storage, has, states } = opened(await nodes.node());
    const writing = storage.hold("write");
    await has("opening");
    socket.disconnect();
    await has("ended");
    socket.connect();
    await has("waiting");
    writing.release();
    await has("open");
    expect(states).toEqual(["waiting", "opening", "ended", "waiting", "opening", "open"]);
  });

  test("connect() and disconnect() give what they gave before", async () => {
    const { socket, has } = opened(await nodes.node());
    expect(socket.connect()).toBe(socket);
    await has("open");
    expect(socket.connect()).toBe(socket);
    expect(socket.disconnect()).toBe(socket);
    await has("ended");
  });
});

test("refused by the application, kicked by it", async () => {
  let refuses = true;
  const node = await nodes.node({
    handlers: (io) => io.use((_, enter) => enter(refuses ? new Error("not now") : undefined)),
  });
  const { socket, states, has } = opened(node);
  await has("ended");
  refuses = false;
  socket.connect();
  await has("open");
  serverSideOf(node.io, socket).disconnect();
  await has("ended");
  expect(states).toEqual(["waiting", "opening", "ended", "waiting", "opening", "open", "ended"]);
});

test("a storage that cannot be read", async () => {
  const { session, storage, states, has } = opened(await nodes.node());
  await has("open");
  storage.failures.read = 1;
  const failed = nextOf(session, "error");
  session.resume();
  await failed;
  await has("open");
  expect(states).toEqual(["waiting", "opening", "open", "opening", "waiting", "opening", "open"]);
});
