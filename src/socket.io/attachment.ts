import type { Socket } from "socket.io";
import { SessionHandle } from "../handle/handle.js";
import type { MintLimit } from "../registry/mint-limit.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import type { ReplacedTokens } from "../token/replaced-tokens.js";
import type { Tickets } from "../token/tickets.js";
import { type EndReason, GET_TOKEN, type GotToken } from "../wire.js";
import { askForToken, endSocket, sendGotToken } from "./client-messages.js";
import type { AttachmentContext } from "./context.js";
import { type EventHost, FreshEvents } from "./fresh-events.js";
import { readGetToken, takeHandshake } from "./handshake.js";
import { handshakeAsSent } from "./handshake-cookies.js";
import { HeldEvents, logOverflow } from "./held-events.js";
import { trimMiddlewares } from "./internals.js";
import { Membership } from "./membership.js";
import { type RequestHost, Requests } from "./requests.js";
import { type ConnectingSocket, mintLimitOf, unwatchConnecting } from "./shared-connection.js";
import { type WithSessionHandler, withSession } from "./with-session.js";

/**
 * The session side of one socket: opens sessions one at a time, holds the socket's events meanwhile, answers
 * `gotToken`, and goes on trying while the store cannot be reached. There is one for each socket, so what few
 * need is made when it is needed.
 */
export class Attachment extends Membership implements RequestHost, EventHost, ConnectingSocket {
  #ofAddress: MintLimit | undefined;
  /** There while a session is being opened. */
  #requests: Requests | undefined;
  #held: HeldEvents | undefined;
  /** Answers that go out once the socket is connected. */
  #answers: GotToken[] | undefined;

  constructor(socket: Socket, context: AttachmentContext) {
    super(socket, context);
    socket.use(this.#onEvent.bind(this));
    trimMiddlewares(socket);
    // It may have gone while middleware before ours took its time; Socket.IO goes on all the same, and drops
    // it at the end.
    if (socket.conn.readyState !== "open") this.close();
  }

  get registry(): SessionRegistry {
    return this.context.registry;
  }

  get tickets(): Tickets | undefined {
    return this.context.tickets;
  }

  get replacedTokens(): ReplacedTokens {
    return this.context.replacedTokens;
  }

  get isOpening(): boolean {
    return this.#requests !== undefined;
  }

  /**
   * Events wait while a session is being opened; where one is required, from the start; where it was lost, to
   * be had again. So do those of a client of ours that came by a token which had just been replaced: it is
   * asked for the new one.
   */
  get isHoldingEvents(): boolean {
    const { required, freshness } = this.context;
    const isAwaited =
      freshness !== undefined || (this.facts.confirms && !SessionHandle.sessionOf(this.handle));
    const needsSession = required || (this.isDetached && isAwaited);
    return this.isOpening || this.isEnding || (needsSession && !this.session);
  }

  get isConnecting(): boolean {
    return !this.isGone && !this.isConnected;
  }

  withSession(handler: WithSessionHandler<unknown>, onMissing: [] | [unknown]): Promise<unknown> {
    // By the handle, which keeps its session for a handler that is still at work when the socket has gone.
    return withSession(this.registry, this.socket, this.handle, handler, onMissing);
  }

  /**
   * Opens what the handshake presents, or what a recovered socket had. Resolves when the socket may connect:
   * its session is open, or it will ask for one, or the store is away and the socket waits for it; to `false`
   * when it must not connect.
   */
  begin(): Promise<boolean> {
    const { request, facts } = takeHandshake(this.socket, this.context);
    this.facts = facts;
    // The application's function sees the socket, and so no token.
    this.#ofAddress = this.context.addressLimits.of(this.socket);
    if (this.isGone) return Promise.resolve(true);
    const isRestored = this.takeRecovered();
    if (!request || (isRestored && request.kind === "recovery")) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#requests = new Requests(this, this.context);
      void this.#requests.process(request, (answered) => resolve(answered || !this.context.required));
    });
  }

  /** The socket is connected: from now on answers can be sent. */
  start(): void {
    if (this.isConnected) return;
    this.isConnected = true;
    this.context.counts.attached++;
    this.socket.on("disconnect", closeOnDisconnect);
    unwatchConnecting(this.socket.conn, this);
    const answers = this.#answers;
    this.#answers = undefined;
    for (const message of answers ?? []) this.send(message);
    this.deadlines?.start();
    if (this.context.recovery.takeRefused(this.socket) && !this.isOpening && !this.session)
      askForToken(this.socket);
    if (this.context.required && !this.handle.active) this.ensuredDeadlines.requireSession();
    this.disconnectIfEnded();
  }

  /** The socket is gone, or never came. */
  close(): void {
    if (this.isGone) return;
    this.isGone = true;
    if (this.isConnected) this.context.counts.attached--;
    else unwatchConnecting(this.socket.conn, this);
    this.#abandonHeld();
    this.#requests?.cancel();
    this.releaseAll();
  }

  #onEvent(event: unknown[], next: () => void): void {
    // Taken before it comes here, unless Socket.IO lacks the place for it.
    if (event[0] === GET_TOKEN) return this.receiveToken(event);
    const { freshness, counts } = this.context;
    if (freshness !== undefined) {
      this.#held ??= new FreshEvents(this, this.context, freshness);
      return (this.#held as FreshEvents).receive(event, next);
    }
    if (this.session) this.recordUse(this.session);
    if (!this.isHoldingEvents) return next();
    this.#held ??= new HeldEvents(counts);
    if (!this.#held.hold(event, next)) this.closeOverflowing();
  }

  /** `getToken` has come. It carries a credential, and is for nobody else. */
  receiveToken(event: unknown[]): void {
    const { request, facts } = readGetToken(event, this.facts, this.tickets);
    this.facts = facts;
    if (this.#requests) {
      if (!this.#requests.queue(request)) this.closeOverflowing();
      return;
    }
    this.#held?.markToken();
    this.#requests = new Requests(this, this.context);
    this.#requests.receive(request);
  }

  reconnectIfRequired(): void {
    if (!this.context.required) return;
    this.closeTransport();
    // It will never be.
    if (!this.isConnected) this.close();
  }

  finishRequests(): void {
    this.#requests = undefined;
    this.disconnectIfEnded();
    if (this.isGone || this.isHoldingEvents) return;
    this.#held?.resume();
    if (this.#held?.length === 0) this.#held = undefined;
  }

  runAfterEarlierEvents(then: () => void): boolean {
    return this.#held?.runAfterEarlierEvents(then) ?? false;
  }

  recordUse(session: Session): void {
    const { registry, touchesOnEvents } = this.context;
    if (touchesOnEvents) void registry.recordUse(session);
  }

  findCredential(): Promise<unknown> | undefined {
    return this.context.handshakeCredential?.find(handshakeAsSent(this.socket));
  }

  takeMintPermit(): boolean {
    return mintLimitOf(this.socket.conn, this.registry.clock).take() && (this.#ofAddress?.take() ?? true);
  }

  /** Not while another token is being looked at: if that opens a session, the client goes on with it. */
  protected disconnectIfEnded(): void {
    const reason = this.endReason ?? this.session?.ended;
    if (reason && !this.isOpening) this.#end(reason);
  }

  #end(reason: EndReason): void {
    if (this.isGone || !this.isConnected || this.isEnding) return;
    this.isEnding = true;
    this.#abandonHeld();
    endSocket(this.socket, reason);
  }

  send(message: GotToken): void {
    if (this.isConnected) {
      sendGotToken(this.socket, message, { confirm: message.created === true && this.facts.confirms });
      return;
    }
    this.#answers ??= [];
    this.#answers.push(message);
  }

  closeOverflowing(): void {
    logOverflow(this.registry.log);
    this.registry.facts.cut.tell({ reason: "overflow" });
    this.#abandonHeld();
    this.closeTransport();
  }

  #abandonHeld(): void {
    this.#held?.abandon();
    this.#held = undefined;
  }

  /** Unlike a disconnect or a middleware error, this makes the client come back by itself. */
  closeTransport(): void {
    this.socket.conn.close();
  }
}

/** The session side of each socket that has one. */
export const attachments = new WeakMap<Socket, Attachment>();

/** A listener to "disconnect", one for all sockets. */
export function closeOnDisconnect(this: Socket): void {
  attachments.get(this)?.close();
}
