import type { IncomingMessage, ServerResponse } from "node:http";
import {
  complete,
  flag,
  invalidOption,
  type OptionsOf,
  optional,
  optionalFunction,
} from "../base/option-table.js";
import { toSessionError } from "../errors.js";
import { AddressLimits } from "../registry/mint-limit.js";
import { type Answer, unauthorized, unavailable } from "./answer.js";
import { CookieBridge, type CookieBridgeOptions } from "./cookie-bridge.js";
import { exchanges, type RequestContext, RequestExchange } from "./request-exchange.js";
import { RequestSession } from "./request-session.js";

/** What `sessions.express()`, `sessions.koa()` and `sessions.fastify()` take. */
export interface RequestSessionOptions {
  /**
   * Requests without a session are answered with `401`, a `WWW-Authenticate` header and `{ code, message }`:
   * `SESSION_MISSING` without a token or with one that opens nothing, `SESSION_ENDED` with an expired one.
   * `OPTIONS` requests go through. @default false
   */
  required?: boolean;
  /**
   * Nothing is read until a handler asks for it (`await req.session.ready`), or changes something. Not with
   * `required`. @default false
   */
  lazy?: boolean;
  /**
   * The address that a request counts under, for a limit on the sessions that `req.session.start()` creates:
   * 60 at once, then one a second, `SESSION_TOO_MANY` beyond. As the option of the same name for sockets.
   * @default no limit by address
   *
   * @example
   * addressOf: (request) => request.socket.remoteAddress
   */
  addressOf?: (request: IncomingMessage) => string | undefined;
  /**
   * Keeps the token of web pages in an httpOnly cookie, out of their scripts' reach; the client's
   * `storage: httpOnlyCookie({ url })` speaks to it. Needs the option `cookieSecret` of `tokenSession`. Apps
   * that send the token themselves are served as ever. The cookie is believed only where the request comes
   * from a page of this very host, or of `origins`. @default no cookie
   */
  cookie?: CookieBridgeOptions;
}

export const requestOptions = {
  required: flag(false),
  lazy: flag(false),
  addressOf: optionalFunction<NonNullable<RequestSessionOptions["addressOf"]>>("a function of a request"),
  // The bridge that it is for looks at what is in it.
  cookie: optional(
    (value): value is CookieBridgeOptions => typeof value === "object" && value !== null,
    "an object of options",
  ),
} satisfies OptionsOf<RequestSessionOptions>;

/** Opens the sessions of requests, whatever the framework. */
export class SessionMiddleware {
  readonly #context: RequestContext;
  readonly #required: boolean;
  readonly #lazy: boolean;
  readonly #limits: AddressLimits<IncomingMessage>;
  readonly #bridge: CookieBridge | undefined;

  constructor(context: RequestContext, options: RequestSessionOptions = {}) {
    const { required, lazy, addressOf, cookie } = complete(requestOptions, options);
    if (required && lazy) throw invalidOption("required sessions cannot be lazy: they are read first");
    this.#context = context;
    this.#limits = new AddressLimits(context.registry, addressOf);
    this.#bridge = cookie && bridgeOf(context, this.#limits, cookie);
    this.#required = required;
    this.#lazy = lazy;
  }

  /**
   * The session of a request, with what it presents looked at unless that is put off; or what to answer in
   * its place. `present`: what the request has for a session already, where this is mounted once more.
   * Rejects with `SESSION_OPTION_INVALID` where that is somebody else's.
   */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    present?: unknown,
  ): Promise<{ session: RequestSession; answer?: Answer }> {
    const exchange =
      present === undefined
        ? new RequestExchange(
            this.#context,
            { limits: this.#limits, bridge: this.#bridge },
            request,
            response,
          )
        : this.#exchangeOf(present);
    const { session } = exchange;
    const ofBridge = this.#bridge?.answer(request, response);
    if (ofBridge) return { session, answer: await ofBridge };
    if (this.#lazy) return { session };
    try {
      await exchange.load();
    } catch (error) {
      return { session, answer: unavailable(toSessionError(error)) };
    }
    const missing = session.active ? undefined : (exchange.missing ?? "unknown");
    // A browser asks by OPTIONS, without the token, whether it may send it.
    const isRefused = this.#required && missing && request.method !== "OPTIONS";
    return isRefused ? { session, answer: unauthorized(missing) } : { session };
  }

  /**
   * Mounted once more, on a router or a route, where `required` may be new; all else is as it was found
   * first.
   */
  #exchangeOf(present: unknown): RequestExchange {
    const exchange = present instanceof RequestSession ? exchanges.get(present) : undefined;
    if (exchange?.registry !== this.#context.registry)
      throw invalidOption("another session middleware has given this request a session");
    if (this.#bridge && !exchange.readsCookie)
      throw invalidOption("cookie must be given where the request first comes to the session middleware");
    return exchange;
  }
}

function bridgeOf(
  { registry, tickets, tokenCookies, absoluteExpiration: maxAge }: RequestContext,
  limits: AddressLimits<IncomingMessage>,
  options: CookieBridgeOptions,
): CookieBridge {
  if (!tickets) throw invalidOption("cookie needs the option cookieSecret of tokenSession");
  const bridge = new CookieBridge({ registry, tickets, limits, maxAge }, options);
  tokenCookies.addName(bridge.cookieName);
  return bridge;
}
