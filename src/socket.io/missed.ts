import type { Namespace, Socket } from "socket.io";
import { toSessionError } from "../errors.js";
import type { Outages } from "../outages.js";
import type { Session } from "../session.js";
import type { SessionWatcher } from "../session-host.js";
import type { SessionRegistry } from "../sessions.js";
import type { Identity } from "../store.js";
import { isAddress, namesOf } from "./addresses.js";
import { promisesOf } from "./dropped-promises.js";
import { attachments } from "./install.js";
import { reopen } from "./opening.js";
import { noteOf, proofOf, type RecoveryNote } from "./recovery.js";

type Adapter = Namespace["adapter"];
type SocketAddress = NonNullable<SessionWatcher["socket"]>;
type Restored = Awaited<ReturnType<Adapter["restoreSession"]>>;

/**
 * Connection state recovery, of what was sent to a user or a session. Socket.IO sends what a socket has missed before anybody can look whether
 * it still may have that. So it is looked at first, and the adapter then asked once more, with what the socket may have.
 */
export class Missed {
  readonly #registry: SessionRegistry;
  readonly #outages: Outages;
  readonly #returning = new Map<string, Returning>();

  constructor(registry: SessionRegistry, outages: Outages) {
    this.#registry = registry;
    this.#outages = outages;
  }

  /** To be called for each adapter of each namespace. */
  through(namespace: Namespace, adapter: Adapter): void {
    const restoreSession = adapter.restoreSession;
    const restore = async (pid: string, offset: string) =>
      this.#restore(namespace, adapter, async () => restoreSession.call(adapter, pid, offset));
    adapter.restoreSession = restore as Adapter["restoreSession"];
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
    const rooms = found.rooms.filter((room) => !isAddress(room));
    const note = noteOf(data);
    if (!note && rooms.length === found.rooms.length) return found;
    const returning = note && (await this.#verified({ id: sid, nsp: namespace }, note));
    try {
      for (;;) {
        const names = returning?.names ?? [];
        // Also where there are none: the application may have sent something to other rooms meanwhile.
        promisesOf(() => adapter.persistSession({ sid, pid, rooms: [...rooms, ...names], data }));
        const again = await restore();
        // Somebody may have logged it out meanwhile.
        if (String(returning?.names ?? []) === String(names)) return again && { ...again, rooms };
      }
    } finally {
      // If it does not connect now, what becomes of it is not waited for.
      if (returning) setImmediate(() => isOpening(namespace.sockets.get(sid)) || returning.over());
    }
  }

  /** Hears what is sent from now on as the socket will that has that id; `undefined` where it must not, or the store does not say. */
  async #verified(socket: SocketAddress, note: RecoveryNote): Promise<Returning | undefined> {
    if (this.#registry.closed) return undefined;
    try {
      const { session } = await reopen(this.#registry, note);
      this.#outages.over();
      if (!session) return undefined;
      this.over(socket.id);
      const returning = new Returning(socket, { session, note, registry: this.#registry }, () =>
        this.#returning.delete(socket.id),
      );
      this.#returning.set(socket.id, returning);
      return returning;
    } catch (error) {
      this.#outages.report(toSessionError(error));
      return undefined;
    }
  }

  /** The recovered socket has its session by itself, or has gone. */
  over(socketId: string): void {
    this.#returning.get(socketId)?.over();
  }
}

/** Whether it has connected, and its session is being opened. */
function isOpening(socket: Socket | undefined): boolean {
  return socket !== undefined && attachments.get(socket)?.isAsking === true;
}

/** A socket that is being recovered, until it has its session. */
class Returning implements SessionWatcher {
  readonly socket: SocketAddress;
  readonly #session: Session;
  readonly #proof: string;
  readonly #registry: SessionRegistry;
  readonly #onOver: () => void;
  #isOver = false;

  /** The registry holds the session for it. */
  constructor(
    socket: SocketAddress,
    { session, note, registry }: { session: Session; note: RecoveryNote; registry: SessionRegistry },
    onOver: () => void,
  ) {
    this.socket = socket;
    this.#session = session;
    this.#proof = note.proof;
    this.#registry = registry;
    this.#onOver = onOver;
    registry.logins.watch(session, this);
  }

  /** By what names it has been sent something. */
  get names(): string[] {
    if (this.#isOver) return [];
    const { id, saved } = this.#session;
    const { userId } = saved.kept;
    const [ofSession] = namesOf({ kind: "session", id });
    return userId === null ? [ofSession] : [ofSession, namesOf({ kind: "user", id: userId })[0]];
  }

  tokenChanged({ secretHash }: Identity): void {
    if (secretHash === null || proofOf(secretHash) !== this.#proof) this.over();
  }

  ended(): void {
    this.over();
  }

  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#registry.logins.unwatch(this.#session, this);
    this.#registry.release(this.#session);
    this.#onOver();
  }
}
