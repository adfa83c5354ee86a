import type { IncomingMessage } from "node:http";
import { isTokenCookie } from "./token.js";

type Request = Pick<IncomingMessage, "headers" | "rawHeaders"> &
  Partial<Pick<IncomingMessage, "headersDistinct">>;

/** `Cookie` as it came, of requests from which something has been taken out. */
const asSent = new WeakMap<object, string>();

/** The header `Cookie` of a request, as it came. */
export function cookieHeaderOf(request: Pick<IncomingMessage, "headers">): string | undefined {
  return asSent.get(request) ?? request.headers.cookie;
}

/**
 * The cookies of the bridge, which hold a token. They are told by their names, where the bridge is mounted in this process, and by what is in
 * them: another process may have set them.
 */
export class TokenCookies {
  readonly #names = new Set<string>();

  /** There is a bridge in this process, whose cookie has this name. */
  add(name: string): void {
    this.#names.add(name);
  }

  /** Takes them out of a request, wherever it has its headers. All other cookies stay. */
  hideIn(request: Request): void {
    const { headers, rawHeaders } = request;
    const { cookie } = headers;
    if (!cookie) return;
    const others = this.#without(cookie);
    if (others === cookie) return;
    if (!asSent.has(request)) asSent.set(request, cookie);
    headers.cookie = others;
    for (let at = 0; at + 1 < (rawHeaders?.length ?? 0); at += 2) {
      if (rawHeaders[at]?.toLowerCase() === "cookie")
        rawHeaders[at + 1] = this.#without(rawHeaders[at + 1] ?? "");
    }
    // Node makes it of the raw ones when it is first asked for.
    const distinct = request.headersDistinct?.["cookie"];
    if (request.headersDistinct && distinct)
      request.headersDistinct["cookie"] = distinct.map((each) => this.#without(each));
  }

  #without(cookie: string): string {
    const pairs = cookie.split(";");
    const others = pairs.filter((pair) => !this.#isToken(pair));
    return others.length === pairs.length ? cookie : others.join(";").trim();
  }

  #isToken(pair: string): boolean {
    const at = pair.indexOf("=");
    return this.#names.has(pair.slice(0, at).trim()) || isTokenCookie(pair.slice(at + 1).trim());
  }
}
