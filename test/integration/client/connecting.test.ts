import { expect, test } from "@jest/globals";
import { tokenSession } from "../../../client/index.js";
import { TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { cut, opened } from "../../support/clients/opened.js";
import { gate, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// When a socket connects, and when it does not: after an end, a refusal, or while it is being let in.

const nodes = useNodes();

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
