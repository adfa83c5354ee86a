import type { Socket } from "socket.io";
import { SessionHandle } from "../handle/handle.js";
import type { Session } from "../session/session.js";
import type { SessionWatcher } from "../session/session-host.js";
import type { Identity } from "../store.js";
import { bytesToText, type HashText, internHash } from "../token/hash.js";
import type { EndReason } from "../wire.js";
import { SocketBearer } from "./bearer.js";
import type { AttachmentContext } from "./context.js";
import { type DeadlineHost, Deadlines } from "./deadlines.js";
import { roomsOf } from "./guarded-rooms.js";
import { type ClientFacts, NO_FACTS } from "./handshake.js";
import type { OpeningResult } from "./opening.js";
import { PastSessions } from "./past-sessions.js";
import { noteOf, noteOfRecovered, writeNote } from "./recovery-note.js";

/**
 * What one socket has of its session, and of those that it has had: its handle and its rooms, what is noted
 * of it, and how long it may stay without. One object with the {@link Attachment}, because there is one for
 * each socket.
 */
export abstract class Membership implements SessionWatcher, DeadlineHost {
  /** What its client has said. */
  facts: ClientFacts = NO_FACTS;
  bearer: SocketBearer | undefined;
  /** The socket has disconnected, or will never connect. */
  isGone = false;
  isConnected = false;
  /** The session that the registry holds for this socket. */
  session: Session | undefined;
  /** The end has been told, or is about to be. */
  isEnding = false;
  readonly socket: Socket;
  protected readonly context: AttachmentContext;
  protected deadlines: Deadlines | undefined;
  /** Why the session is over that this socket was recovered for. */
  protected endReason: EndReason | undefined;
  #handle: SessionHandle;
  #past: PastSessions | undefined;
  #hasSwitched = false;
  /** What it was recovered with, until it connects. */
  #recoveredWith: Pick<SessionHandle, "id" | "userId"> | undefined;

  constructor(socket: Socket, context: AttachmentContext) {
    this.socket = socket;
    this.context = context;
    this.#handle = new SessionHandle(context.registry);
  }

  abstract readonly isOpening: boolean;

  /** Has the client come back by itself. */
  abstract closeTransport(): void;

  /** Tells the client that its session is over, where it is. */
  protected abstract disconnectIfEnded(): void;

  get handle(): SessionHandle {
    return this.#handle;
  }

  get isDetached(): boolean {
    return this.deadlines?.isDetached ?? false;
  }

  isDetachedFrom(sessionId: string): boolean {
    return this.deadlines?.isDetachedFrom(sessionId) ?? false;
  }

  /**
   * What a recovered socket had, with its rooms; it is verified by now. Whatever it presents besides is a
   * token like any other.
   */
  protected takeRecovered(): boolean {
    if (!this.socket.recovered) return false;
    const note = noteOfRecovered(this.socket);
    const session = note && this.context.recovery.take(this.socket.id);
    if (session) {
      this.#recoveredWith = { id: session.id, userId: session.saved.compactIdentity.userId ?? "" };
      this.#takeSession({ session, ...(note.isFixed && { isFixed: note.isFixed }) });
    } else if (note) this.#beginAnew();
    else this.#recoveredWith = { id: undefined, userId: "" };
    return session !== undefined;
  }

  /**
   * It connects. The application does nothing for a recovered socket, so it is one only with what it was
   * recovered with: its client may have presented another token since, somebody may have logged out, or a new
   * secret may be on its way to the row.
   */
  confirmRecovery(): void {
    const was = this.#recoveredWith;
    this.#recoveredWith = undefined;
    const { id, userId } = this.#handle;
    if (was && this.socket.recovered && (was.id !== id || was.userId !== userId)) this.#beginAnew();
  }

  /**
   * Its session is over since, if it was not before. What is its comes with what it opens now; the
   * application sees to it as to a new socket.
   */
  #beginAnew(): void {
    this.#rooms.leave();
    Object.assign(this.socket, { recovered: false, data: {} });
  }

  /**
   * Socket.IO is about to keep what this socket has, for it to come back to. Answers whether it may: not as
   * one that has had another session, of which nobody would know any more.
   */
  canRecover(): boolean {
    const had = SessionHandle.sessionOf(this.#handle);
    if (!had) return true;
    if (this.#hasSwitched) return false;
    // The application may have replaced what the note was in.
    if (!noteOf(this.socket.data) && this.session && this.bearer) {
      const { userId } = this.session.saved.compactIdentity;
      this.#note(this.session, { secretHash: this.bearer.credential.hash, userId });
    }
    return noteOf(this.socket.data)?.sessionId === had.id;
  }

  /** The session is over: the client is told, and the socket disconnected. */
  onEnd(): void {
    this.#rooms.leave();
    this.disconnectIfEnded();
    // What is being looked at may take long.
    if (!this.isEnding && this.session) this.#detachFrom(this.session, null);
  }

  onLoginEnd({ secretHash, userId }: Identity, keep: ReadonlySet<string>): void {
    this.#rooms.leave(keep);
    // The secret may have been replaced by the same write: then this is for those to note who have the new
    // one.
    if (!this.session || !secretHash || this.bearer?.credential.canOpen({ secretHash }) === false) return;
    this.#note(this.session, { secretHash: bytesToText(secretHash), userId });
  }

  /** Another secret opens the session now. */
  onTokenChange(identity: Identity): void {
    const session = this.session;
    if (!session || this.bearer?.credential.follow(identity)) {
      const secretHash = identity.secretHash && bytesToText(identity.secretHash);
      if (session && secretHash) this.#note(session, { secretHash, userId: identity.userId });
      return;
    }
    // Its handle shows nothing from now on, until this very client has presented the new token.
    this.#detachFrom(session, identity.userId);
    this.#releaseSession();
  }

  /** It has no part in the session any more, nor in what its application sends to those who have. */
  #detachFrom({ id, saved }: Session, userId: string | null): void {
    // Those of a login that has ended have been left already.
    this.#rooms.withhold(saved.compactIdentity.userId && userId);
    this.ensuredDeadlines.detach(id);
  }

  get #rooms() {
    return roomsOf(this.socket);
  }

  protected get ensuredDeadlines(): Deadlines {
    this.deadlines ??= new Deadlines(this.socket, this.context.registry, this);
    return this.deadlines;
  }

  #releaseSession(): void {
    const session = this.session;
    if (!session) return;
    const { registry } = this.context;
    registry.watched.remove(session, this);
    registry.release(session);
    this.session = undefined;
  }

  takeOver(result: OpeningResult): void {
    this.#takeSession(result);
    if (this.isGone) return;
    this.endReason = result.endReason;
    if (result.replaced && !this.isDetachedFrom(result.replaced)) {
      this.#rooms.withhold(this.session?.saved.compactIdentity.userId ?? null);
      this.ensuredDeadlines.detach(result.replaced);
    } else if (result.again) this.deadlines?.askAgain();
  }

  /** Makes what was opened, which the registry holds for this socket, the socket's session. */
  #takeSession({ session, token, isFixed }: OpeningResult): void {
    const { registry } = this.context;
    if (!session) return;
    if (this.isGone) return registry.release(session);
    const { compactIdentity } = session.saved;
    this.#leaveOther(session);
    this.#releaseSession();
    this.session = session;
    registry.watched.add(session, this);
    this.#past?.remove(session.id);
    this.#rooms.giveBack(compactIdentity.userId);
    const hash = token
      ? internHash(token.secretHash, compactIdentity.secretHash)
      : compactIdentity.secretHash;
    const bound = SessionHandle.sessionOf(this.#handle);
    if (bound?.id !== session.id || bound.ended) {
      // A handle stays with its session: whoever compactIdentity the old one must not write to the new.
      if (bound) this.#handle = new SessionHandle(registry);
      // Its rotations have lost their client to another session.
      this.bearer?.close();
      const context = { facts: this.facts, tickets: this.context.tickets, clock: registry.clock, isFixed };
      this.bearer = hash ? new SocketBearer(this.socket, hash, context) : undefined;
      SessionHandle.bind(this.#handle, session, this.bearer);
    } else if (bound !== session) {
      // Nobody had it open any more, so the one that the handle has is forgotten: what changes now, it would
      // not hear.
      SessionHandle.bind(this.#handle, session, this.bearer);
    }
    this.deadlines?.endDetachment(session.id);
    if (token && hash) this.#note(session, { secretHash: hash, userId: compactIdentity.userId });
    // The secret may have been replaced since it was compared.
    if (this.bearer?.credential.canOpen(compactIdentity) === false)
      this.onTokenChange(session.saved.identity);
  }

  /** Another session than the one that it has had: what was given to it for that is not its any more. */
  #leaveOther({ id }: Session): void {
    const had = SessionHandle.sessionOf(this.#handle);
    if (!had || had.id === id) return;
    this.#hasSwitched = true;
    this.#rooms.leave();
    if (had !== this.session || had.ended) return;
    this.#past ??= new PastSessions(this.context.registry, (id) => this.ensuredDeadlines.detach(id));
    // The client comes back by itself, as another socket.
    if (!this.#past.add(had, this.bearer?.credential)) this.closeTransport();
  }

  #note({ id }: Session, now: { secretHash: HashText; userId: string | null }): void {
    const byTicket = this.facts.cookie !== undefined;
    writeNote(this.socket, id, now, { byTicket, isFixed: this.bearer?.isFixed });
  }

  /** There is no socket any more. */
  protected releaseAll(): void {
    this.deadlines?.cancel();
    this.bearer?.close();
    this.#releaseSession();
    this.#past?.clear();
    this.#rooms.release();
    SessionHandle.miss(this.#handle);
  }
}
