/**
 * A storage for web builds whose token is in an httpOnly cookie: {@link httpOnlyCookie}.
 *
 * @module
 */
import type { TokenStorage } from "../types.js";

/** What {@link httpOnlyCookie} takes. */
export interface HttpOnlyCookieOptions {
  /**
   * Where the server has its bridge: the `url` of `sessions.express({ cookie: { url } })`, of this or another
   * origin. @default "/session"
   */
  url?: string;
}

/** What the page has before its first session. */
const NOTHING = ".cookie";

interface Answer {
  /** What stands for the token in the cookie, `<sessionId>.cookie`; `""` where there is none. */
  token: string;
  /** For a short time, what is presented in its place. */
  ticket?: string;
  /** The request has brought no cookie. */
  kept?: false;
}

/**
 * For web builds: the token is in an httpOnly cookie that the server sets, where no script can read it, and
 * this storage has only what stands for it. `session.token` is `<sessionId>.cookie`; one cookie is one
 * session, so not together with `identity`, `use()` or two sockets of different keys. HTTP requests to the
 * server carry the cookie by themselves. Rejects with an `Error` that names the status where the server
 * refuses, and one that says so where the browser keeps no cookie: no session is made then.
 *
 * @example
 * const session = tokenSession(io(), { storage: httpOnlyCookie({ url: "/session" }) });
 */
export function httpOnlyCookie({ url = "/session" }: HttpOnlyCookieOptions = {}): TokenStorage {
  /** The browser had no session when it was last asked. */
  let isFirst: boolean | undefined;
  /**
   * The ticket of a first token that could not be exchanged: without it that session would be lost at the
   * next connection.
   */
  let owed = "";

  async function call(method: string, ticket?: string): Promise<Answer> {
    const response = await fetch(url, {
      method,
      credentials: "include",
      // What another tab has stored since must not come from a cache.
      cache: "no-store",
      ...(ticket !== undefined && { headers: { "Session-Ticket": ticket } }),
    });
    // Too old by now, or of another browser.
    if (response.status === 403) owed = "";
    if (!response.ok) throw new Error(`${method} ${url} was answered with ${response.status}`);
    return response.json();
  }
  async function exchange(ticket: string) {
    if (isFirst) owed = ticket;
    const { token } = await call("POST", ticket);
    owed = "";
    return token;
  }

  async function forget() {
    owed = "";
    await call("DELETE");
  }

  return {
    async getItem() {
      const { token } = await call("GET");
      isFirst = !token;
      return token || (owed && (await exchange(owed))) || NOTHING;
    },
    async setItem(_key, text) {
      if (text === "") return forget();
      if (text.includes("~")) return exchange(text);
      // A token itself is what must not get here.
      if (!text.endsWith(NOTHING))
        throw new Error("the server keeps no token in a cookie: it has no cookieSecret");
      return text;
    },
    removeItem: forget,
    async present(token) {
      const { token: now, ticket, kept } = await call("GET");
      // The answer to `getItem` has set one. A session made now would be lost at the next connection, and
      // another one made.
      if (kept === false)
        throw new Error(`the browser keeps no cookie of ${url}: not of another site, or not without https`);
      // Another tab's, since it was read: to be read again. Not where the session is over, and could not be
      // forgotten: it gets another.
      if (token && (now || NOTHING) !== token) throw new Error("the cookie has changed meanwhile");
      return ticket ?? NOTHING;
    },
  };
}
