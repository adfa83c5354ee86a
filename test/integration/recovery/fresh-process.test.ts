import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { Server } from "socket.io";
import { SessionAwareAdapter } from "socket.io-adapter";
import type { TokenSessions } from "../../../src/index.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { ask, gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// A socket recovered by a server that has seen no socket before, as with a persistent adapter after a
// restart: Socket.IO runs no middleware for it, so nothing has ever called ours.

type Persisted = Parameters<SessionAwareAdapter["persistSession"]>[0];

/** Socket.IO's own recovering adapter, with what it remembers kept beyond the server's life. */
class PersistentAdapter extends SessionAwareAdapter {
  static readonly kept = new Map<string, Persisted>();

  override persistSession(session: Persisted): void {
    PersistentAdapter.kept.set(
      session.pid,
      structuredClone({ ...session, rooms: [...session.rooms] }) as never,
    );
  }

  override restoreSession(pid: string): Promise<never> {
    return Promise.resolve({ ...PersistentAdapter.kept.get(pid), missedPackets: [] } as never);
  }
}

let database: TestDatabase;
const servers: TestServer[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => database.drop());

async function start(
  attach: (sessions: TokenSessions, io: Server) => void,
  port?: number,
): Promise<TestServer> {
  const server = await startServer({
    databaseUrl: database.url,
    attach,
    ...(port && { port }),
    io: { connectionStateRecovery: {}, adapter: PersistentAdapter as never },
    handlers: (io) =>
      io.on("connection", (socket) => {
        socket.emit("welcome");
        socket.on("set", async (key: string, value: unknown, done: () => void) => {
          await socket.session.set(key, value);
          done();
        });
        socket.on("get", (key: string, done: (value: unknown) => void) => done(socket.session.get(key)));
      }),
  });
  servers.push(server);
  return server;
}

test.each<[string, (sessions: TokenSessions, io: Server) => void]>([
  ["sessions.attach(io)", (sessions, io) => void sessions.attach(io)],
  ["io.use(sessions)", (sessions, io) => void io.use(sessions)],
])("%s: a recovered socket has its session from its first event on", async (_, attach) => {
  const first = await start(attach);
  const client = first.client();
  const welcome = next(client, "welcome");
  const received = gotToken(client);
  client.emit("getToken", { token: "" });
  await received;
  await welcome;
  await ask(client, "set", "userId", 7);

  const back = next(client, "connect");
  const cut = next(client, "disconnect");
  // As a crash would: no farewell, so that the client comes back by itself and its state is kept.
  for (const socket of first.io.sockets.sockets.values()) socket.conn.close();
  const closed = new Promise((resolve) => first.io.httpServer.close(resolve));
  await cut;
  // Buffered by the client, and sent before its connect handlers run.
  const value = ask(client, "get", "userId");
  await closed;
  await start(attach, first.port);
  await back;
  expect(client.recovered).toBe(true);
  expect(await value).toBe(7);
});
