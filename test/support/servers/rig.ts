import type { Server, Socket as ServerSocket } from "socket.io";
import type { Socket } from "socket.io-client";
import type { SessionHandle, TokenSessions } from "../../../src/index.js";
import { registryOf } from "../../../src/registry/registry-of.js";
import { gotToken, startServer, type TestServer, type TestServerOptions } from "./server.js";

/** A server whose sockets a test can hold in its own hands, to call `socket.session` directly. */
export interface Rig extends TestServer {
  /** Connects (with `token`, else as a first visit) and gives both ends. */
  connect(token?: string): Promise<Connected>;
}

export interface Connected {
  readonly client: Socket;
  readonly socket: ServerSocket;
  readonly session: SessionHandle;
  readonly token: string;
  readonly id: string;
}

export async function startRig(options: TestServerOptions): Promise<Rig> {
  const server = await startServer(options);
  return {
    ...server,
    async connect(given = "") {
      const client = server.client({ auth: { token: given } });
      const { token } = await gotToken(client);
      const socket = serverSideOf(server.io, client);
      return { client, socket, session: socket.session, token, id: token.slice(0, 32) };
    },
  };
}

/** The server's socket of a connected client. */
export function serverSideOf(io: Server, client: Socket): ServerSocket {
  const socket = io.sockets.sockets.get(client.id ?? "");
  if (!socket) throw new Error("the client is not connected");
  return socket;
}

/** Ids of the sessions that are live in this process. */
export function liveIds(sessions: TokenSessions): string[] {
  return Array.from(registryOf(sessions)?.live() ?? [], ({ id }) => id);
}
