import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Socket } from "socket.io";
import { memoryStore } from "../../../src/index.js";
import { registryOf } from "../../../src/registry/registry-of.js";
import { gate } from "../../support/servers/nodes.js";
import { gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// A session is let go of when its socket goes, also where Socket.IO tells nobody: a socket that never
// connected has no "disconnect", and the application may take away all listeners of one that did.

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

describe("nor is one kept for a socket", () => {
  test("that goes while middleware before ours takes its time", async () => {
    const { opened: passed, open: pass } = gate();
    const { opened: waiting, open: wait } = gate();
    await server.close();
    server = await startServer({
      options: { store: memoryStore() },
      attach: (sessions, io) => {
        io.use((socket, done) => {
          // Goes on only when the connection has closed, as a slow look-up would.
          socket.conn.once("close", () => done());
          wait();
        });
        sessions.attach(io);
        io.use((socket, done) => {
          // To read it must not throw, and there is nothing.
          expect(socket.session.active).toBe(false);
          done();
          pass();
        });
      },
    });
    const client = server.client({ auth: { token: "" }, reconnection: false });
    await waiting;
    client.io.engine.close();
    await passed;
    expect(live()).toBe(0);
  });

  test("that a middleware after ours refuses again and again", async () => {
    await server.close();
    server = await startServer({
      options: { store: memoryStore() },
      attach: (sessions, io) => {
        sessions.attach(io.of("/refused"));
        io.of("/refused").use((_socket, done) => done(new Error("no")));
      },
    });
    const socket = server.client().io.socket("/refused", { auth: { token: "" } });
    for (let n = 0; n < 5; n++) {
      await next(socket, "connect_error");
      socket.disconnect();
      socket.connect();
    }
    await next(socket, "connect_error");
    expect(live()).toBe(0);
  });
});
