import type { Namespace, Socket } from "socket.io";
import { toClientDescription } from "../description.js";
import { SessionError, toSessionError } from "../errors.js";
import type { Outages } from "../outages.js";
import { Backoff } from "../retry.js";
import type { Session } from "../session.js";
import type { SessionWatcher } from "../session-host.js";
import type { SessionRegistry } from "../sessions.js";
import type { Identity } from "../store.js";
import { type EndReason, GET_TOKEN, type GotToken, TOKEN_CHANGED } from "../wire.js";
import { SocketBearer } from "./bearer.js";
import { onRefusal, sharedOf } from "./connection.js";
import { SessionHandle } from "./handle.js";
import { HeldEvents } from "./held-events.js";
import type { AddressLimits, MintLimit } from "./mint-limit.js";
import { type ClientFacts, type OpeningResult, openSession, type Request, takeHandshake } from "./opening.js";
import { noteForRecovery } from "./recovery.js";
import { sendGotToken, sendSessionEnd } from "./reply.js";
import { type WithSessionHandler, withSession } from "./with-session.js";

/** What all sockets of one `tokenSession` share. */
export interface AttachmentContext {
  readonly registry: SessionRegistry;
  readonly outages: Outages;
  readonly required: boolean;
  /** Whether what a client sends, and not its being connected, counts as use. */
  readonly touchesOnEvents: boolean;
  readonly addressLimits: AddressLimits;
  /** Called for each namespace that is attached. */
  readonly onAttach: (namespace: Namespace) => void;
}

/** After this long without a session a socket of a `required` namespace is disconnected: the client's own connect time-out. */
const REQUIRED_TIMEOUT_MS = 20_000;
/** Pauses between tries while the store is away: once it is back, nobody waits longer than the longest. */
const OUTAGE_BACKOFF = { firstMs: 500, longestMs: 5_000 };
/** A socket that does not present the new token of its session for so long is disconnected. */
const CUT_AFTER_MS = 10_000;
/** Acknowledgements of one and the same token that may wait together. */
const MAX_ACKNOWLEDGEMENTS = 100;

/**
 * The session side of one socket: opens sessions one at a time, holds the socket's events meanwhile, answers `gotToken`, and
 * goes on trying while the store cannot be reached.
 */
export class Attachment implements SessionWatcher {
  #handle: SessionHandle;
  readonly #socket: Socket;
  readonly #context: AttachmentContext;
  readonly #held = new HeldEvents();
  readonly #mints: readonly MintLimit[];
  #facts: ClientFacts = { confirms: false, client: null };
  /** The request being worked on, and the one that may wait behind it. */
  #current: Request | undefined;
  #waiting: Request | undefined;
  /** The request whose answer has gone out. */
  #told: Request | undefined;
  #connected = false;
  #gone = false;
  /** Answers that go out once the socket is connected. */
  #answers: GotToken[] = [];
  #cancelRequiredTimer = () => {};
  #cancelCut = () => {};
  #bearer: SocketBearer | undefined;
  /** The session that it had by a token that has been replaced, until it presents the new one. */
  #cutLooseFrom: string | undefined;
  /** The session that the registry holds for this socket. */
  #session: Session | undefined;
  /** Why the session is over that this socket was recovered for. */
  #over: EndReason | undefined;
  /** The end has been told, or is about to be. */
  #ending = false;
  readonly #forgetConnection: () => void;

  constructor(socket: Socket, context: AttachmentContext) {
    this.#socket = socket;
    this.#context = context;
    this.#handle = new SessionHandle(context.registry);
    const { onClose, mints } = sharedOf(socket.conn, context.registry.clock);
    const ofAddress = context.addressLimits.of(socket);
    this.#mints = ofAddress ? [mints, ofAddress] : [mints];
    this.#forgetConnection = () => void onClose.delete(this.#leave);
    socket.use((event, next) => this.#onEvent(event, next));
    // A socket that never connects has no "disconnect".
    onClose.add(this.#leave);
    onRefusal(socket, this.#leave);
    // It may have gone while middleware before ours took its time; Socket.IO goes on all the same, and drops it at the end.
    if (socket.conn.readyState === "closed") this.#leave();
  }

  get handle(): SessionHandle {
    return this.#handle;
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
    this.#facts = facts;
    if (!request || this.#gone) return Promise.resolve(true);
    return new Promise((resolve) => {
      void this.#work(request, (answered) => resolve(answered || !this.#context.required));
    });
  }

  /** The socket is connected: from now on answers can be sent. */
  connected(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#socket.once("disconnect", this.#leave);
    for (const message of this.#answers.splice(0)) this.#send(message);
    if (this.#context.required && !this.#handle.active) this.#startRequiredTimer();
    if (this.#cutLooseFrom) this.#askForToken();
    this.#leaveWhenOver();
  }

  /** The session is over: the client is told, and the socket disconnected. */
  ended(): void {
    this.#leaveWhenOver();
  }

  /** Another secret opens the session now. */
  tokenChanged(identity: Identity): void {
    const session = this.#session;
    if (!session || this.#bearer?.credential.follow(identity)) {
      if (session && identity.secretHash) noteForRecovery(this.#socket, session.id, identity.secretHash);
      return;
    }
    // Its handle shows nothing from now on, until this very client has presented the new token.
    this.#letGo();
    this.#cutLoose(session.id);
  }

  #cutLoose(sessionId: string): void {
    this.#cutLooseFrom = sessionId;
    if (this.#connected) this.#askForToken();
  }

  /** Who has no part in the session any more may have the new token by now; a thief has not. */
  #askForToken(): void {
    this.#cancelCut();
    this.#socket.emit(TOKEN_CHANGED, {});
    // Also where it has taken another session meanwhile: the application may have put the socket into rooms of the one it lost.
    this.#startCutTimer();
  }

  #startCutTimer(): void {
    this.#cancelCut = this.#context.registry.clock.after(CUT_AFTER_MS, () => {
      // It has presented something, and the store has not answered yet.
      if (this.#current) this.#startCutTimer();
      else this.#socket.disconnect();
    });
  }

  /** The socket is gone, or never came. */
  readonly #leave = (): void => {
    if (this.#gone) return;
    this.#gone = true;
    this.#cancelCut();
    this.#bearer?.left();
    this.#forgetConnection();
    this.#cancelRequiredTimer();
    this.#held.drop();
    this.#waiting = undefined;
    this.#letGo();
    SessionHandle.miss(this.#handle);
  };

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
    if (!this.#holding) next();
    else if (!this.#held.hold(event, next)) this.#overflow();
  }

  /** Events wait while a session is being opened; where one is required, from the start. */
  get #holding(): boolean {
    return this.#current !== undefined || this.#ending || (this.#context.required && !this.#session);
  }

  /** Not passed on to the application's own listeners: the event carries a credential. */
  #onGetToken(event: unknown[]): void {
    const last = event.at(-1);
    const acknowledge = typeof last === "function" ? [last as (message: GotToken) => void] : [];
    const content = (typeof event[1] === "object" && event[1] !== null ? event[1] : {}) as Record<
      string,
      unknown
    >;
    const presented = content["token"];
    // Whoever came upon a connected socket could say nothing in the handshake.
    this.#facts = {
      confirms: this.#facts.confirms || content["confirm"] === true,
      client: this.#facts.client ?? toClientDescription(content["client"]),
    };
    const waiting = this.#waiting;
    if (!this.#current) {
      void this.#work({ kind: "token", presented, acknowledge });
    } else if (!waiting) {
      this.#waiting = { kind: "token", presented, acknowledge };
    } else if (
      waiting.kind === "token" &&
      waiting.presented === presented &&
      waiting.acknowledge.length < MAX_ACKNOWLEDGEMENTS
    ) {
      waiting.acknowledge.push(...acknowledge);
    } else {
      this.#overflow();
    }
  }

  /**
   * Works on a request until the store has answered it, then on what waits behind it, then lets the held events go. Never
   * rejects. `onFirstTry` hears whether the store answered the first time.
   */
  async #work(first: Request, onFirstTry?: (answered: boolean) => void): Promise<void> {
    let request: Request | undefined = first;
    let backoff: Backoff | undefined;
    while (request && !this.#gone && !this.#context.registry.closed) {
      this.#current = request;
      const answered = await this.#try(request);
      onFirstTry?.(answered);
      onFirstTry = undefined;
      if (!answered) {
        if (this.#context.required) this.#closeTransport();
        backoff ??= new Backoff(this.#context.registry.clock, OUTAGE_BACKOFF);
        await backoff.wait();
      }
      // A token presented meanwhile takes the place of the one before.
      const next: Request | undefined = this.#waiting ?? (answered ? undefined : request);
      this.#waiting = undefined;
      request = next;
    }
    // Closed: nobody is left waiting for an answer.
    if (request && !this.#gone) {
      this.#answer(request, { token: "", errors: "Session store unavailable" });
      if (this.#context.required) this.#closeTransport();
    }
    onFirstTry?.(false);
    this.#current = undefined;
    this.#leaveWhenOver();
    if (!this.#gone && !this.#holding) this.#held.release();
  }

  /** Resolves to whether the store answered. */
  async #try(request: Request): Promise<boolean> {
    const { registry, outages } = this.#context;
    try {
      if (this.#bearer) request = await this.#bearer.inPlaceOf(request, registry.parseToken);
      this.#bearer?.presents(request, registry.parseToken);
      const result = await openSession(registry, request, this.#mints, this.#facts.client);
      outages.over();
      this.#take(result);
      this.#over = result.over;
      if (result.replaced) this.#cutLoose(result.replaced);
      if (result.message) this.#answer(request, result.message);
      this.#bearer?.presented();
      return true;
    } catch (error) {
      outages.report(toSessionError(error));
      this.#answer(request, { token: "", errors: "Session store unavailable" });
      return false;
    }
  }

  /** Makes what was opened, which the registry holds for this socket, the socket's session. */
  #take({ session, token }: OpeningResult): void {
    const { registry } = this.#context;
    if (!session) return;
    if (this.#gone) return registry.release(session);
    this.#letGo();
    this.#session = session;
    session.watchers.add(this);
    const bound = SessionHandle.sessionOf(this.#handle);
    if (bound?.id !== session.id || bound.ended) {
      // A handle stays with its session: whoever kept the old one must not write to the new.
      if (bound) this.#handle = new SessionHandle(registry);
      // Its rotations have lost their client to another session.
      this.#bearer?.left();
      const hash = token?.secretHash ?? session.saved.identity.secretHash;
      this.#bearer = hash ? new SocketBearer(this.#socket, hash, this.#facts, registry.clock) : undefined;
      SessionHandle.bind(this.#handle, session, this.#bearer);
    }
    if (session.id === this.#cutLooseFrom) {
      this.#cutLooseFrom = undefined;
      this.#cancelCut();
    }
    if (token) noteForRecovery(this.#socket, session.id, token.secretHash);
    this.#cancelRequiredTimer();
    // The secret may have been replaced since it was compared.
    const { identity } = session.saved;
    if (this.#bearer?.credential.opens(identity) === false) this.tokenChanged(identity);
  }

  /** Not while another token is being looked at: if that opens a session, the client goes on with it. */
  #leaveWhenOver(): void {
    const reason = this.#over ?? this.#session?.ended;
    if (reason && !this.#current) this.#end(reason);
  }

  #end(reason: EndReason): void {
    if (this.#gone || !this.#connected || this.#ending) return;
    this.#ending = true;
    this.#held.drop();
    // After what the handler that ended it has still to say, an acknowledgement perhaps.
    setImmediate(() => {
      sendSessionEnd(this.#socket, { reason });
      this.#socket.disconnect();
    });
  }

  #answer(request: Request, message: GotToken): void {
    if (this.#gone || request.kind !== "token") return;
    // While the store is away it is said once; the next answer is the one that counts.
    if (message.errors === "Session store unavailable" && this.#told === request) return;
    this.#told = request;
    if (this.#connected) this.#send(message);
    else this.#answers.push(message);
    for (const acknowledge of request.acknowledge.splice(0)) acknowledge(message);
  }

  #send(message: GotToken): void {
    void sendGotToken(this.#socket, message, { confirm: message.created === true && this.#facts.confirms });
  }

  #startRequiredTimer(): void {
    const { clock, log } = this.#context.registry;
    this.#cancelRequiredTimer = clock.after(REQUIRED_TIMEOUT_MS, () => {
      if (this.#current) return this.#startRequiredTimer();
      log.info({}, "a socket that did not ask for the required session was disconnected");
      this.#socket.disconnect();
    });
  }

  #overflow(): void {
    const { code, message } = new SessionError(
      "SESSION_QUEUE_FULL",
      "a socket sent too much while its session opened",
    );
    this.#context.registry.log.warn({ code }, `${message}; its connection was closed`);
    this.#held.drop();
    this.#closeTransport();
  }

  /** Unlike a disconnect or a middleware error, this makes the client come back by itself. */
  #closeTransport(): void {
    this.#socket.conn.close();
  }
}
