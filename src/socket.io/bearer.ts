import type { Socket } from "socket.io";
import type { Clock } from "../base/clock.js";
import { withTimeLimit } from "../base/time-limit.js";
import type { Bearer } from "../handle/rotation.js";
import { Credential } from "../token/credential.js";
import type { HashText } from "../token/hash.js";
import type { TokenParser } from "../token/legacy.js";
import type { Tickets } from "../token/tickets.js";
import type { PresentedToken } from "../token/token.js";
import { askForToken, CONFIRM_TIMEOUT_MS, deliverGotToken, newToken, withNumber } from "./client-messages.js";
import type { ClientFacts, Request } from "./handshake.js";

/** How long a client may take to present the token that it holds. */
const PRESENT_TIMEOUT_MS = 10_000;

/** What a client has said, and what it takes to speak to it. */
export interface BearerContext {
  readonly facts: ClientFacts;
  readonly tickets: Tickets | undefined;
  readonly clock: Clock;
  readonly isFixed?: boolean | undefined;
}

/** The client of one socket, as one session's rotations see it. */
export class SocketBearer implements Bearer {
  readonly credential: Credential;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #facts: ClientFacts;
  readonly #tickets: Tickets | undefined;
  /** It has its session by a cookie, and no token can be sent to it. */
  readonly isFixed: boolean;
  /** The presentation that its client has the session by, as that numbers them. */
  #heldSince: number | undefined;
  /** The last one of a token that may be this session's: it may be looked at still. */
  #presented: number | undefined;
  /** Called when the client has presented a token, or has gone. */
  #onPresented: ((presented: boolean) => void)[] | undefined;
  #onClose: Set<() => void> | undefined;
  /** The last token that was given in one step. */
  #replacement: { token: PresentedToken; over: Promise<void> } | undefined;
  #gone = false;

  constructor(
    socket: Socket,
    secretHash: HashText,
    { facts, tickets, clock, isFixed = false }: BearerContext,
  ) {
    this.#socket = socket;
    this.credential = new Credential(secretHash);
    this.#facts = facts;
    this.#tickets = tickets;
    this.#clock = clock;
    this.isFixed = isFixed;
  }

  get canConfirm(): boolean {
    return this.#facts.confirms;
  }

  get isGone(): boolean {
    return this.#gone || this.isFixed || !this.#socket.connected;
  }

  expectReplacement(token: PresentedToken, done: Promise<unknown>): void {
    const before = this.#replacement;
    const over = done.then(
      () => {},
      () => {
        this.#replacement = before;
      },
    );
    this.#replacement = { token, over };
  }

  /** Whether a token was given in one step: what the client presents may still be the one before. */
  get hasReplacement(): boolean {
    return this.#replacement !== undefined;
  }

  /**
   * Waits for a token that is being replaced in one step; the client may present the old one once more before
   * it hears.
   */
  async substitute(request: Request, parseToken: TokenParser): Promise<Request> {
    await this.#replacement?.over;
    const replacement = this.#replacement;
    if (!replacement || request.kind !== "token") return request;
    const token = parseToken(request.presented);
    const isOld =
      token?.sessionId === replacement.token.sessionId && this.credential.isPrevious(token.secretHash);
    return isOld ? { ...request, presented: replacement.token.text } : request;
  }

  presentAgain(): Promise<boolean> {
    if (this.#gone) return Promise.resolve(false);
    return withTimeLimit({ clock: this.#clock, limitMs: PRESENT_TIMEOUT_MS, whenLate: isNot }, () => {
      return new Promise<boolean>((resolve) => {
        this.#onPresented ??= [];
        this.#onPresented.push(resolve);
        this.askForToken();
      });
    });
  }

  async offer(token: PresentedToken, replaces: Uint8Array | null): Promise<boolean> {
    if (this.#facts.cookie !== undefined) await this.#tickets?.refreshClock();
    if (this.#gone) return false;
    // Without `created`: neither a new session, nor the answer to a token that was presented.
    const text = newToken(token, { facts: this.#facts, tickets: this.#tickets }, this.credential.hash);
    // What the client has presented since is not replaced by this one.
    const isOfPresented = replaces !== null && this.credential.hasPresented(replaces);
    const number = isOfPresented ? this.#presented : this.#heldSince;
    const message = withNumber({ token: text, errors: "" }, number);
    const sent = deliverGotToken(this.#socket, message, { confirm: this.canConfirm });
    if (!this.canConfirm) return false;
    let giveUp = () => {};
    return withTimeLimit({ clock: this.#clock, limitMs: CONFIRM_TIMEOUT_MS, whenLate: isNot }, () => {
      return new Promise<boolean>((resolve) => {
        giveUp = () => resolve(false);
        this.#onClose ??= new Set();
        this.#onClose.add(giveUp);
        void sent.then(resolve);
      });
    }).finally(() => this.#onClose?.delete(giveUp));
  }

  askForToken(): void {
    askForToken(this.#socket);
  }

  /**
   * The client is presenting a token: if that opens the session, it is the one that this socket goes on with.
   */
  acceptPresented(request: Request, parseToken: TokenParser): void {
    const token = request.kind === "token" ? parseToken(request.presented) : undefined;
    if (!token || request.kind !== "token") return;
    this.credential.acceptPresented(token.secretHash);
    this.#presented = request.number;
  }

  /** The client has the session by this presentation, which has been answered. */
  holdSince(number: number | undefined): void {
    this.#heldSince = number;
    this.#presented = number;
  }

  resolvePresented(): void {
    this.#resolveAll(true);
  }

  close(): void {
    this.#gone = true;
    this.#resolveAll(false);
    for (const run of [...(this.#onClose ?? [])]) run();
  }

  #resolveAll(presented: boolean): void {
    const waiting = this.#onPresented;
    this.#onPresented = undefined;
    for (const run of waiting ?? []) run(presented);
  }
}

function isNot(): boolean {
  return false;
}
