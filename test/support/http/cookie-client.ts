import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "socket.io";
import { RESERVED_KEY } from "../../../src/store.js";
import type { Nodes } from "../servers/nodes.js";

/** What a request was answered. */
export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** Somebody's browser, as far as one cookie goes. */
export class CookieClient {
  readonly #url: string;
  /** `name=value`, as it goes into the next request; empty without. */
  cookie = "";
  /** The header that set it last, with its settings. */
  setCookie = "";

  constructor(url: string, cookie = "") {
    this.#url = url;
    this.cookie = cookie;
  }

  /** The same browser's next tab. */
  another(): CookieClient {
    return new CookieClient(this.#url, this.cookie);
  }

  async get(path: string): Promise<Answered> {
    const response = await fetch(this.#url + path, { headers: this.cookie ? { cookie: this.cookie } : {} });
    const cookies = response.headers.getSetCookie();
    // The signature of koa-session's cookie is a cookie of its own.
    if (cookies.length > 0) {
      this.setCookie = cookies[0] ?? "";
      this.cookie = cookies.map((each) => each.split(";")[0]).join("; ");
    }
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, body: await (isJson ? response.json() : response.text()) };
  }
}

/**
 * The values in a row, without what it holds for express-session or koa-session, which is `entry`;
 * `undefined` where there is no row.
 */
export async function cookieRow(
  nodes: Pick<Nodes, "row">,
  id: string,
): Promise<{ values: Record<string, unknown>; entry: unknown } | undefined> {
  const row = await nodes.row(id);
  if (!row) return undefined;
  const { [RESERVED_KEY]: entry, ...values } = row.data;
  return { values, entry };
}

/** What is left to a session by the database's clock, and its own idle time: seconds. */
export async function lifeOf(
  { database }: Pick<Nodes, "database">,
  id: string,
): Promise<{ idleSeconds: number | null; left: number }> {
  const [row] = await database.rows<{ idleSeconds: number | null; left: number }>(
    "select idleSeconds, cast(expires as signed) - unix_timestamp() as `left` from session where sessionId = ?",
    [id],
  );
  if (!row) throw new Error("no such row");
  return row;
}

/** Adds an application to the HTTP server of a Socket.IO server, for all paths that are not Socket.IO's. */
export function serve(
  io: Server,
  app: (request: IncomingMessage, response: ServerResponse) => unknown,
): void {
  io.httpServer.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith("/socket.io/")) app(request, response);
  });
}
