import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createConnection } from "mysql2";
import { type DefaultEventsMap, Server, type Socket } from "socket.io";
import oldSession from "socket.io-mysql-session";
import { adoptTokensFile, applySql } from "../../../scripts/dba.js";
import type { GotToken } from "../../../src/index.js";
import { poolOptions, type TestDatabase } from "../database/database.js";
import type { OldClient, OldSocket } from "./old-client.js";

/** What the old package's `socket.session` has; `_dbCreateError` gives its table's DDL. */
interface OldSession {
  get(key: string): unknown;
  set(key: string, value: unknown): unknown;
  _dbCreateError(): string;
}

/** An application as it is written for either package. */
export function handlers(io: Server): void {
  io.on("connection", (socket: Socket<DefaultEventsMap, DefaultEventsMap>) => {
    const session = () => socket.session as unknown as OldSession;
    socket.on("put", async (key: string, value: unknown, done: () => void) => {
      await session().set(key, value);
      done();
    });
    socket.on("read", (key: string, done: (value: unknown) => void) => done(session().get(key)));
  });
}

/** A server of the old package, as it ships. */
export async function startOldServer(databaseUrl: string) {
  // As its README has it. On a pool its statements, for which it never waits, would overtake each other.
  const db = createConnection(poolOptions(databaseUrl));
  const http = createServer();
  const io = new Server(http, { allowEIO3: true });
  io.use(oldSession({ db }) as never);
  handlers(io);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async close() {
      await io.close();
      // It waits for no statement of its own; the connection's end does.
      await new Promise((resolve) => db.end(resolve));
    },
  };
}

/** The DDL that the old package prints. */
export function oldDdl(): string {
  const socket: { session?: OldSession; on(): void } = { on() {} };
  oldSession({ db: {} as never })(socket, () => {});
  return socket.session?._dbCreateError() ?? "";
}

/** The client code of the old package's README; `storage` stands for localStorage. */
export function oldApp(io: OldClient, url: string, storage: Map<string, string>) {
  const socket: OldSocket = io(url, { forceNew: true, transports: ["websocket"] });
  const gotToken = new Promise<GotToken>((resolve) => {
    socket.on("gotToken", (message: GotToken) => {
      if (message.token !== "") storage.set("token", message.token);
      resolve(message);
    });
  });
  socket.emit("getToken", { token: storage.get("token") || "" });
  const ask = (event: string, ...args: unknown[]) =>
    new Promise<unknown>((resolve) => socket.emit(event, ...args, resolve));
  return {
    socket,
    gotToken,
    put: (key: string, value: unknown) => ask("put", key, value),
    read: (key: string) => ask("read", key),
  };
}

/** Resolves when `condition` has become true: the old package does not say when it has written. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}

/** Applies sql/adopt-tokens.sql once. */
export async function adoptTokens(database: TestDatabase): Promise<void> {
  const connection = await database.pool.getConnection();
  try {
    await applySql(connection, adoptTokensFile);
  } finally {
    // Its isolation level is not for the next user of the connection.
    connection.destroy();
  }
}
