import type { IncomingMessage, ServerResponse } from "node:http";
import type { Outages } from "../base/outages.js";
import { toSessionError } from "../errors.js";
import { SessionHandle } from "../handle/handle.js";
import type { AddressLimits } from "../registry/mint-limit.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import type { Seconds } from "../store.js";
import { Credential } from "../token/credential.js";
import { bearerToken } from "../token/request-headers.js";
import { parseStandIn, type Tickets } from "../token/tickets.js";
import type { TokenCookies } from "../token/token-cookies.js";
import type { Missing } from "./answer.js";
import type { CookieBridge } from "./cookie-bridge.js";
import { type Exchange, RequestSession } from "./request-session.js";
import { withOpenSlot } from "./request-slots.js";
import { ResponseBearer, writeTokenHeader } from "./response-bearer.js";
import { isAnswered, onResponseOver, trackHeaders } from "./response-state.js";

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

/** Whose session it is, where another mount of the same token sessions comes upon it. */
export const exchanges = new WeakMap<object, RequestExchange>();

/** One request on its way through the application. */
export class RequestExchange implements Exchange {
  readonly session: RequestSession;
  /** Why there is no session, once what was presented has been looked at. */
  missing: Missing | undefined;
  readonly #context: RequestContext;
  readonly #limits: AddressLimits<IncomingMessage>;
  readonly #bridge: CookieBridge | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #held: Session[] = [];
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
    exchanges.set(this.session, this);
    trackHeaders(response);
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

  createBearer(credential: Credential): ResponseBearer {
    const bridge = this.#bridge;
    const write = bridge?.usesCookie(this.#request, bearerToken(this.#request))
      ? bridge.write
      : writeTokenHeader;
    return new ResponseBearer(this.#response, credential, {
      write,
      log: this.registry.log,
    });
  }

  holdUntilAnswered(session: Session): void {
    this.#held.push(session);
    if (this.#held.length === 1) onResponseOver(this.#request, this.#response, () => this.#release());
  }

  #release(): void {
    for (const session of this.#held.splice(0)) this.registry.release(session);
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
      outages.reportRecovery();
      if (opened.found === "session") {
        this.#context.tokenCookies.markOpened(this.#request);
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
    return isMissing ? this.#bridge?.readToken(this.#request) : sent;
  }

  #take(session: Session, secretHash: Uint8Array): void {
    this.holdUntilAnswered(session);
    SessionHandle.bind(this.session, session, this.createBearer(new Credential(secretHash)));
  }
}
