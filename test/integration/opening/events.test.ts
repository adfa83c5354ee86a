import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Socket } from "socket.io";
import { HandClock } from "../../support/clock.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { liveIds, serverSideOf } from "../../support/servers/rig.js";
import { ask, gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

let database: TestDatabase;
let server: TestServer | undefined;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(() => server?.close());

interface Seen {
  n: unknown;
  id: string | undefined;
}

async function start(options = {}): Promise<TestServer & { seen: Seen[] }> {
  const seen: Seen[] = [];
  server = await startServer({
    databaseUrl: database.url,
    options,
    handlers: (io) =>
      io.on("connection", (socket) => {
        socket.on("n", (n: unknown, done?: () => void) => {
          seen.push({ n, id: socket.session.id });
          done?.();
        });
      }),
  });
  return { ...server, seen };
}

/** Locks the table, so that opening takes as long as the test wants. */
async function holdUp(): Promise<() => Promise<void>> {
  const connection = await database.pool.getConnection();
  await connection.query("lock tables session write");
  return async () => {
    await connection.query("unlock tables");
    connection.release();
  };
}

describe("events while a session opens", () => {
  test("100 right behind getToken all see the session, in order", async () => {
    const { client, seen } = await start();
    const release = await holdUp();
    const socket = client();
    const received = gotToken(socket);
    socket.emit("getToken", { token: "" });
    for (let n = 0; n < 100; n++) socket.emit("n", n);
    const last = ask(socket, "n", "last");
    await release();
    const { token } = await received;
    await last;
    expect(seen).toEqual(
      [...Array.from({ length: 100 }, (_, n) => n), "last"].map((n) => ({ n, id: token.slice(0, 32) })),
    );
  });

  test("those buffered before connect too, on both paths", async () => {
    const { client, seen } = await start();
    for (const auth of [{}, { token: "" }]) {
      const socket = client({ auth, autoConnect: false });
      if (!("token" in auth)) socket.emit("getToken", { token: "" });
      socket.emit("n", 1);
      const last = ask(socket, "n", 2);
      const received = gotToken(socket);
      socket.connect();
      const { token } = await received;
      await last;
      expect(seen.splice(0)).toEqual([1, 2].map((n) => ({ n, id: token.slice(0, 32) })));
    }
  });

  test("come after gotToken", async () => {
    const { client } = await start();
    const socket = client();
    const order: string[] = [];
    socket.on("gotToken", () => order.push("gotToken"));
    socket.emit("getToken", { token: "" });
    await ask(socket, "n", 1).then(() => order.push("answer"));
    expect(order).toEqual(["gotToken", "answer"]);
  });

  test("before any getToken are not held", async () => {
    const { client, seen } = await start();
    await ask(client(), "n", 1);
    expect(seen).toEqual([{ n: 1, id: undefined }]);
  });

  test("more than 1000 close the connection, and none runs without the session", async () => {
    const { client, seen, log } = await start();
    const release = await holdUp();
    const socket = client({ reconnection: false });
    socket.emit("getToken", { token: "" });
    for (let n = 0; n <= 1000; n++) socket.emit("n", n);
    await next(socket, "disconnect");
    await release();
    expect((await log.line(/sent too much/))["code"]).toBe("SESSION_QUEUE_FULL");
    expect(seen).toEqual([]);
  });

  test("more than 1 MiB close the connection", async () => {
    const { client, seen } = await start();
    const release = await holdUp();
    const socket = client({ reconnection: false });
    socket.emit("getToken", { token: "" });
    for (let n = 0; n < 3; n++) socket.emit("n", Buffer.alloc(400_000));
    await next(socket, "disconnect");
    await release();
    expect(seen).toEqual([]);
  });

  test("a third getToken while two are under way closes the connection", async () => {
    const { client } = await start();
    const release = await holdUp();
    const socket = client({ reconnection: false });
    for (const token of ["", "x", "y"]) socket.emit("getToken", { token });
    await next(socket, "disconnect");
    await release();
  });

  test("the same getToken again and again is answered each time", async () => {
    const { client } = await start();
    const release = await holdUp();
    const socket = client();
    const answers = Array.from({ length: 20 }, () =>
      ask<{ errors: string }>(socket, "getToken", { token: "x" }),
    );
    await next(socket, "connect");
    await release();
    for (const { errors } of await Promise.all(answers)) expect(errors).toBe("Session Not Found");
  });
});

describe("required", () => {
  test("holds events from the start, until the client asks", async () => {
    const { client, seen } = await start({ required: true });
    const socket = client();
    const answer = ask(socket, "n", 1);
    await next(socket, "connect");
    expect(seen).toEqual([]);
    const received = gotToken(socket);
    socket.emit("getToken", { token: "" });
    const { token } = await received;
    await answer;
    expect(seen).toEqual([{ n: 1, id: token.slice(0, 32) }]);
  });

  test("disconnects who does not ask within 20 seconds, and nobody else", async () => {
    const clock = new HandClock();
    const { client, io } = await start({ required: true, clock });
    const asked = client({ auth: { token: "" } });
    await gotToken(asked);
    const silent = client();
    await next(silent, "connect");
    const disconnected = next(silent, "disconnect");
    clock.advance(19_999);
    expect(serverSideOf(io, silent).connected).toBe(true);
    clock.advance(1);
    expect(await disconnected).toContain("io server disconnect");
    await ask(asked, "n", 1);
  });
});

describe("attaching", () => {
  test("a namespace of its own; others say that they have none", async () => {
    server = await startServer({
      databaseUrl: database.url,
      attach: (sessions, io) => void sessions.attach(io.of("/chat")),
      handlers: (io) => {
        for (const name of ["/", "/chat"]) {
          io.of(name).on("connection", (socket: Socket) =>
            socket.on("active", (done: (said: unknown) => void) => {
              try {
                done(socket.session.active);
              } catch (error) {
                done((error as { code: string }).code);
              }
            }),
          );
        }
      },
    });
    const main = server.client();
    expect(await ask(main, "active")).toBe("SESSION_NOT_ATTACHED");
    const chat = main.io.socket("/chat", { auth: { token: "" } });
    expect(await gotToken(chat)).toMatchObject({ created: true });
    expect(await ask(chat, "active")).toBe(true);
  });

  test("namespaces that come later, by a pattern", async () => {
    server = await startServer({
      databaseUrl: database.url,
      attach: (sessions, io) => void sessions.attach(io.of(/^\/room-\d+$/)),
    });
    const manager = server.client().io;
    for (const name of ["/room-1", "/room-2"]) {
      expect(await gotToken(manager.socket(name, { auth: { token: "" } }))).toMatchObject({ created: true });
    }
  });

  test("twice, in either form, opens once", async () => {
    server = await startServer({
      databaseUrl: database.url,
      attach: (sessions, io) => {
        expect(sessions.attach(io)).toBe(sessions);
        io.use(sessions);
        sessions.attach(io.of("/"));
      },
    });
    const client = server.client({ auth: { token: "" } });
    const messages: unknown[] = [];
    client.on("gotToken", (message) => messages.push(message));
    await gotToken(client);
    await ask(client, "getToken", { token: "" });
    expect(messages).toHaveLength(2);
  });

  test("two token sessions on one namespace are refused, and so is what is no server", async () => {
    const { sessions, io } = await start();
    const other = await startServer({ databaseUrl: database.url, attach: () => {} });
    expect(() => other.sessions.attach(io)).toThrow(
      expect.objectContaining({ code: "SESSION_OPTION_INVALID" }),
    );
    for (const wrong of [undefined, null, {}, "io", () => {}]) {
      expect(() => sessions.attach(wrong as never)).toThrow(
        expect.objectContaining({ code: "SESSION_OPTION_INVALID" }),
      );
    }
    await other.close();
  });

  test("a middleware that comes after sees the session; one that refuses is heard", async () => {
    server = await startServer({
      databaseUrl: database.url,
      handlers: (io) =>
        io.use((socket, done) => done(socket.session.get("banned") ? new Error("banned") : undefined)),
    });
    const first = server.client({ auth: { token: "" } });
    const { token } = await gotToken(first);
    await serverSideOf(server.io, first).session.set("banned", true);
    const [error] = await next(server.client({ auth: { token } }), "connect_error");
    expect((error as Error).message).toBe("banned");
  });

  test("a namespace without sessions may keep something of its own under socket.session", async () => {
    server = await startServer({
      databaseUrl: database.url,
      attach: () => {},
      handlers: (io) =>
        io.on("connection", (socket) => {
          (socket as { session: unknown }).session = "mine";
          socket.emit("mine", socket.session);
        }),
    });
    expect(await next(server.client(), "mine")).toEqual(["mine"]);
  });
});

describe("a socket that never connects keeps no session", () => {
  test("when it goes while middleware before ours takes its time", async () => {
    const { promise: passed, resolve: pass } = withResolver();
    const { promise: waiting, resolve: wait } = withResolver();
    server = await startServer({
      databaseUrl: database.url,
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
    expect(liveIds(server.sessions)).toEqual([]);
  });

  test("when a middleware after ours refuses it, and its connection goes on", async () => {
    server = await startServer({
      databaseUrl: database.url,
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
    expect(liveIds(server.sessions)).toEqual([]);
  });
});

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve: () => resolve() };
}

test("a connection that closes while its session opens leaves nothing behind", async () => {
  const { client, sessions } = await start();
  const first = client({ auth: { token: "" } });
  const { token } = await gotToken(first);
  const release = await holdUp();
  const second = client({ auth: { token }, reconnection: false });
  await next(second.io, "open");
  second.disconnect();
  await release();
  // Opening again works, and closing finds nothing that waits.
  expect(await ask(first, "getToken", { token })).toMatchObject({ errors: "" });
  await sessions.close();
});
