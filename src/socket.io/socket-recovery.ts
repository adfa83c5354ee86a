import type { Namespace, Socket } from "socket.io";
import type { Outages } from "../base/outages.js";
import { toSessionError } from "../errors.js";
import { Backoff } from "../gateway/retry.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import type { SessionWatcher } from "../session/session-host.js";
import type { Identity } from "../store.js";
import { attachments } from "./attachment.js";
import { capturePromises } from "./dropped-promises.js";
import { reopen } from "./opening.js";
import { isProvenBy, noteOf, type RecoveryNote } from "./recovery-note.js";
import { OUTAGE_BACKOFF } from "./requests.js";
import { isVirtualRoom, roomNamesOf } from "./virtual-rooms.js";

type Adapter = Namespace["adapter"];
type SocketAddress = NonNullable<SessionWatcher["socket"]>;
type Restored = Awaited<ReturnType<Adapter["restoreSession"]>>;

/**
 * How long a socket may take to come by after it was asked for: middleware of the application may be before
 * ours.
 */
const UNTAKEN_AFTER_MS = 30_000;
/**
 * How long the store is waited for: meanwhile nothing is lost. Socket.IO gives a connection 45 s to begin.
 */
const STORE_WITHIN_MS = 30_000;

/**
 * Connection state recovery. Socket.IO gives a socket its rooms back, and sends what it has missed, before
 * anybody can look whether it may still have that. So its session is looked at first. Where another token
 * opens that, somebody else is logged in, or the store does not say, the client connects anew, without any of
 * it, and is asked for its token. Else the adapter is asked once more, with the names by which the socket was
 * sent something meanwhile.
 */
export class SocketRecovery {
  readonly #registry: SessionRegistry;
  readonly #outages: Outages;
  readonly #recovering = new Map<string, RecoveringSocket>();
  /**
   * The `data` of states that sockets have come back from: each is good once. Socket.IO's own adapter keeps
   * it for the next time, when the socket may have been logged in as somebody else, or had another session.
   */
  readonly #given = new WeakSet<object>();
  /** What the clients have in place of a token that were not given back their sockets. */
  readonly #refused = new Set<string>();

  constructor(registry: SessionRegistry, outages: Outages) {
    this.#registry = registry;
    this.#outages = outages;
  }

  /** To be called for each adapter of each namespace. */
  wrap(namespace: Namespace, adapter: Adapter): void {
    const { persistSession, restoreSession } = adapter;
    adapter.persistSession = (state) => {
      const socket = namespace.sockets.get(state.sid);
      const attachment = socket && attachments.get(socket);
      // As it is now: what becomes of the socket that comes back is nothing of this state's.
      if (attachment?.canRecover() !== false)
        return persistSession.call(adapter, { ...state, data: copyOf(state.data) });
    };
    const restore = async (pid: string, offset: string) =>
      this.#restore(namespace, adapter, async () => restoreSession.call(adapter, pid, offset));
    adapter.restoreSession = restore as Adapter["restoreSession"];
  }

  /**
   * The session of a restored socket, which the registry holds for the caller; `undefined` where it is not
   * its any more.
   */
  take(socketId: string): Session | undefined {
    return this.#recovering.get(socketId)?.take();
  }

  /** Whether a new socket's client wanted another one back, and did not get it. */
  takeRefused({ handshake }: Socket): boolean {
    const { pid } = (handshake.auth ?? {}) as Record<string, unknown>;
    return typeof pid === "string" && this.#refused.delete(pid);
  }

  #refuse(pid: string): null {
    this.#refused.add(pid);
    this.#registry.clock.after(UNTAKEN_AFTER_MS, () => this.#refused.delete(pid));
    return null;
  }

  /**
   * Gives nothing where another connection has been given it: two sockets with the same id would take each
   * other's rooms, and whoever goes first the other one's place in its namespace.
   */
  #giveOnce(restored: Restored | null): Restored | null {
    if (!restored || this.#given.has(restored.data as object)) return null;
    if (typeof restored.data === "object" && restored.data !== null) this.#given.add(restored.data);
    return { ...restored, data: copyOf(restored.data) };
  }

  /** Gives nothing, or rejects, where the socket cannot be recovered. */
  async #restore(
    namespace: Namespace,
    adapter: Adapter,
    restore: () => Promise<Restored | null>,
  ): Promise<Restored | null> {
    const found = await restore();
    if (!found) return null;
    const { sid, pid, data } = found;
    // An application may have put it into a room with a name of ours.
    const rooms = found.rooms.filter((room) => !isVirtualRoom(room));
    const note = noteOf(data);
    const persist = (names: string[]) => {
      let persisted: unknown;
      capturePromises(() => {
        persisted = adapter.persistSession({ sid, pid, rooms: [...rooms, ...names], data });
      });
      return persisted;
    };
    const again = async (names: string[], returning?: RecoveringSocket) => {
      // Also where there are none: the application may have sent something to other rooms meanwhile.
      await persist(names);
      // Its client may have come by another connection, which is to be given it.
      if (returning?.isReleased) return null;
      const restored = await restore();
      if (!restored || this.#given.has(restored.data as object)) return null;
      return { ...restored, rooms };
    };
    if (!note) return this.#giveOnce(rooms.length === found.rooms.length ? found : await again([]));
    if (this.#given.has(data as object)) return this.#refuse(pid);
    // A cluster adapter gives it once, and while the store is away the client may come by another connection.
    const returning = await this.#reopen({ id: sid, nsp: namespace }, note, () => persist([]));
    if (returning === "unknown") return this.#refuse(pid);
    // It connects only to hear that.
    if (returning === "over") return this.#giveOnce({ ...found, rooms: [], missedPackets: [] });
    if (returning === "replaced") return this.#refuse(pid);
    try {
      for (;;) {
        const { roomNames } = returning;
        const restored = await again(roomNames, returning);
        if (returning.isReleased || !restored) return this.#refuse(pid);
        // Somebody may have logged in or out meanwhile.
        if (String(returning.roomNames) !== String(roomNames)) continue;
        returning.waitForSocket();
        return this.#giveOnce(restored);
      }
    } finally {
      if (!returning.isWaiting) returning.release();
    }
  }

  /** `"unknown"` where the store does not say; `onAway` is called once where it does not at first. */
  async #reopen(
    socket: SocketAddress,
    note: RecoveryNote,
    onAway: () => unknown,
  ): Promise<RecoveringSocket | "over" | "replaced" | "unknown"> {
    const registry = this.#registry;
    const untilMs = registry.clock.now() + STORE_WITHIN_MS;
    let backoff: Backoff | undefined;
    while (!registry.isClosed && registry.clock.now() < untilMs) {
      try {
        const { session, endReason } = await reopen(registry, note);
        this.#outages.reportRecovery();
        if (!session) return endReason ? "over" : "replaced";
        this.#recovering.get(socket.id)?.release();
        const onOver = () => this.#recovering.delete(socket.id);
        const returning = new RecoveringSocket(socket, { session, note, registry, onOver });
        this.#recovering.set(socket.id, returning);
        return returning;
      } catch (error) {
        this.#outages.report(toSessionError(error));
        if (!backoff) await onAway();
        backoff ??= new Backoff(registry.clock, OUTAGE_BACKOFF);
        await backoff.wait();
      }
    }
    if (!backoff) await onAway();
    return "unknown";
  }
}

/** Another object of the same content. What is no object has no note either, and stays as it is. */
function copyOf(data: unknown): unknown {
  if (typeof data !== "object" || data === null) return data;
  return Object.assign(Object.create(Object.getPrototypeOf(data)), data);
}

/** A socket that is being recovered, until it has its session. */
class RecoveringSocket implements SessionWatcher {
  readonly socket: SocketAddress;
  readonly #session: Session;
  readonly #note: RecoveryNote;
  readonly #registry: SessionRegistry;
  readonly #onRelease: () => void;
  #cancelWaiting: (() => void) | undefined;
  isReleased = false;

  /** The registry holds the session for it. */
  constructor(
    socket: SocketAddress,
    {
      session,
      note,
      registry,
      onOver,
    }: { session: Session; note: RecoveryNote; registry: SessionRegistry; onOver: () => void },
  ) {
    this.socket = socket;
    this.#session = session;
    this.#note = note;
    this.#registry = registry;
    this.#onRelease = onOver;
    registry.watched.add(session, this);
  }

  /** By what names it has been sent something. */
  get roomNames(): string[] {
    const { id, saved } = this.#session;
    const { userId } = saved.compactIdentity;
    const [ofSession] = roomNamesOf({ kind: "session", id });
    return userId === null ? [ofSession] : [ofSession, roomNamesOf({ kind: "user", id: userId })[0]];
  }

  /** Its connection may be gone by now, and then it never comes. */
  waitForSocket(): void {
    this.#cancelWaiting = this.#registry.clock.after(UNTAKEN_AFTER_MS, () => this.release());
  }

  get isWaiting(): boolean {
    return this.#cancelWaiting !== undefined;
  }

  take(): Session {
    this.#registry.acquire(this.#session);
    this.release();
    return this.#session;
  }

  onLoginEnd(): void {
    this.release();
  }

  onTokenChange(identity: Identity): void {
    if (!isProvenBy(identity, this.#note)) this.release();
  }

  onEnd(): void {
    this.release();
  }

  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    this.#cancelWaiting?.();
    this.#registry.watched.remove(this.#session, this);
    this.#registry.release(this.#session);
    this.#onRelease();
  }
}
