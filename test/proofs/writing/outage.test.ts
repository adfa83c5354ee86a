import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { GotToken } from "../../../src/index.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { type DatabaseProxy, startProxy } from "../../support/database/proxy.js";
import { ask, gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// The database goes away and comes back: a TCP proxy before the real one cuts, refuses and hangs.

let database: TestDatabase;
let proxy: DatabaseProxy;
let server: TestServer | undefined;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(async () => {
  await proxy.up().catch(() => {});
  await server?.close();
  await proxy.close();
});

async function start(options = {}): Promise<TestServer> {
  proxy = await startProxy(database.url);
  server = await startServer({
    databaseUrl: proxy.through(database.url),
    options: { storeTimeout: 1, ...options },
    handlers: (io) =>
      io.on("connection", (socket) => {
        socket.on("set", async (key: string, value: unknown, done: (error: string) => void) => {
          done(
            await socket.session.set(key, value).then(
              () => "",
              (error) => error.code,
            ),
          );
        });
        socket.on("get", (key: string, done: (value: unknown) => void) => done(socket.session.get(key)));
      }),
  });
  return server;
}

async function rowCount(): Promise<number> {
  const [row] = await database.rows<{ n: number }>("select count(*) as n from session");
  return Number(row?.n);
}

/** A session with a value, whose client has gone. */
async function sessionWithValue({ client }: TestServer): Promise<string> {
  const first = client({ auth: { token: "" } });
  let token = "";
  // On a busy machine the store may seem unavailable at first: then the server tries on.
  while (token === "") ({ token } = await gotToken(first));
  await ask(first, "set", "userId", 7);
  first.disconnect();
  return token;
}

const unavailable = { token: "", errors: "Session store unavailable" };

test("down at connect (handshake): connects, says so, holds events, and has the session when it is back", async () => {
  const server = await start();
  const token = await sessionWithValue(server);
  const rows = await rowCount();
  await proxy.down();
  const client = server.client({ auth: { token } });
  const userId = ask(client, "get", "userId");
  expect(await gotToken(client)).toEqual(unavailable);
  const back = gotToken(client);
  await proxy.up();
  expect(await back).toMatchObject({ token, errors: "", created: false });
  expect(await userId).toBe(7);
  expect(await rowCount()).toBe(rows);
});

test("down at getToken: the same, also for a client that never asks again", async () => {
  const server = await start();
  const token = await sessionWithValue(server);
  const rows = await rowCount();
  await proxy.down();
  const client = server.client();
  const received: GotToken[] = [];
  const back = new Promise<void>((resolve) => {
    client.on("gotToken", (message: GotToken) => {
      received.push(message);
      if (message.token) resolve();
    });
  });
  const acknowledged = ask(client, "getToken", { token });
  const userId = ask(client, "get", "userId");
  expect(await acknowledged).toEqual(unavailable);
  await proxy.up();
  await back;
  expect(await userId).toBe(7);
  // Said once, however often the server tried.
  expect(received).toEqual([unavailable, expect.objectContaining({ token, errors: "" })]);
  expect(await rowCount()).toBe(rows);
});

test("an outage is said once to the log, and once that it is over", async () => {
  const server = await start();
  await proxy.down();
  const clients = [server.client({ auth: { token: "" } }), server.client({ auth: { token: "" } })];
  await Promise.all(clients.map(gotToken));
  const back = clients.map(gotToken);
  await proxy.up();
  await Promise.all(back);
  const said = server.log.lines.filter(({ text }) => /sessions can/.test(text));
  expect(said).toEqual([
    expect.objectContaining({ level: "error", code: "SESSION_STORE_UNAVAILABLE" }),
    expect.objectContaining({ level: "info" }),
  ]);
});

test("required: the connection is closed, and the client comes back by itself", async () => {
  const server = await start({ required: true });
  const token = await sessionWithValue(server);
  await proxy.down();
  const client = server.client({ auth: { token }, reconnectionDelayMax: 50 });
  const errors: string[] = [];
  client.on("connect_error", (error) => errors.push(error.message));
  let connections = 0;
  client.on("connect", () => connections++);
  await next(client.io, "close");
  expect(connections).toBe(0);
  const opened = gotToken(client);
  await proxy.up();
  expect(await opened).toMatchObject({ token, errors: "" });
  expect(connections).toBe(1);
  // "CONNECT_ERROR" would have been final.
  expect(errors).toEqual([]);
});

test("a connected session: reading goes on, a set waits, is rejected with a code, and is not shown", async () => {
  const server = await start();
  const client = server.client({ auth: { token: "" } });
  const { token } = await gotToken(client);
  await ask(client, "set", "n", 1);
  await proxy.down();
  const set = ask(client, "set", "n", 2);
  expect(await ask(client, "get", "n")).toBe(2);
  expect(await set).toMatch(/^SESSION_(STORE_UNAVAILABLE|WRITE_UNCERTAIN)$/);
  expect(await ask(client, "get", "n")).toBe(1);
  await proxy.up();
  expect(await ask(client, "set", "m", 3)).toBe("");
  const [row] = await database.rows<{ data: string }>("select data from session where sessionId = ?", [
    token.slice(0, 32),
  ]);
  expect(row?.data).toBe('{"n":1,"m":3}');
});

test("a set during a short outage goes through, late", async () => {
  const server = await start({ storeTimeout: 10 });
  const client = server.client({ auth: { token: "" } });
  const { token } = await gotToken(client);
  await proxy.down();
  const set = ask(client, "set", "n", 2);
  expect(await ask(client, "get", "n")).toBe(2);
  await proxy.up();
  expect(await set).toBe("");
  const [row] = await database.rows<{ data: string }>("select data from session where sessionId = ?", [
    token.slice(0, 32),
  ]);
  expect(row?.data).toBe('{"n":2}');
});

test("connections that hang without a word are given up, and new ones are made", async () => {
  const server = await start({ storeTimeout: 2 });
  const client = server.client({ auth: { token: "" } });
  await gotToken(client);
  proxy.hang();
  const before = proxy.accepted;
  expect(await ask(client, "set", "n", 1)).toBe("");
  expect(proxy.accepted).toBeGreaterThan(before);
});

describe("a client that leaves during an outage", () => {
  test("is not tried for any longer", async () => {
    const server = await start();
    await proxy.down();
    const client = server.client({ auth: { token: "" } });
    await gotToken(client);
    const gone = new Promise((resolve) => {
      for (const socket of server.io.sockets.sockets.values()) socket.once("disconnect", resolve);
    });
    client.disconnect();
    await gone;
    const rows = await rowCount();
    await proxy.up();
    await gotToken(server.client({ auth: { token: "" } }));
    await server.close();
    expect(await rowCount()).toBe(rows + 1);
  });
});
