import type { Socket } from "socket.io";
import { SessionError } from "../errors.js";
import { bytesToText, keepHash } from "../identity.js";
import type { Session } from "../session.js";
import type { SessionWatcher } from "../session-host.js";
import type { Identity } from "../store.js";
import { isTokenOf } from "../token.js";
import type { Verifier } from "../verification.js";
import { type EndReason, GET_TOKEN, type GotToken } from "../wire.js";
import type { AttachmentContext } from "./attachment-context.js";
import { SocketBearer } from "./bearer.js";
import { type Connecting, endConnecting, mintLimitOf } from "./connection.js";
import { Cut } from "./cut.js";
import { type Deadline, forSession } from "./deadline.js";
import { SessionHandle } from "./handle.js";
import { HeldEvents } from "./held-events.js";
import { leaveOnDisconnect, trimMiddlewares } from "./install.js";
import type { MintLimit } from "./mint-limit.js";
import {
  type ClientFacts,
  type OpeningResult,
  type Request,
  readGetToken,
  SAYS_NOTHING,
  type TokenRequest,
  takeHandshake,
  toGotToken,
} from "./opening.js";
import { noteForRecovery } from "./recovery.js";
import { sendSessionEnd, tellGotToken } from "./reply.js";
import { type RequestHost, Requests } from "./requests.js";
import { type WithSessionHandler, withSession } from "./with-session.js";

/**
 * The session side of one socket: opens sessions one at a time, holds the socket's events meanwhile, answers `gotToken`, and
 * goes on trying while the store cannot be reached. There is one for each socket, so what few need is made when it is needed.
 */
export class Attachment implements SessionWatcher, RequestHost, Connecting, Verifier {
  /** What its client has said. */
  facts: ClientFacts = SAYS_NOTHING;
  bearer: SocketBearer | undefined;
  /** The socket has disconnected, or will never connect. */
  gone = false;
  #handle: SessionHandle;
  readonly #socket: Socket;
  readonly #context: AttachmentContext;
  readonly #ofAddress: MintLimit | undefined;
  /** There while a session is being opened. */
  #requests: Requests | undefined;
  /** The token of its own session, presented again, while the row is looked at. */
  #verifying: TokenRequest | undefined;
  #held: HeldEvents | undefined;
  #connected = false;
  /** Answers that go out once the socket is connected. */
  #answers: GotToken[] | undefined;
  #requiredDeadline: Deadline | undefined;
  #cut: Cut | undefined;
  /** The session that the registry holds for this socket. */
  #session: Session | undefined;
  /** Why the session is over that this socket was recovered for. */
  #over: EndReason | undefined;
  /** The end has been told, or is about to be. */
  #ending = false;

  constructor(socket: Socket, context: AttachmentContext) {
    this.#socket = socket;
    this.#context = context;
    this.#handle = new SessionHandle(context.registry);
    this.#ofAddress = context.addressLimits.of(socket);
    socket.use(this.#onEvent.bind(this));
    trimMiddlewares(socket);
    // It may have gone while middleware before ours took its time; Socket.IO goes on all the same, and drops it at the end.
    if (socket.conn.readyState === "closed") this.leave();
  }

  get handle(): SessionHandle {
    return this.#handle;
  }

  get isConnecting(): boolean {
    return !this.gone && !this.#connected;
  }

  withSession(handler: WithSessionHandler<unknown>, onMissing: [] | [unknown]): Promise<unknown> {
    // By the handle, which keeps its session for a handler that is still at work when the socket has gone.
    return withSession(this.#context.registry, this.#socket, this.#handle, handler, onMissing);
  }

  /**
   * Opens what the handshake presents, or what a recovered socket had. Resolves when the socket may connect: its session is
   * open, or it will ask for one, or the store is away and the socket waits for it; to `false` when it must not connect.
   */
  begin(): Promise<boolean> {
    const { request, facts } = takeHandshake(this.#socket);
    this.facts = facts;
    if (!request || this.gone) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#work(request, (answered) => resolve(answered || !this.#context.required));
    });
  }

  /** The socket is connected: from now on answers can be sent. */
  connected(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#socket.on("disconnect", leaveOnDisconnect);
    endConnecting(this.#socket.conn, this);
    const answers = this.#answers;
    this.#answers = undefined;
    for (const message of answers ?? []) this.send(message);
    if (this.#context.required && !this.#handle.active)
      this.#requiredDeadline = forSession(this.#socket, this.#context.registry, this.#isOpening());
    this.#beginCut();
    this.#leaveWhenOver();
  }

  /** The session is over: the client is told, and the socket disconnected. */
  ended(): void {
    this.#leaveWhenOver();
  }

  /** Another secret opens the session now. */
  tokenChanged(identity: Identity): void {
    const session = this.#session;
    if (!session || this.bearer?.credential.follow(identity)) {
      const secretHash = identity.secretHash && bytesToText(identity.secretHash);
      if (session && secretHash) noteForRecovery(this.#socket, session.id, secretHash);
      return;
    }
    // Its handle shows nothing from now on, until this very client has presented the new token.
    this.#letGo();
    this.#cutLoose(session.id);
  }

  #cutLoose(sessionId: string): void {
    if (this.gone) return;
    this.#cut?.cancel();
    this.#cut = new Cut(sessionId);
    if (this.#connected) this.#beginCut();
  }

  #beginCut(): void {
    this.#cut?.begin(this.#socket, this.#context.registry.clock, this.#isOpening());
  }

  /** For deadlines, which are put off while the store has not answered what the client has presented. */
  #isOpening(): () => boolean {
    return () => this.#isAsking;
  }

  /** The socket is gone, or never came. */
  leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.#cut?.cancel();
    this.bearer?.left();
    if (!this.#connected) endConnecting(this.#socket.conn, this);
    this.#requiredDeadline?.cancel();
    this.#held = undefined;
    this.#requests?.drop();
    this.#letGo();
    SessionHandle.miss(this.#handle);
  }

  #letGo(): void {
    const session = this.#session;
    if (!session) return;
    session.watchers.delete(this);
    this.#context.registry.release(session);
    this.#session = undefined;
  }

  #onEvent(event: unknown[], next: () => void): void {
    if (event[0] === GET_TOKEN) return this.#onGetToken(event);
    const { registry, touchesOnEvents } = this.#context;
    if (touchesOnEvents && this.#session) void registry.touchDue([this.#session], { beginVisit: false });
    if (!this.#holding) return next();
    this.#held ??= new HeldEvents();
    if (!this.#held.hold(event, next)) this.#overflow();
  }

  /** The store has not answered yet what the client has presented. */
  get #isAsking(): boolean {
    return this.#requests !== undefined || this.#verifying !== undefined;
  }

  /** Events wait while a session is being opened; where one is required, from the start. */
  get #holding(): boolean {
    return this.#isAsking || this.#ending || (this.#context.required && !this.#session);
  }

  /** Not passed on to the application's own listeners: the event carries a credential. */
  #onGetToken(event: unknown[]): void {
    const { request, facts } = readGetToken(event, this.facts);
    this.facts = facts;
    if (!this.#isAsking) {
      if (!this.#verify(request)) this.#work(request);
      return;
    }
    this.#requests ??= new Requests(this, this.#context);
    if (!this.#requests.add(request)) this.#overflow();
  }

  /** The token by which this socket has its session, presented again: all that can be new is in the row. */
  #verify(request: TokenRequest): boolean {
    const session = this.#session;
    const isOwn = session && !this.#cut && this.bearer && !this.bearer.hasReplaced;
    if (!isOwn || !isTokenOf(request.presented, session.id, session.saved.kept.secretHash)) return false;
    this.#verifying = request;
    if (this.#context.registry.verify(session, this)) return true;
    this.#verifying = undefined;
    return false;
  }

  verified(isAsKnown: boolean): void {
    const request = this.#verifying;
    const session = this.#session;
    this.#verifying = undefined;
    if (!request || this.gone) return;
    // A rotation has to wait for the turn that the look has; whatever else, this socket must still have part in the session.
    if (!isAsKnown || !session || this.#cut || !this.bearer?.credential.opens(session.saved.kept))
      return this.#work(request);
    this.#context.outages.over();
    this.#context.registry.touchIfDue(session);
    const message = toGotToken(request.presented as string, session);
    this.send(message);
    for (const acknowledge of request.acknowledge) acknowledge(message);
    this.bearer?.presented();
    const next = this.#requests?.next();
    if (next) this.#work(next);
    else this.worked();
  }

  /** Works on a request and on what comes meanwhile, then lets the held events go. */
  #work(first: Request, onFirstTry?: (answered: boolean) => void): void {
    this.#requests ??= new Requests(this, this.#context);
    void this.#requests.work(first, onFirstTry);
  }

  unanswered(): void {
    if (!this.#context.required) return;
    this.#closeTransport();
    // It will never be.
    if (!this.#connected) this.leave();
  }

  worked(): void {
    this.#requests = undefined;
    this.#leaveWhenOver();
    if (this.gone || this.#holding) return;
    const held = this.#held;
    this.#held = undefined;
    held?.release();
  }

  mayMint(): boolean {
    return (
      mintLimitOf(this.#socket.conn, this.#context.registry.clock).take() && (this.#ofAddress?.take() ?? true)
    );
  }

  take(result: OpeningResult): void {
    this.#takeSession(result);
    this.#over = result.over;
    if (result.replaced) this.#cutLoose(result.replaced);
  }

  /** Makes what was opened, which the registry holds for this socket, the socket's session. */
  #takeSession({ session, token }: OpeningResult): void {
    const { registry } = this.#context;
    if (!session) return;
    if (this.gone) return registry.release(session);
    this.#letGo();
    this.#session = session;
    session.watchers.add(this);
    const { kept } = session.saved;
    const hash = token ? keepHash(token.secretHash, kept.secretHash) : kept.secretHash;
    const bound = SessionHandle.sessionOf(this.#handle);
    if (bound?.id !== session.id || bound.ended) {
      // A handle stays with its session: whoever kept the old one must not write to the new.
      if (bound) this.#handle = new SessionHandle(registry);
      // Its rotations have lost their client to another session.
      this.bearer?.left();
      this.bearer = hash ? new SocketBearer(this.#socket, hash, this.facts, registry.clock) : undefined;
      SessionHandle.bind(this.#handle, session, this.bearer);
    } else if (bound !== session) {
      // Nobody had it open any more, so the one that the handle has is forgotten: what changes now, it would not hear.
      SessionHandle.bind(this.#handle, session, this.bearer);
    }
    if (session.id === this.#cut?.sessionId) {
      this.#cut.cancel();
      this.#cut = undefined;
    }
    if (token && hash) noteForRecovery(this.#socket, session.id, hash);
    this.#requiredDeadline?.cancel();
    this.#requiredDeadline = undefined;
    // The secret may have been replaced since it was compared.
    if (this.bearer?.credential.opens(kept) === false) this.tokenChanged(session.saved.identity);
  }

  /** Not while another token is being looked at: if that opens a session, the client goes on with it. */
  #leaveWhenOver(): void {
    const reason = this.#over ?? this.#session?.ended;
    if (reason && !this.#isAsking) this.#end(reason);
  }

  #end(reason: EndReason): void {
    if (this.gone || !this.#connected || this.#ending) return;
    this.#ending = true;
    this.#held = undefined;
    // After what the handler that ended it has still to say, an acknowledgement perhaps.
    setImmediate(() => {
      sendSessionEnd(this.#socket, { reason });
      this.#socket.disconnect();
    });
  }

  send(message: GotToken): void {
    if (this.#connected) {
      tellGotToken(this.#socket, message, { confirm: message.created === true && this.facts.confirms });
      return;
    }
    this.#answers ??= [];
    this.#answers.push(message);
  }

  #overflow(): void {
    const { code, message } = new SessionError(
      "SESSION_QUEUE_FULL",
      "a socket sent too much while its session opened",
    );
    this.#context.registry.log.warn({ code }, `${message}; its connection was closed`);
    this.#held = undefined;
    this.#closeTransport();
  }

  /** Unlike a disconnect or a middleware error, this makes the client come back by itself. */
  #closeTransport(): void {
    this.#socket.conn.close();
  }
}
