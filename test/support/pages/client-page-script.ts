// Runs in the page: opens the clients that its address names, and keeps what becomes of each.
import type { io as connect, ManagerOptions, Socket, SocketOptions } from "socket.io-client";
import {
  type ClientEvents,
  type ClientOptions,
  type ClientSession,
  tokenSession,
} from "../../../client/index.js";

/** A client that a page opens when it is loaded. */
export interface ClientGiven {
  url: string;
  io?: Partial<ManagerOptions & SocketOptions>;
  session?: Omit<ClientOptions, "storage" | "app">;
}

export interface Heard {
  name: keyof ClientEvents;
  content: Record<string, unknown>;
}

export interface PageClient {
  readonly socket: Socket;
  readonly session: ClientSession;
  /** What the session told, in order; without its tokens, which are counted. */
  readonly heard: Heard[];
  /** Tokens that it was told by the event `token`. */
  tokens: number;
  /** `gotToken` that came. */
  gotTokens: number;
  connects: number;
}

declare global {
  interface Window {
    io: typeof connect;
    clients: PageClient[];
  }
}

function open({ url, io, session: options }: ClientGiven): PageClient {
  const socket = window.io(url, { reconnectionDelay: 20, reconnectionDelayMax: 100, ...io });
  const session = tokenSession(socket, options);
  const client: PageClient = { socket, session, heard: [], tokens: 0, gotTokens: 0, connects: 0 };
  session.on("start", (content) => client.heard.push({ name: "start", content: { ...content } }));
  session.on("end", (content) => client.heard.push({ name: "end", content: { ...content } }));
  session.on("error", ({ code, cause }) =>
    client.heard.push({ name: "error", content: { code, cause: String(cause) } }),
  );
  session.on("token", () => client.tokens++);
  socket.on("gotToken", () => client.gotTokens++);
  socket.on("connect", () => client.connects++);
  return client;
}

const asked = new URLSearchParams(location.search).get("clients") ?? "[]";
window.clients = (JSON.parse(asked) as ClientGiven[]).map(open);
