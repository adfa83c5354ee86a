import { SessionError } from "../errors.js";
import { SessionHandle } from "../handle/handle.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import { Credential } from "../token/credential.js";
import type { ResponseBearer } from "./response-bearer.js";

/** What one request needs of its framework's answer. */
export interface Exchange {
  readonly registry: SessionRegistry;
  /** The client of this request, as rotations of a session see it that it has by this right. */
  createBearer(credential: Credential): ResponseBearer;
  /** Keeps a session that the registry holds until the answer has gone out. */
  holdUntilAnswered(session: Session): void;
  /** It is too late to give its client a token. */
  readonly isAnswered: boolean;
  /** Whether one more session may be created for it; counts it if so. */
  takeMintPermit(): boolean;
  /** Opens what the request presents, where that is put off until somebody asks; once. */
  load(): Promise<void> | undefined;
}

/**
 * The session of one HTTP request: `req.session`, `ctx.session`. The same handle as `socket.session`, on the
 * same session, with the client behind this request: a `login` or `regenerate` takes effect in one step, and
 * the new token goes out in the header `Session-Token` of the answer (or its cookie), so call it before the
 * answer begins.
 */
export class RequestSession extends SessionHandle {
  readonly #exchange: Exchange;
  #starting: Promise<void> | undefined;

  /** @internal */
  constructor(exchange: Exchange) {
    super(exchange.registry);
    this.#exchange = exchange;
  }

  /**
   * Resolves once the token that came with the request has been looked at; with `{ lazy: true }` that begins
   * when this is first asked for, or with the first change. `active` then says whether it has opened a
   * session. Errors (`lazy` only; otherwise the request has been answered): `SESSION_STORE_UNAVAILABLE`,
   * `SESSION_STORE_FAILED`, `SESSION_CLOSED`.
   */
  override get ready(): Promise<void> {
    return this.loading() ?? Promise.resolve();
  }

  protected override loading(): Promise<void> | undefined {
    return this.#exchange.load();
  }

  /**
   * Creates a session where this request has none, or one that is over; its token goes out with the answer.
   * Does nothing where there is one. Errors: `SESSION_TOO_MANY`, `SESSION_NOT_CONFIRMED` where the answer has
   * begun, `SESSION_TOKEN_CHANGED` where another request has changed the token meanwhile,
   * `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_CLOSED`.
   *
   * @example
   * app.post("/login", async (req, res) => {
   *   const user = await checkPassword(req.body); // first: this must make no session where it is wrong
   *   if (!user) return res.status(401).json({ error: "WRONG_PASSWORD" });
   *   await req.session.start();
   *   await req.session.login(user.id);
   *   res.json({ userId: req.session.userId });
   * });
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.watched(this.#starting);
  }

  async #start(): Promise<void> {
    await this.ready;
    if (this.active) return;
    const { registry } = this.#exchange;
    const before = SessionHandle.sessionOf(this);
    // Another request has logged in: a new session would push out the token that its answer brings.
    if (before && !before.ended) throw before.error("SESSION_TOKEN_CHANGED");
    if (this.#exchange.isAnswered) throw new SessionError("SESSION_NOT_CONFIRMED", "the answer has begun");
    if (!this.#exchange.takeMintPermit()) throw new SessionError("SESSION_TOO_MANY");
    const { session, token } = await registry.mint(null);
    this.#exchange.holdUntilAnswered(session);
    const bearer = this.#exchange.createBearer(new Credential(token.secretHash));
    if (bearer.isGone) throw session.error("SESSION_NOT_CONFIRMED", "the answer has begun");
    SessionHandle.bind(this, session, bearer);
    await bearer.offer(token);
  }
}
