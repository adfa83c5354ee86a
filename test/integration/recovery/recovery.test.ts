import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Socket as ClientSocket } from "socket.io-client";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { cutAndComeBack, cutOff } from "../../support/servers/cut.js";
import { ask, gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// Connection state recovery with its default, under which Socket.IO runs no middleware for a recovered
// socket.

let database: TestDatabase;
let server: TestServer | undefined;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(() => server?.close());

const forms = {
  "sessions.attach(io)": undefined,
  "io.use(sessions)": (sessions, io) => {
    io.use(sessions);
  },
} satisfies Record<string, Parameters<typeof startServer>[0]["attach"]>;

async function start(form: keyof typeof forms = "sessions.attach(io)", recovery = true): Promise<TestServer> {
  const attach = forms[form];
  server = await startServer({
    databaseUrl: database.url,
    ...(attach && { attach }),
    io: recovery ? { connectionStateRecovery: {} } : {},
    handlers: (io) =>
      io.on("connection", (socket) => {
        // Gives the client an offset to recover from, as any event of an application does.
        socket.emit("welcome", { active: socket.session.active, recovered: socket.recovered });
        socket.on("set", async (key: string, value: unknown, done: () => void) => {
          await socket.session.set(key, value);
          done();
        });
        socket.on("get", (key: string, done: (value: unknown) => void) =>
          done({ value: socket.session.get(key), active: socket.session.active }),
        );
      }),
  });
  return server;
}

/** A client of the old package's README: asks once, and never again. */
async function oldClient({ client }: TestServer): Promise<{ client: ClientSocket; token: string }> {
  const socket = client();
  const welcome = next(socket, "welcome");
  const received = gotToken(socket);
  socket.emit("getToken", { token: "" });
  const { token } = await received;
  await welcome;
  return { client: socket, token };
}

describe.each(Object.keys(forms) as (keyof typeof forms)[])("%s", (form) => {
  test("a client that never asks again has its session back when its socket is recovered", async () => {
    const server = await start(form);
    const { client } = await oldClient(server);
    await ask(client, "set", "userId", 7);
    await cutAndComeBack(server.io, client);
    expect(client.recovered).toBe(true);
    expect(await ask(client, "get", "userId")).toEqual({ value: 7, active: true });
  });

  test("events that were buffered meanwhile see the session, in order", async () => {
    const server = await start(form);
    const { client } = await oldClient(server);
    await ask(client, "set", "n", 0);
    await cutOff(server.io, client);
    const answers = Array.from({ length: 20 }, (_, n) => [
      ask(client, "set", "n", n),
      ask(client, "get", "n"),
    ]).flat();
    const back = next(client, "connect");
    client.connect();
    await back;
    const values = (await Promise.all(answers)).filter((answer) => answer !== undefined);
    expect(client.recovered).toBe(true);
    expect(values.filter(Boolean)).toEqual(
      Array.from({ length: 20 }, (_, value) => ({ value, active: true })),
    );
  });
});

test("without recovery such a client has no session until it asks; asking at each connect mends it", async () => {
  const server = await start("sessions.attach(io)", false);
  const { client, token } = await oldClient(server);
  await ask(client, "set", "userId", 7);
  await cutAndComeBack(server.io, client);
  expect(await ask(client, "get", "userId")).toEqual({ value: "", active: false });
  // The one-line mend: client.on("connect", () => client.emit("getToken", { token })).
  client.on("connect", () => client.emit("getToken", { token }));
  await cutAndComeBack(server.io, client);
  await gotToken(client);
  expect(await ask(client, "get", "userId")).toEqual({ value: 7, active: true });
});

test("the row is read again: what was written meanwhile is seen", async () => {
  const server = await start();
  const { client, token } = await oldClient(server);
  await ask(client, "set", "userId", 7);
  await database.pool.query(
    `update session set data = '{"userId":8}', revision = revision + 1 where sessionId = ?`,
    [token.slice(0, 32)],
  );
  await cutAndComeBack(server.io, client);
  expect(await ask(client, "get", "userId")).toEqual({ value: 8, active: true });
});

test.each([
  ["gone", "delete from session where sessionId = ?", "destroyed"],
  ["expired", "update session set expires = 1 where sessionId = ?", "expired"],
])("a recovered socket whose session is %s is told so and disconnected", async (_, statement, reason) => {
  const server = await start();
  const { client, token } = await oldClient(server);
  await ask(client, "set", "userId", 7);
  await database.pool.query(statement, [token.slice(0, 32)]);
  const end = next(client, "sessionEnd");
  const over = next(client, "disconnect").then(() => next(client, "disconnect"));
  let answered = false;
  await cutOff(server.io, client);
  client.emit("get", "userId", () => {
    answered = true;
  });
  client.connect();
  expect((await end)[0]).toEqual({ reason });
  expect((await over)[0]).toBe("io server disconnect");
  expect(answered).toBe(false);
});

test.each([
  ["under another secret", "update session set secretHash = repeat('x', 32) where sessionId = ?"],
  ["without a secret", "update session set secretHash = null where sessionId = ?"],
])("a session that is %s is not given back to a recovered socket", async (_, statement) => {
  const server = await start();
  const { client, token } = await oldClient(server);
  await ask(client, "set", "userId", 7);
  await database.pool.query(statement, [token.slice(0, 32)]);
  const asked = next(client, "tokenChanged");
  await cutAndComeBack(server.io, client);
  expect(client.recovered).toBe(false);
  await asked;
  expect(await ask(client, "get", "userId")).toEqual({ value: "", active: false });
});

test("a note in socket.data that the server did not write opens nothing", async () => {
  const server = await start();
  const victim = await oldClient(server);
  await ask(victim.client, "set", "userId", 7);
  const thief = await oldClient(server);
  for (const socket of server.io.sockets.sockets.values()) {
    if (socket.id === thief.client.id) {
      socket.data.tokenSession = { ...socket.data.tokenSession, sessionId: victim.token.slice(0, 32) };
    }
  }
  await cutAndComeBack(server.io, thief.client);
  expect(thief.client.recovered).toBe(false);
  expect(await ask(thief.client, "get", "userId")).toEqual({ value: "", active: false });
});

test("a client that presents its token in the handshake is verified by it, and the token leaves the handshake", async () => {
  const server = await start();
  const auth: Record<string, unknown> = { token: "" };
  const client = server.client({ auth });
  const welcome = next(client, "welcome");
  auth["token"] = (await gotToken(client)).token;
  await welcome;
  await ask(client, "set", "userId", 7);
  const again = gotToken(client);
  await cutAndComeBack(server.io, client);
  expect(client.recovered).toBe(true);
  expect(await again).toMatchObject({ token: auth["token"], errors: "", created: false });
  expect(await ask(client, "get", "userId")).toEqual({ value: 7, active: true });
  for (const socket of server.io.sockets.sockets.values())
    expect(socket.handshake.auth).not.toHaveProperty("token");
});
