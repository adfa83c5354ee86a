import type { Socket } from "socket.io";
import { SessionHandle } from "../handle/handle.js";
import type { MintLimit } from "../registry/mint-limit.js";
import type { Session } from "../session/session.js";
import type { SessionWatcher } from "../session/session-host.js";
import type { Identity } from "../store.js";
import { bytesToText, type HashText, keepHash } from "../token/identity.js";
import { type EndReason, GET_TOKEN, type GotToken } from "../wire.js";
import { SocketBearer } from "./bearer.js";
import { type Connecting, endConnecting, mintLimitOf } from "./connection.js";
import type { AttachmentContext } from "./context.js";
import { type DeadlineHost, Deadlines } from "./deadlines.js";
import { type EventHost, FreshEvents } from "./fresh-events.js";
import { handshakeAsSent } from "./handshake-cookies.js";
import { HeldEvents, sayTooMuch } from "./held-events.js";
import { trimMiddlewares } from "./internals.js";
import { askForToken, endSocket, tellGotToken } from "./messages.js";
import {
  type ClientFacts,
  type OpeningResult,
  readGetToken,
  SAYS_NOTHING,
  takeHandshake,
} from "./opening.js";
import { PastSessions } from "./past-sessions.js";

import { noteForRecovery, noteOf, recoveryNote } from "./recovery.js";
import { type RequestHost, Requests } from "./requests.js";
import { roomsOf } from "./rooms.js";
import { type WithSessionHandler, withSession } from "./with-session.js";

/**
 * The session side of one socket: opens sessions one at a time, holds the socket's events meanwhile, answers `gotToken`, and
 * goes on trying while the store cannot be reached. There is one for each socket, so what few need is made when it is needed.
 */
export class Attachment implements SessionWatcher, RequestHost, EventHost, DeadlineHost, Connecting {
  /** What its client has said. */
  facts: ClientFacts = SAYS_NOTHING;
  bearer: SocketBearer | undefined;
  /** The socket has disconnected, or will never connect. */
  gone = false;
  #handle: SessionHandle;
  readonly #socket: Socket;
  readonly #context: AttachmentContext;
  #ofAddress: MintLimit | undefined;
  /** There while a session is being opened. */
  #requests: Requests | undefined;
  #held: HeldEvents | undefined;
  isConnected = false;
  /** Answers that go out once the socket is connected. */
  #answers: GotToken[] | undefined;
  #deadlines: Deadlines | undefined;
  /** The session that the registry holds for this socket. */
  session: Session | undefined;
  #past: PastSessions | undefined;
  #hasSwitched = false;
  /** Why the session is over that this socket was recovered for. */
  #over: EndReason | undefined;
  /** The end has been told, or is about to be. */
  isEnding = false;

  constructor(socket: Socket, context: AttachmentContext) {
    this.#socket = socket;
    this.#context = context;
    this.#handle = new SessionHandle(context.registry);
    socket.use(this.#onEvent.bind(this));
    trimMiddlewares(socket);
    // It may have gone while middleware before ours took its time; Socket.IO goes on all the same, and drops it at the end.
    if (socket.conn.readyState !== "open") this.leave();
  }

  get socket(): Socket {
    return this.#socket;
  }

  get handle(): SessionHandle {
    return this.#handle;
  }

  get isCut(): boolean {
    return this.#deadlines?.isCut ?? false;
  }

  get isAsking(): boolean {
    return this.#requests !== undefined;
  }

  /** Events wait while a session is being opened; where one is required, from the start; where it was lost, to be had again. */
  get isHolding(): boolean {
    const { required, freshness } = this.#context;
    const needsSession = required || (freshness !== undefined && this.isCut);
    return this.isAsking || this.isEnding || (needsSession && !this.session);
  }

  get isConnecting(): boolean {
    return !this.gone && !this.isConnected;
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
    const { request, facts } = takeHandshake(this.#socket, this.#context);
    this.facts = facts;
    // The application's function sees the socket, and so no token.
    this.#ofAddress = this.#context.addressLimits.of(this.#socket);
    if (this.gone) return Promise.resolve(true);
    const isRestored = this.#takeRestored();
    if (!request || (isRestored && request.kind === "recovery")) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#requests = new Requests(this, this.#context);
      void this.#requests.work(request, (answered) => resolve(answered || !this.#context.required));
    });
  }

  /** What a recovered socket had, with its rooms; it is verified by now. Whatever it presents besides is a token like any other. */
  #takeRestored(): boolean {
    if (!this.#socket.recovered) return false;
    const note = recoveryNote(this.#socket);
    const session = note && this.#context.restoring.take(this.#socket.id);
    if (session) this.#takeSession({ session, ...(note.isFixed && { isFixed: note.isFixed }) });
    else if (note) this.#beginAnew();
    return session !== undefined;
  }

  /** Its session is over since, if it was not before. What is its comes with what it opens now; the application sees to it as to a new socket. */
  #beginAnew(): void {
    this.#rooms.leave();
    Object.assign(this.#socket, { recovered: false, data: {} });
  }

  /**
   * Socket.IO is about to keep what this socket has, for it to come back to. Answers whether it may: not as one that has had another session, of
   * which nobody would know any more.
   */
  mayComeBack(): boolean {
    const had = SessionHandle.sessionOf(this.#handle);
    if (!had) return true;
    if (this.#hasSwitched) return false;
    // The application may have replaced what the note was in.
    if (!noteOf(this.#socket.data) && this.session && this.bearer) {
      const { userId } = this.session.saved.kept;
      this.#note(this.session, { secretHash: this.bearer.credential.hash, userId });
    }
    return noteOf(this.#socket.data)?.sessionId === had.id;
  }

  /** The socket is connected: from now on answers can be sent. */
  connected(): void {
    if (this.isConnected) return;
    this.isConnected = true;
    this.#socket.on("disconnect", leaveOnDisconnect);
    endConnecting(this.#socket.conn, this);
    const answers = this.#answers;
    this.#answers = undefined;
    for (const message of answers ?? []) this.send(message);
    this.#deadlines?.connected();
    if (this.#context.restoring.takeRefused(this.#socket) && !this.isAsking && !this.session)
      askForToken(this.#socket);
    if (this.#context.required && !this.#handle.active) this.#due.requireSession();
    this.#leaveWhenOver();
  }

  /** The session is over: the client is told, and the socket disconnected. */
  ended(): void {
    this.#rooms.leave();
    this.#leaveWhenOver();
    // What is being looked at may take long.
    if (!this.isEnding && this.session) this.#lose(this.session, null);
  }

  loginEnded({ secretHash, userId }: Identity, keep: ReadonlySet<string>): void {
    this.#rooms.leave(keep);
    // The secret may have been replaced by the same write: then this is for those to note who have the new one.
    if (!this.session || !secretHash || this.bearer?.credential.opens({ secretHash }) === false) return;
    this.#note(this.session, { secretHash: bytesToText(secretHash), userId });
  }

  /** Another secret opens the session now. */
  tokenChanged(identity: Identity): void {
    const session = this.session;
    if (!session || this.bearer?.credential.follow(identity)) {
      const secretHash = identity.secretHash && bytesToText(identity.secretHash);
      if (session && secretHash) this.#note(session, { secretHash, userId: identity.userId });
      return;
    }
    // Its handle shows nothing from now on, until this very client has presented the new token.
    this.#lose(session, identity.userId);
    this.#letGo();
  }

  /** It has no part in the session any more, nor in what its application sends to those who have. */
  #lose({ id, saved }: Session, userId: string | null): void {
    // Those of a login that has ended have been left already.
    this.#rooms.withhold(saved.kept.userId && userId);
    this.#due.cutLoose(id);
  }

  get #rooms() {
    return roomsOf(this.#socket);
  }

  get #due(): Deadlines {
    this.#deadlines ??= new Deadlines(this.#socket, this.#context.registry, this);
    return this.#deadlines;
  }

  /** The socket is gone, or never came. */
  leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.#deadlines?.cancel();
    this.bearer?.left();
    if (!this.isConnected) endConnecting(this.#socket.conn, this);
    this.#held = undefined;
    this.#requests?.drop();
    this.#letGo();
    this.#past?.clear();
    this.#rooms.release();
    SessionHandle.miss(this.#handle);
  }

  #letGo(): void {
    const session = this.session;
    if (!session) return;
    const { registry } = this.#context;
    registry.logins.unwatch(session, this);
    registry.release(session);
    this.session = undefined;
  }

  #onEvent(event: unknown[], next: () => void): void {
    // Taken before it comes here, unless Socket.IO lacks the place for it.
    if (event[0] === GET_TOKEN) return this.present(event);
    const { freshness, registry } = this.#context;
    if (freshness !== undefined) {
      this.#held ??= new FreshEvents(this, registry, freshness);
      return (this.#held as FreshEvents).take(event, next);
    }
    if (this.session) this.used(this.session);
    if (!this.isHolding) return next();
    this.#held ??= new HeldEvents();
    if (!this.#held.hold(event, next)) this.overflow();
  }

  /** `getToken` has come. It carries a credential, and is for nobody else. */
  present(event: unknown[]): void {
    const { request, facts } = readGetToken(event, this.facts, this.#context.tickets);
    this.facts = facts;
    if (this.#requests) {
      if (!this.#requests.add(request)) this.overflow();
      return;
    }
    this.#held?.asked();
    this.#requests = new Requests(this, this.#context);
    this.#requests.present(request);
  }

  unanswered(): void {
    if (!this.#context.required) return;
    this.closeTransport();
    // It will never be.
    if (!this.isConnected) this.leave();
  }

  worked(): void {
    this.#requests = undefined;
    this.#leaveWhenOver();
    if (this.gone || this.isHolding) return;
    this.#held?.goOn();
    if (this.#held?.length === 0) this.#held = undefined;
  }

  afterEvents(then: () => void): boolean {
    return this.#held?.beforeToken(then) ?? false;
  }

  used(session: Session): void {
    const { registry, touchesOnEvents } = this.#context;
    if (touchesOnEvents) void registry.used(session);
  }

  isCutFrom(sessionId: string): boolean {
    return this.#deadlines?.isCutFrom(sessionId) ?? false;
  }

  identify(): Promise<unknown> | undefined {
    return this.#context.identifying?.of(handshakeAsSent(this.#socket));
  }

  mayMint(): boolean {
    return (
      mintLimitOf(this.#socket.conn, this.#context.registry.clock).take() && (this.#ofAddress?.take() ?? true)
    );
  }

  take(result: OpeningResult): void {
    this.#takeSession(result);
    if (this.gone) return;
    this.#over = result.over;
    if (result.replaced && !this.isCutFrom(result.replaced)) {
      this.#rooms.withhold(this.session?.saved.kept.userId ?? null);
      this.#due.cutLoose(result.replaced);
    } else if (result.again) this.#deadlines?.askAgain();
  }

  /** Makes what was opened, which the registry holds for this socket, the socket's session. */
  #takeSession({ session, token, isFixed }: OpeningResult): void {
    const { registry } = this.#context;
    if (!session) return;
    if (this.gone) return registry.release(session);
    const { kept } = session.saved;
    this.#leaveOther(session);
    this.#letGo();
    this.session = session;
    registry.logins.watch(session, this);
    this.#past?.remove(session.id);
    this.#rooms.giveBack(kept.userId);
    const hash = token ? keepHash(token.secretHash, kept.secretHash) : kept.secretHash;
    const bound = SessionHandle.sessionOf(this.#handle);
    if (bound?.id !== session.id || bound.ended) {
      // A handle stays with its session: whoever kept the old one must not write to the new.
      if (bound) this.#handle = new SessionHandle(registry);
      // Its rotations have lost their client to another session.
      this.bearer?.left();
      const context = { facts: this.facts, tickets: this.#context.tickets, clock: registry.clock, isFixed };
      this.bearer = hash ? new SocketBearer(this.#socket, hash, context) : undefined;
      SessionHandle.bind(this.#handle, session, this.bearer);
    } else if (bound !== session) {
      // Nobody had it open any more, so the one that the handle has is forgotten: what changes now, it would not hear.
      SessionHandle.bind(this.#handle, session, this.bearer);
    }
    this.#deadlines?.met(session.id);
    if (token && hash) this.#note(session, { secretHash: hash, userId: kept.userId });
    // The secret may have been replaced since it was compared.
    if (this.bearer?.credential.opens(kept) === false) this.tokenChanged(session.saved.identity);
  }

  /** Another session than the one that it has had: what was given to it for that is not its any more. */
  #leaveOther({ id }: Session): void {
    const had = SessionHandle.sessionOf(this.#handle);
    if (!had || had.id === id) return;
    this.#hasSwitched = true;
    this.#rooms.leave();
    if (had !== this.session || had.ended) return;
    this.#past ??= new PastSessions(this.#context.registry, (lost) => this.#due.cutLoose(lost));
    // The client comes back by itself, as another socket.
    if (!this.#past.add(had, this.bearer?.credential)) this.closeTransport();
  }

  #note({ id }: Session, now: { secretHash: HashText; userId: string | null }): void {
    const byTicket = this.facts.cookie !== undefined;
    noteForRecovery(this.#socket, id, now, { byTicket, isFixed: this.bearer?.isFixed });
  }

  /** Not while another token is being looked at: if that opens a session, the client goes on with it. */
  #leaveWhenOver(): void {
    const reason = this.#over ?? this.session?.ended;
    if (reason && !this.isAsking) this.#end(reason);
  }

  #end(reason: EndReason): void {
    if (this.gone || !this.isConnected || this.isEnding) return;
    this.isEnding = true;
    this.#held = undefined;
    endSocket(this.#socket, reason);
  }

  send(message: GotToken): void {
    if (this.isConnected) {
      tellGotToken(this.#socket, message, { confirm: message.created === true && this.facts.confirms });
      return;
    }
    this.#answers ??= [];
    this.#answers.push(message);
  }

  overflow(): void {
    sayTooMuch(this.#context.registry.log);
    this.#held = undefined;
    this.closeTransport();
  }

  /** Unlike a disconnect or a middleware error, this makes the client come back by itself. */
  closeTransport(): void {
    this.#socket.conn.close();
  }
}

/** The session side of each socket that has one. */
export const attachments = new WeakMap<Socket, Attachment>();

/** A listener to "disconnect", one for all sockets. */
export function leaveOnDisconnect(this: Socket): void {
  attachments.get(this)?.leave();
}
