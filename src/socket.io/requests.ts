import type { Socket } from "socket.io";
import { toSessionError } from "../errors.js";
import { Backoff } from "../gateway/retry.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import type { Verifier } from "../session/verification.js";
import { isTokenOf } from "../token/token.js";
import type { GotToken } from "../wire.js";
import type { SocketBearer } from "./bearer.js";
import { toGotToken, withNumber } from "./client-messages.js";
import type { AttachmentContext } from "./context.js";
import { checkTicket, type Request, type TokenRequest } from "./handshake.js";
import { CredentialUnavailable } from "./handshake-credential.js";
import { type Opener, type OpeningResult, openSession } from "./opening.js";
import {
  acquireSlot,
  cancelWaiting,
  refuseConnection,
  releaseSlot,
  tryAcquireSlot,
  waitForPace,
} from "./socket-slots.js";

/** Pauses between tries while the store is away: once it is back, nobody waits longer than the longest. */
export const OUTAGE_BACKOFF = { firstMs: 500, longestMs: 5_000 };
/** Acknowledgements of one and the same token that may wait together. */
const MAX_ACKNOWLEDGEMENTS = 100;

/** Whose requests they are. */
export interface RequestHost extends Opener {
  readonly socket: Socket;
  readonly isGone: boolean;
  readonly bearer: SocketBearer | undefined;
  readonly session: Session | undefined;
  /** The token of its session has been replaced, and it has not presented the new one. */
  readonly isDetached: boolean;
  /** Takes over what was opened, which the registry holds for it. */
  takeOver(result: OpeningResult): void;
  send(message: GotToken): void;
  /**
   * Runs `then` when events that wait for the session as it is have gone on; `false` where there are none.
   */
  runAfterEarlierEvents(then: () => void): boolean;
  /** The store has not answered: has the client come back, where it may not stay without a session. */
  reconnectIfRequired(): void;
  /** There are no more requests: events go on, or the end is told. */
  finishRequests(): void;
}

/**
 * The requests of one socket: one is processed until the store has answered, and one may wait. It is there
 * while there is a request, and no longer.
 */
export class Requests implements Verifier {
  readonly #host: RequestHost;
  readonly #context: AttachmentContext;
  #waiting: TokenRequest | undefined;
  /** The token of its own session, presented again, while that is verified. */
  #verifying: TokenRequest | undefined;
  /** When that began, for who measures it. */
  #verifyingSinceMs: number | undefined;
  /** The request that was answered last. */
  #answered: Request | undefined;

  constructor(host: RequestHost, context: AttachmentContext) {
    this.#host = host;
    this.#context = context;
  }

  get #registry(): SessionRegistry {
    return this.#context.registry;
  }

  /** Takes in a token that was presented meanwhile; `false` where that is one too many. */
  queue(request: TokenRequest): boolean {
    const waiting = this.#waiting;
    if (waiting) {
      if (waiting.presented !== request.presented) return false;
      if (waiting.acknowledge.length >= MAX_ACKNOWLEDGEMENTS) return false;
      request.acknowledge.unshift(...waiting.acknowledge);
    }
    // Where one is presented once more, the later number: to its client only the last one counts.
    this.#waiting = request;
    return true;
  }

  /** Nobody waits for what waits. */
  cancel(): void {
    this.#waiting = undefined;
    cancelWaiting(this.#host.socket, this, this.#context);
  }

  /** Takes in a token that a connected socket presents. */
  receive(request: TokenRequest): void {
    const session = this.#sessionOf(request);
    if (session && this.#verify(session, request)) return;
    const process = () => void this.process(request);
    // A token of the same session changes nothing for what came before it; another one must not come before
    // that.
    if (session || !this.#host.runAfterEarlierEvents(process)) process();
  }

  /** The session that its socket has by this very token. */
  #sessionOf({ presented }: TokenRequest): Session | undefined {
    const { session, isDetached, bearer } = this.#host;
    if (!session || isDetached || !bearer || bearer.hasReplacement) return undefined;
    return isTokenOf(presented, session.id, session.saved.compactIdentity.secretHash) ? session : undefined;
  }

  /** All that can be new is in the row: a verification is enough. */
  #verify(session: Session, request: TokenRequest): boolean {
    if (!tryAcquireSlot(this.#host.socket)) return false;
    this.#verifying = request;
    this.#verifyingSinceMs = this.#registry.facts.open.isHeard ? performance.now() : undefined;
    if (this.#registry.verifyNow(session, this)) return true;
    this.#verifying = undefined;
    releaseSlot(this.#host.socket);
    return false;
  }

  onVerified(isAsKnown: boolean): void {
    releaseSlot(this.#host.socket);
    const request = this.#verifying;
    this.#verifying = undefined;
    const { isGone, session, isDetached, bearer } = this.#host;
    if (!request || isGone) return;
    // A rotation has to wait for the turn that the verification has; whatever else, this socket must still
    // have part in the session.
    if (!isAsKnown || !session || isDetached || !bearer?.credential.canOpen(session.saved.compactIdentity))
      return void this.process(request);
    const { open } = this.#registry.facts;
    // Who has subscribed since hears of the next one.
    if (open.isHeard && this.#verifyingSinceMs !== undefined) {
      const durationMs = performance.now() - this.#verifyingSinceMs;
      open.tell({ kind: "verification", outcome: "opened", durationMs });
    }
    this.#context.outages.reportRecovery();
    this.#registry.touchIfDue(session);
    this.#answer(request, toGotToken(request.presented as string, session, this.#host));
    bearer.holdSince(request.number);
    bearer.resolvePresented();
    const next = this.#waiting;
    this.#waiting = undefined;
    if (next) this.receive(next);
    else this.#host.finishRequests();
  }

  /**
   * Processes a request, then what waits behind it. Never rejects. `onFirstTry` hears whether the store
   * answered the first time.
   */
  async process(first: Request, onFirstTry?: (answered: boolean) => void): Promise<void> {
    let request: Request | undefined = first;
    let backoff: Backoff | undefined;
    while (request && !this.#host.isGone && !this.#registry.isClosed) {
      const { socket } = this.#host;
      if (!tryAcquireSlot(socket) && !(await this.#acquireSlot())) break;
      const paced = waitForPace(socket, this, this.#context);
      if (paced) await paced;
      const answered = await this.#try(request);
      releaseSlot(socket);
      onFirstTry?.(answered);
      onFirstTry = undefined;
      if (!answered) {
        this.#host.reconnectIfRequired();
        backoff ??= new Backoff(this.#registry.clock, OUTAGE_BACKOFF);
        await backoff.wait();
      }
      // A token presented meanwhile takes the place of the one before.
      const next: Request | undefined = this.#waiting ?? (answered ? undefined : request);
      this.#waiting = undefined;
      request = next;
    }
    // Closed: nobody is left waiting for an answer.
    if (request && !this.#host.isGone) {
      this.#answer(request, { token: "", errors: "Session store unavailable" });
      this.#host.reconnectIfRequired();
    }
    onFirstTry?.(false);
    this.#host.finishRequests();
  }

  /** Waits for a slot; resolves to whether there is one. */
  async #acquireSlot(): Promise<boolean> {
    const { socket } = this.#host;
    const slot = acquireSlot(socket, this);
    if (slot) return slot;
    refuseConnection(socket.conn, this.#registry.log);
    return false;
  }

  /** Resolves to whether the store answered. */
  async #try(asked: Request): Promise<boolean> {
    if (this.#host.isGone) return true;
    const { outages } = this.#context;
    const { parseToken } = this.#registry;
    try {
      let request = await checkTicket(asked, this.#context.tickets);
      const { bearer } = this.#host;
      if (bearer) request = await bearer.substitute(request, parseToken);
      bearer?.acceptPresented(request, parseToken);
      const result = await openSession(this.#host, request);
      outages.reportRecovery();
      this.#host.takeOver(result);
      // It has come by another secret than before, perhaps: its next token is for whoever has that one.
      const { session } = this.#host;
      if (session && bearer === this.#host.bearer) bearer?.credential.follow(session.saved.compactIdentity);
      if (result.session && asked.kind === "token") this.#host.bearer?.holdSince(asked.number);
      if (result.message) this.#answer(asked, result.message);
      this.#host.bearer?.resolvePresented();
      return true;
    } catch (error) {
      if (!(error instanceof CredentialUnavailable)) outages.report(toSessionError(error));
      this.#answer(asked, { token: "", errors: "Session store unavailable" });
      return false;
    }
  }

  #answer(request: Request, content: GotToken): void {
    if (this.#host.isGone || request.kind !== "token") return;
    // While the store is away it is said once; the next answer is the one that counts.
    if (content.errors === "Session store unavailable" && this.#answered === request) return;
    this.#answered = request;
    const message = withNumber(content, request.number);
    this.#host.send(message);
    for (const acknowledge of request.acknowledge.splice(0)) acknowledge(message);
  }
}
