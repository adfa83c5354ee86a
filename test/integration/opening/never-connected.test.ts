import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Socket } from "socket.io";
import { memoryStore } from "../../../src/index.js";
import { registryOf } from "../../../src/registry/registry-of.js";
import { gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// A session is let go of when its socket goes, also where Socket.IO tells nobody: a socket that never connected has no
// "disconnect", and the application may take away all listeners of one that did.

let server: TestServer;
/** Sockets that have passed our middleware, as the one after it gets them. */
let passed: (socket: Socket, goOn: (error?: Error) => void) => void;

beforeEach(async () => {
  server = await startServer({
    options: { store: memoryStore() },
    handlers: (io) => {
      io.use((socket, goOn) => passed(socket, goOn));
    },
  });
});
afterEach(() => server.close());

/** A client whose socket is in the hands of the middleware after ours. */
async function held() {
  const inHand = new Promise<{ socket: Socket; goOn: (error?: Error) => void }>((resolve) => {
    passed = (socket, goOn) => resolve({ socket, goOn });
  });
  const client = server.client({ auth: { token: "" }, forceNew: true, reconnection: false });
  const { socket, goOn } = await inHand;
  // What our middleware does once the next one has the socket.
  await setImmediate();
  expect(live()).toBe(1);
  return { client, socket, goOn };
}

function live(): number {
  return [...(registryOf(server.sessions)?.live() ?? [])].length;
}

async function closed({ conn }: Socket): Promise<void> {
  if (conn.readyState !== "closed") await new Promise((resolve) => conn.once("close", resolve));
  await setImmediate();
}

test("a middleware that never goes on: until the connection closes", async () => {
  const { client, socket } = await held();
  client.io.engine.close();
  await closed(socket);
  expect(live()).toBe(0);
});

test("a middleware that goes on when the connection has closed", async () => {
  const { client, socket, goOn } = await held();
  client.io.engine.close();
  await closed(socket);
  goOn();
  await setImmediate();
  expect(live()).toBe(0);
});

test("a middleware that refuses: at once, though the connection stays", async () => {
  const { client, socket, goOn } = await held();
  const refused = next(client, "connect_error");
  goOn(new Error("no"));
  await refused;
  expect(live()).toBe(0);
  expect(socket.conn.readyState).toBe("open");
});

test("a socket that connects late leaves no listener to its connection behind", async () => {
  const { client, socket, goOn } = await held();
  const during = socket.conn.listenerCount("close");
  const received = gotToken(client);
  goOn();
  await received;
  expect(socket.conn.listenerCount("close")).toBe(during - 1);
  client.disconnect();
  await closed(socket);
  expect(live()).toBe(0);
});

test("a socket whose listeners the application has taken away", async () => {
  passed = (_, goOn) => goOn();
  const client = server.client({ auth: { token: "" }, forceNew: true, reconnection: false });
  await gotToken(client);
  const [socket] = server.io.sockets.sockets.values();
  socket?.removeAllListeners();
  expect(live()).toBe(1);
  const over = closed(socket as Socket);
  client.io.engine.close();
  await over;
  expect(live()).toBe(0);
});
