import type { IncomingMessage } from "node:http";
import { bearerToken, keepAuthorization, keepCookieHeader } from "./request-headers.js";
import { isTokenCookie } from "./token.js";

type Request = Pick<IncomingMessage, "headers" | "rawHeaders"> &
  Partial<Pick<IncomingMessage, "headersDistinct">>;

/**
 * The cookies of the bridge, which hold a token. They are told by their names, where the bridge is mounted in
 * this process, and by what is in them: another process may have set them.
 */
export class TokenCookies {
  readonly #names = new Set<string>();
  readonly #hasBridges: boolean;
  /** Requests that have a session by what they have presented: not every token can be told by its look. */
  readonly #opened = new WeakSet<object>();

  /** `hasBridges`: whether there may be bridges, here or in other processes. */
  constructor({ hasBridges }: { hasBridges: boolean }) {
    this.#hasBridges = hasBridges;
  }

  /** There is a bridge in this process, whose cookie has this name. */
  addName(name: string): void {
    this.#names.add(name);
  }

  /** What a request has presented has opened a session. */
  markOpened(request: object): void {
    this.#opened.add(request);
  }

  /**
   * Takes them out of a request, wherever it has its headers, and a token in `Authorization` too. All else
   * stays.
   */
  hideIn(request: Request): void {
    if (this.#hasBridges) this.#hideCookies(request);
    const token = bearerToken(request);
    if (token !== undefined && (this.#opened.has(request) || isTokenCookie(token)))
      hideAuthorization(request);
  }

  #hideCookies(request: Request): void {
    const { headers, rawHeaders } = request;
    const { cookie } = headers;
    if (!cookie) return;
    const others = this.#without(cookie);
    if (others === cookie) return;
    keepCookieHeader(request, cookie);
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

function hideAuthorization(request: Request): void {
  const { headers, rawHeaders, headersDistinct } = request;
  const sent = headers.authorization;
  if (sent === undefined) return;
  keepAuthorization(request, sent);
  delete headers.authorization;
  for (let at = (rawHeaders?.length ?? 0) - 2; at >= 0; at -= 2) {
    if (rawHeaders[at]?.toLowerCase() === "authorization") rawHeaders.splice(at, 2);
  }
  // Node makes it of the raw ones when it is first asked for.
  delete headersDistinct?.["authorization"];
}
