import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { HandClock } from "../../support/clock.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { ask, gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// Events that come while a session opens, and where a session is required.

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
