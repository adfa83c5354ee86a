import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { pino } from "pino";
import type { Socket } from "socket.io";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { type DatabaseProxy, startProxy } from "../../support/database/proxy.js";
import { cutOff } from "../../support/servers/cut.js";
import { ask, gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// A token is given to one client and shown nowhere else: searched for wherever it could have gone.

let database: TestDatabase;
let server: TestServer;
let proxy: DatabaseProxy;
const logged: string[] = [];
const tokens: string[] = [];
const overheard: unknown[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startProxy(database.url);
  server = await startServer({
    databaseUrl: proxy.through(database.url),
    options: {
      storeTimeout: 1,
      logger: pino({ level: "trace" }, { write: (line: string) => void logged.push(line) }),
    },
    io: { connectionStateRecovery: {} },
    handlers: (io) =>
      io.on("connection", (socket) => {
        socket.join("everybody");
        socket.emit("welcome");
        socket.onAny((...event) => void overheard.push(event));
        socket.on("set", async (key: string, value: unknown, done: () => void) => {
          await socket.session.set(key, value).catch(() => {});
          done();
        });
      }),
  });

  // A life with everything in it: first visit, resume on both paths, a forged token, an outage, a wrong
  // value.
  const listener = server.client({ auth: { token: "" } });
  listener.onAny((event, ...args) => void (event === "gotToken" || overheard.push(args)));
  tokens.push((await gotToken(listener)).token);
  const first = server.client({ auth: { token: "", confirm: true, client: { device: "Pixel 9" } } });
  const welcome = next(first, "welcome");
  // Confirms, as our client does.
  first.on("gotToken", (_message, confirm?: () => void) => confirm?.());
  const { token } = await gotToken(first);
  tokens.push(token);
  await welcome;
  await ask(first, "set", "card", "4111-1111-1111-1111");
  const other = server.client();
  await ask(other, "getToken", { token });
  const forged = `${token.slice(0, 33)}${"B".repeat(43)}`;
  tokens.push(forged);
  await ask(other, "getToken", { token: forged });
  first.auth = { token };
  const back = gotToken(first);
  await cutOff(server.io, first);
  first.connect();
  await back;
  expect(first.recovered).toBe(true);
  await proxy.down();
  await ask(first, "set", "card", "5500-0000-0000-0004");
  await ask(other, "getToken", { token });
  await proxy.up();
});
afterEach(() => {
  expect(tokens.length).toBeGreaterThanOrEqual(3);
});
afterAll(async () => {
  await server.close();
  await proxy.close();
  await database.drop();
});

/** What must not be found: whole tokens, and their secrets alone. */
function secrets(): string[] {
  return tokens.flatMap((token) => [token, token.slice(33)]);
}

function expectNoSecret(text: string): void {
  for (const secret of secrets()) expect(text).not.toContain(secret);
}

test("not in the logs at trace level, nor are values", () => {
  expect(logged.length).toBeGreaterThan(0);
  expectNoSecret(logged.join());
  expect(logged.join()).not.toMatch(/4111|5500/);
});

test("not in socket.data, rooms or the handshake that other nodes see", async () => {
  const remote = await server.io.fetchSockets();
  expect(remote.length).toBeGreaterThanOrEqual(3);
  for (const { data, handshake, rooms } of remote) {
    expectNoSecret(JSON.stringify([data, handshake, [...rooms]]));
    expect(handshake.auth).not.toHaveProperty("token");
  }
});

test("not in the replay log of connection state recovery", () => {
  // Private fields, read here to see what a node keeps and a persistent adapter would publish.
  const { packets, sessions } = server.io.sockets.adapter as unknown as {
    packets: unknown[];
    sessions: Map<string, unknown>;
  };
  expect(packets.length).toBeGreaterThan(0);
  expectNoSecret(JSON.stringify([packets, [...sessions]]));
});

test("not in any column of any table", async () => {
  const rows = await database.rows("select * from session");
  expect(rows.length).toBeGreaterThanOrEqual(3);
  const text = rows
    .flatMap((row) => Object.values(row))
    .map((value) =>
      Buffer.isBuffer(value) ? `${value.toString("latin1")} ${value.toString("hex")}` : String(value),
    )
    .join(" ");
  expectNoSecret(text);
  for (const secret of secrets()) {
    expect(text).not.toContain(Buffer.from(secret, "base64url").toString("hex"));
  }
});

test("not in what handlers and other sockets hear", () => {
  expectNoSecret(JSON.stringify(overheard));
});

test("not in what a socket or its session shows of itself", () => {
  for (const socket of server.io.sockets.sockets.values() as IterableIterator<Socket>) {
    expectNoSecret(JSON.stringify([socket.session, { ...socket.session }, socket.session.toJSON()]));
  }
});
