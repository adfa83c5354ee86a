import type { IncomingMessage, ServerResponse } from "node:http";
import { parse, serialize } from "cookie";
import {
  type Completed,
  complete,
  flag,
  invalidOption,
  type OptionsOf,
  oneOf,
  optional,
  text,
} from "../base/option-table.js";
import { storeError } from "../gateway/retry.js";
import type { AddressLimits } from "../registry/mint-limit.js";
import type { SessionRegistry } from "../registry/registry.js";
import { bytesToText, type HashText, hashSecret, isSameHashText } from "../token/hash.js";
import { cookieHeaderOf } from "../token/request-headers.js";
import { parseStandIn, standInFor, type Tickets } from "../token/tickets.js";
import { generateToken, parseToken } from "../token/token.js";
import { type Answer, answer, refused, unavailable } from "./answer.js";
import { originList } from "./cookies.js";
import { isTrustedPage } from "./origin.js";
import type { TokenWriter } from "./response-bearer.js";

/** The option `cookie` of `sessions.express()` and its like. */
export interface CookieBridgeOptions {
  /**
   * Where the client's `httpOnlyCookie({ url })` finds the bridge: a path of this application. @default
   * "/session"
   */
  url?: string;
  /** Name of the cookie. @default "session-token" */
  name?: string;
  /**
   * Only by https. `false` for development without it: Safari keeps it on localhost neither, Chrome and
   * Firefox do. @default true
   */
  secure?: boolean;
  /**
   * When a browser sends the cookie along with what other sites' pages ask for: `"strict"`, never; `"lax"`,
   * where a link is followed; `"none"`, always, which needs `secure` and `origins`. @default "lax"
   */
  sameSite?: "strict" | "lax" | "none";
  /** For the servers of all subdomains. @default the server's own host alone */
  domain?: string;
  /** Pages of these origins may use the cookie, besides those of the server's own host. @default none */
  origins?: readonly string[];
}

export const bridgeOptions = {
  url: text((url) => /^\/[^?#]*$/.test(url), 'a path such as "/session"', "/session"),
  name: text((name) => /^[\w.-]+$/.test(name), "of letters, digits, _, . and -", "session-token"),
  secure: flag(true),
  sameSite: oneOf(["strict", "lax", "none"], "lax"),
  domain: optional(isDomain, "the name of a host"),
  origins: originList,
} satisfies OptionsOf<CookieBridgeOptions>;

/**
 * The request header that carries a ticket to be exchanged for a cookie. Pages of other origins may not send
 * it without being asked.
 */
export const TICKET_HEADER = "session-ticket";

/** What the bridge needs besides its options. */
export interface BridgeContext {
  readonly registry: SessionRegistry;
  readonly tickets: Tickets;
  readonly limits: AddressLimits<IncomingMessage>;
  /** How long a browser keeps the cookie. Seconds. */
  readonly maxAge: number;
}

/**
 * Keeps the token of a web page in an httpOnly cookie: `GET` tells the page's script which session there is
 * and gives it a ticket to present over Socket.IO, `POST` exchanges the ticket that `gotToken` has brought
 * for the cookie, `DELETE` forgets. No answer has the token in it.
 */
export class CookieBridge {
  readonly #options: Completed<typeof bridgeOptions>;
  readonly #context: BridgeContext;

  constructor(context: BridgeContext, options: CookieBridgeOptions) {
    this.#context = context;
    this.#options = complete(bridgeOptions, options, "cookie: ");
    const { sameSite, secure, origins } = this.#options;
    if (sameSite === "none" && (!secure || origins.length === 0))
      throw invalidOption(
        'cookie: sameSite "none" needs secure, and origins: other sites send the cookie too',
      );
  }

  get cookieName(): string {
    return this.#options.name;
  }

  /** The token in the cookie of a request, where a page that may use it has sent it. */
  readToken(request: IncomingMessage): string | undefined {
    return parseToken(this.#readCookie(request))?.text;
  }

  #readCookie(request: IncomingMessage): string | undefined {
    if (!isTrustedPage(request.headers, this.#options.origins)) return undefined;
    return parse(cookieHeaderOf(request) ?? "")[this.#options.name];
  }

  /**
   * Whether a new token belongs into the cookie: the request is that of a page which may use it, has come by
   * it, or says so.
   */
  usesCookie(request: IncomingMessage, presented: string | undefined): boolean {
    const { headers } = request;
    if (!isTrustedPage(headers, this.#options.origins)) return false;
    if (presented !== undefined) return parseStandIn(presented) !== undefined;
    const hasCookie = parse(cookieHeaderOf(request) ?? "")[this.#options.name] !== undefined;
    return hasCookie || headers.origin !== undefined || headers["sec-fetch-site"] === "same-origin";
  }

  /** Puts a token into an answer. */
  readonly write: TokenWriter = (response, token) => this.#setCookie(response, token, this.#context.maxAge);

  /** Answers a request to the bridge itself; `undefined` for all others. */
  answer(request: IncomingMessage, response: ServerResponse): Answer | Promise<Answer> | undefined {
    if (pathOf(request) !== this.#options.url) return undefined;
    if (!isTrustedPage(request.headers, this.#options.origins)) return refused(403, "SESSION_ORIGIN_REFUSED");
    switch (request.method) {
      case "GET":
        return this.#present(request, response);
      case "POST":
        return this.#exchange(request, response);
      case "DELETE":
        this.#setCookie(response, "", 0);
        return answer(200, { token: "" });
    }
    return undefined;
  }

  async #present(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    const { tickets } = this.#context;
    await tickets.refreshClock();
    const cookie = this.#readCookie(request);
    const token = parseToken(cookie);
    const held = secretHashOf(cookie);
    const boundTo = held ?? this.#setFirstSecret(response);
    const ticket = tickets.seal("present", token?.sessionId ?? "", { token: token?.text ?? "", boundTo });
    // Where a second request brings no cookie either, the browser keeps none: a page is to know before a
    // session is made for it.
    const kept = held === undefined && { kept: false };
    return answer(200, { token: token ? standInFor(token.sessionId) : "", ticket, ...kept });
  }

  /**
   * Gives the browser a secret before it has a session, so that the first token can be for this browser
   * alone.
   */
  #setFirstSecret(response: ServerResponse): HashText {
    const cookie = generateToken("");
    this.write(response, cookie.text);
    return bytesToText(cookie.secretHash);
  }

  async #exchange(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    if (this.#context.limits.of(request)?.take() === false) return refused(429, "SESSION_TOO_MANY");
    const standIn = parseStandIn(request.headers[TICKET_HEADER]);
    const ticket = standIn && this.#context.tickets.open("store", standIn);
    // A ticket alone, which scripts see, is not enough.
    const held = secretHashOf(this.#readCookie(request));
    if (!ticket || held === undefined || !isSameHashText(ticket.content.boundTo, held))
      return refused(403, "SESSION_MISSING");
    try {
      if (!(await this.#context.tickets.isGood(ticket))) return refused(403, "SESSION_MISSING");
    } catch (error) {
      return unavailable(storeError(error));
    }
    this.write(response, ticket.content.token);
    return answer(200, { token: standInFor(standIn.sessionId) });
  }

  #setCookie(response: ServerResponse, token: string, maxAge: number): void {
    const { name, secure, sameSite, domain } = this.#options;
    const cookie = serialize(name, token, {
      httpOnly: true,
      path: "/",
      secure,
      sameSite,
      maxAge,
      ...(domain !== undefined && { domain }),
    });
    const others = [response.getHeader("Set-Cookie") ?? []].flat().map(String);
    response.setHeader("Set-Cookie", [...others, cookie]);
  }
}

/** Of the secret in a cookie, which is a token, or before the first one a token without a session. */
function secretHashOf(cookie = ""): HashText | undefined {
  const [, secret] = /^(?:[0-9a-f]{32})?\.([A-Za-z0-9_-]{43})$/.exec(cookie) ?? [];
  return secret === undefined ? undefined : bytesToText(hashSecret(secret));
}

/** The path as the client has sent it: Express shortens `url` for what is mounted. */
function pathOf(request: IncomingMessage & { originalUrl?: string }): string {
  const url = request.originalUrl ?? request.url ?? "";
  return url.replace(/[?#].*/, "");
}

function isDomain(domain: unknown): domain is string {
  try {
    return typeof domain === "string" && serialize("name", "", { domain }) !== "";
  } catch {
    return false;
  }
}
