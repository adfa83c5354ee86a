import { once } from "node:events";
import { createServer } from "node:http";
import { createPool, type Pool } from "mysql2/promise";
import { Server, type ServerOptions } from "socket.io";
import { io as connect, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import {
  type GotToken,
  type TokenSessionOptions,
  type TokenSessions,
  tokenSession,
} from "../../../src/index.js";
import { MysqlStore } from "../../../src/stores/mysql/mysql-store.js";
import { poolOptions } from "../database/database.js";
import { listen } from "../listen.js";
import { type KeptLog, keptLog } from "../log.js";
import { crowded, forcedWidth } from "../stores/crowded-store.js";

export interface TestServer {
  readonly io: Server;
  readonly port: number;
  readonly url: string;
  readonly sessions: TokenSessions;
  readonly log: KeptLog;
  /** A client that is closed with the server. */
  client(options?: Partial<ManagerOptions & SocketOptions>): Socket;
  close(): Promise<void>;
}

export interface TestServerOptions {
  /** URL of the schema. */
  databaseUrl?: string;
  options?: Partial<TokenSessionOptions>;
  io?: Partial<ServerOptions>;
  /** Of another release of socket.io. */
  Server?: typeof Server;
  port?: number;
  /** Instead of `sessions.attach(io)`. */
  attach?: (sessions: TokenSessions, io: Server) => void;
  /** Set-up before the server listens. */
  handlers?: (io: Server, sessions: TokenSessions) => void;
}

/** A real Socket.IO server on a free port, with token sessions. */
export async function startServer(given: TestServerOptions): Promise<TestServer> {
  const log = keptLog();
  let pool: Pool | undefined;
  if (given.databaseUrl) pool = createPool({ ...poolOptions(given.databaseUrl), connectionLimit: 5 });
  const place = pool && !given.options?.db ? placeFor(pool) : {};
  const sessions = tokenSession({ ...place, logger: log, ...given.options });
  const http = createServer();
  const io = new (given.Server ?? Server)(http, given.io);
  if (given.attach) given.attach(sessions, io);
  else sessions.attach(io);
  given.handlers?.(io, sessions);
  const port = await listen(http, given.port);
  const url = `http://127.0.0.1:${port}`;
  const clients: Socket[] = [];
  let closing: Promise<void> | undefined;
  const close = async () => {
    for (const client of clients) {
      // Also what a test opened on the same connection must not come back.
      client.io.reconnection(false);
      client.disconnect();
    }
    await io.close();
    await sessions.close();
    await pool?.end();
  };
  return {
    io,
    port,
    url,
    sessions,
    log,
    client(options = {}) {
      const socket = connect(url, {
        forceNew: true,
        transports: ["websocket"],
        reconnectionDelay: 20,
        ...options,
      });
      clients.push(socket);
      return socket;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Where the rows live: the pool, or what forces the width of batches upon it. */
function placeFor(pool: Pool): Pick<TokenSessionOptions, "db" | "store"> {
  if (!forcedWidth) return { db: pool };
  return { store: crowded((settings) => new MysqlStore(pool, "session", settings)) };
}

/** The next `gotToken` of a client. */
export async function gotToken(client: Socket): Promise<GotToken> {
  const [message] = await once(client as never, "gotToken");
  return message as GotToken;
}

/** Emits an event and resolves with its acknowledgement. */
export function ask<Answer>(client: Socket, event: string, ...args: unknown[]): Promise<Answer> {
  return new Promise((resolve) => {
    client.emit(event, ...args, resolve);
  });
}

/** The next event of an emitter. */
export async function next(emitter: unknown, event: string): Promise<unknown[]> {
  return once(emitter as never, event);
}
