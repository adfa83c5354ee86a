import type { IncomingMessage, ServerResponse } from "node:http";
import type { Outages } from "../base/outages.js";
import { SessionError, toSessionError } from "../errors.js";
import { SessionHandle } from "../handle/handle.js";
import { AddressLimits } from "../registry/mint-limit.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import type { Seconds } from "../store.js";
import { Credential } from "../token/credential.js";
import { parseStandIn, type Tickets } from "../token/tickets.js";
import { bearerToken, type TokenCookies } from "../token/token-cookies.js";
import { type Answer, type Missing, unauthorized, unavailable } from "./answer.js";
import { CookieBridge, type CookieBridgeOptions } from "./cookie-bridge.js";
import { type Exchange, RequestSession } from "./request-session.js";
import { withOpenSlot } from "./request-slots.js";
import { ResponseBearer, writeTokenHeader } from "./response-bearer.js";
import { isAnswered, watchAnswer, whenOver } from "./response-state.js";

/** What `sessions.express()`, `sessions.koa()` and `sessions.fastify()` take. */
export interface RequestSessionOptions {
  /**
   * Requests without a session are answered with `401`, a `WWW-Authenticate` header and `{ code, message }`: `SESSION_MISSING` without a token
   * or with one that opens nothing, `SESSION_ENDED` with an expired one. `OPTIONS` requests go through. @default false
   */
  required?: boolean;
  /** Nothing is read until a handler asks for it (`await req.session.ready`), or changes something. Not with `required`. @default false */
  lazy?: boolean;
  /**
   * The address that a request counts under, for a limit on the sessions that `req.session.start()` creates: 60 at once, then one a
   * second, `SESSION_TOO_MANY` beyond. As the option of the same name for sockets. @default no limit by address
   *
   * @example
   * addressOf: (request) => request.socket.remoteAddress
   */
  addressOf?: (request: IncomingMessage) => string | undefined;
  /**
   * Keeps the token of web pages in an httpOnly cookie, out of their scripts' reach; the client's `storage: httpOnlyCookie({ url })` speaks to
   * it. Needs the option `cookieSecret` of `tokenSession`. Apps that send the token themselves are served as ever. The cookie is
   * believed only where the request comes from a page of this very host, or of `origins`. @default no cookie
   */
  cookie?: CookieBridgeOptions;
}

/** What the requests of one `tokenSession` share. */
export interface RequestContext {
  readonly registry: SessionRegistry;
  readonly outages: Outages;
  /** Cookies that hold a token, which sockets are not to show. */
  readonly tokenCookies: TokenCookies;
  /** Where there is a `cookieSecret`. */
  readonly tickets: Tickets | undefined;
  readonly absoluteExpiration: Seconds;
}

/** Opens the sessions of requests, whatever the framework. */
export class RequestSessions {
  readonly #context: RequestContext;
  readonly #required: boolean;
  readonly #lazy: boolean;
  readonly #limits: AddressLimits<IncomingMessage>;
  readonly #bridge: CookieBridge | undefined;

  constructor(context: RequestContext, options: RequestSessionOptions = {}) {
    const { required, lazy, addressOf, cookie } = checked(options);
    this.#context = context;
    this.#limits = new AddressLimits(context.registry, addressOf);
    this.#bridge = cookie && bridgeOf(context, this.#limits, cookie);
    this.#required = required;
    this.#lazy = lazy;
  }

  /**
   * The session of a request, with what it presents looked at unless that is put off; or what to answer in its place. `present`: what the
   * request has for a session already, where this is mounted once more. Rejects with `SESSION_OPTION_INVALID` where that is somebody else's.
   */
  async enter(
    request: IncomingMessage,
    response: ServerResponse,
    present?: unknown,
  ): Promise<{ session: RequestSession; answer?: Answer }> {
    const visit =
      present === undefined
        ? new Visit(this.#context, { limits: this.#limits, bridge: this.#bridge }, request, response)
        : this.#visitOf(present);
    const { session } = visit;
    const ofBridge = this.#bridge?.answer(request, response);
    if (ofBridge) return { session, answer: await ofBridge };
    if (this.#lazy) return { session };
    try {
      await visit.load();
    } catch (error) {
      return { session, answer: unavailable(toSessionError(error)) };
    }
    const missing = session.active ? undefined : (visit.missing ?? "unknown");
    // A browser asks by OPTIONS, without the token, whether it may send it.
    const isRefused = this.#required && missing && request.method !== "OPTIONS";
    return isRefused ? { session, answer: unauthorized(missing) } : { session };
  }

  /** Mounted once more, on a router or a route, where `required` may be new; all else is as it was found first. */
  #visitOf(present: unknown): Visit {
    const visit = present instanceof RequestSession ? visits.get(present) : undefined;
    const wrong = (text: string) => new SessionError("SESSION_OPTION_INVALID", text);
    if (visit?.registry !== this.#context.registry)
      throw wrong("another session middleware has given this request a session");
    if (this.#bridge && !visit.readsCookie)
      throw wrong("cookie must be given where the request first comes to the session middleware");
    return visit;
  }
}

/** Whose session it is, where another mount of the same token sessions comes upon it. */
const visits = new WeakMap<object, Visit>();

/** One request on its way through the application. */
class Visit implements Exchange {
  readonly session: RequestSession;
  /** Why there is no session, once what was presented has been looked at. */
  missing: Missing | undefined;
  readonly #context: RequestContext;
  readonly #limits: AddressLimits<IncomingMessage>;
  readonly #bridge: CookieBridge | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #kept: Session[] = [];
  #loading: Promise<void> | undefined;
  #loaded = false;

  constructor(
    context: RequestContext,
    { limits, bridge }: { limits: AddressLimits<IncomingMessage>; bridge: CookieBridge | undefined },
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    this.#context = context;
    this.#limits = limits;
    this.#bridge = bridge;
    this.#request = request;
    this.#response = response;
    this.session = new RequestSession(this);
    visits.set(this.session, this);
    watchAnswer(response);
  }

  /** Whether it looks for a cookie. */
  get readsCookie(): boolean {
    return this.#bridge !== undefined;
  }

  get isAnswered(): boolean {
    return isAnswered(this.#response);
  }

  get registry(): SessionRegistry {
    return this.#context.registry;
  }

  bearer(credential: Credential): ResponseBearer {
    const bridge = this.#bridge;
    const write = bridge?.serves(this.#request, bearerToken(this.#request)) ? bridge.write : writeTokenHeader;
    return new ResponseBearer(this.#response, credential, {
      write,
      log: this.registry.log,
    });
  }

  keep(session: Session): void {
    this.#kept.push(session);
    if (this.#kept.length === 1) whenOver(this.#request, this.#response, () => this.#release());
  }

  #release(): void {
    for (const session of this.#kept.splice(0)) this.registry.release(session);
  }

  takeMintPermit(): boolean {
    return this.#limits.of(this.#request)?.take() ?? true;
  }

  load(): Promise<void> | undefined {
    if (this.#loaded) return undefined;
    this.#loading ??= this.#open().then(
      () => {
        this.#loaded = true;
      },
      (error: unknown) => {
        // Who asks again has it tried again.
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  async #open(): Promise<void> {
    const presented = this.#presented();
    if (presented === undefined) {
      this.missing = "none";
      return;
    }
    const { registry, outages } = this.#context;
    const token = registry.parseToken(presented);
    if (!token) {
      registry.emitInvalid("malformed");
      this.missing = "unknown";
      return;
    }
    try {
      const opened = await withOpenSlot(this.#request, () => registry.open(token));
      outages.over();
      if (opened.found === "session") {
        this.#context.tokenCookies.opened(this.#request);
        this.#take(opened.session, token.secretHash);
      } else this.missing = opened.found === "expired" ? "expired" : "unknown";
    } catch (error) {
      const failure = toSessionError(error);
      outages.report(failure);
      throw failure;
    }
  }

  /** What a page sends for a token that is in its cookie is none. */
  #presented(): string | undefined {
    const sent = bearerToken(this.#request);
    const isMissing = sent === undefined || (this.#bridge && parseStandIn(sent));
    return isMissing ? this.#bridge?.tokenOf(this.#request) : sent;
  }

  #take(session: Session, secretHash: Uint8Array): void {
    this.keep(session);
    SessionHandle.bind(this.session, session, this.bearer(new Credential(secretHash)));
  }
}

function bridgeOf(
  { registry, tickets, tokenCookies, absoluteExpiration: maxAge }: RequestContext,
  limits: AddressLimits<IncomingMessage>,
  options: CookieBridgeOptions,
): CookieBridge {
  if (!tickets)
    throw new SessionError("SESSION_OPTION_INVALID", "cookie needs the option cookieSecret of tokenSession");
  const bridge = new CookieBridge({ registry, tickets, limits, maxAge }, options);
  tokenCookies.add(bridge.cookieName);
  return bridge;
}

function checked(options: RequestSessionOptions) {
  const { required = false, lazy = false, addressOf, cookie, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new SessionError("SESSION_OPTION_INVALID", `there is no option ${JSON.stringify(unknown)}`);
  if (typeof required !== "boolean" || typeof lazy !== "boolean")
    throw new SessionError("SESSION_OPTION_INVALID", "required and lazy must be true or false");
  if (required && lazy)
    throw new SessionError("SESSION_OPTION_INVALID", "required sessions cannot be lazy: they are read first");
  if (addressOf !== undefined && typeof addressOf !== "function")
    throw new SessionError("SESSION_OPTION_INVALID", "addressOf must be a function of a request");
  return { required, lazy, addressOf, cookie };
}
