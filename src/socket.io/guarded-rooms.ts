import type { Namespace, Socket } from "socket.io";
import { type Log, thrownFields } from "../base/log.js";
import { capturePromises } from "./dropped-promises.js";

type Adapter = Namespace["adapter"];
type Rooms = Map<string, Set<string>>;

const NONE: ReadonlySet<string> = new Set();
const guarded = new WeakMap<Adapter, GuardedRooms>();

/** What is kept from a detached socket, and who was logged in when it was; `null`: nobody. */
interface Withheld {
  readonly rooms: Set<string>;
  readonly userId: string | null;
}

/** To be called for each adapter of each namespace; doing it again changes nothing. */
export function guardRooms(adapter: Adapter, log: Log): void {
  if (!guarded.has(adapter)) guarded.set(adapter, new GuardedRooms(adapter, log));
}

/**
 * The rooms that the application has put a socket into, as far as its session decides over them: while it is
 * detached, it is in no room but its own, and hears nothing that is sent to all.
 */
export function roomsOf(socket: Socket): SocketRooms {
  return new SocketRooms(socket.id, guarded.get(socket.nsp.adapter));
}

class SocketRooms {
  readonly #id: string;
  readonly #guard: GuardedRooms | undefined;

  constructor(id: string, guard: GuardedRooms | undefined) {
    this.#id = id;
    this.#guard = guard;
  }

  /** Leaves all but its own and these, those that are withheld too. */
  leave(keep = NONE): void {
    this.#guard?.leave(this.#id, keep);
  }

  /**
   * Leaves all but its own until {@link giveBack} or {@link release}; `userId` is who was logged in. What it
   * is put into meanwhile is withheld too.
   */
  withhold(userId: string | null): void {
    this.#guard?.withhold(this.#id, userId);
  }

  /** Has what was withheld again, unless it was somebody else's than `userId`'s. */
  giveBack(userId: string | null): void {
    this.#guard?.giveBack(this.#id, userId);
  }

  /** Hears again what is sent to all, and is in no room but its own. */
  release(): void {
    this.#guard?.release(this.#id);
  }
}

class GuardedRooms {
  readonly #adapter: Adapter;
  readonly #log: Log;
  readonly #withheld = new Map<string, Withheld>();

  constructor(adapter: Adapter, log: Log) {
    this.#adapter = adapter;
    this.#log = log;
    adapter.sids = new ReachableSockets(adapter.sids, this.#withheld);
    const { addAll, del, delAll } = adapter;
    adapter.addAll = (id, rooms) => addAll.call(adapter, id, this.#withholdFrom(id, rooms));
    adapter.del = (id, room) => {
      this.#withheld.get(id)?.rooms.delete(room);
      return del.call(adapter, id, room);
    };
    adapter.delAll = (id) => {
      this.#withheld.get(id)?.rooms.clear();
      return delAll.call(adapter, id);
    };
  }

  #withholdFrom(id: string, rooms: Set<string>): Set<string> {
    const withheld = this.#withheld.get(id);
    if (!withheld) return rooms;
    for (const room of rooms) if (room !== id) withheld.rooms.add(room);
    return rooms.has(id) ? new Set([id]) : new Set();
  }

  leave(id: string, keep: ReadonlySet<string>): void {
    const withheld = this.#withheld.get(id);
    for (const room of withheld?.rooms ?? []) if (!keep.has(room)) withheld?.rooms.delete(room);
    this.#leaveEach(
      id,
      this.#othersOf(id).filter((room) => !keep.has(room)),
    );
  }

  withhold(id: string, userId: string | null): void {
    if (this.#withheld.has(id)) return;
    const withheld: Withheld = { rooms: new Set(), userId };
    // First: a listener of the adapter's may put it into another room.
    this.#withheld.set(id, withheld);
    const rooms = this.#othersOf(id);
    this.#leaveEach(id, rooms);
    for (const room of rooms) withheld.rooms.add(room);
  }

  giveBack(id: string, userId: string | null): void {
    const withheld = this.#withheld.get(id);
    if (!withheld) return;
    this.#withheld.delete(id);
    // Rooms of before a login are those of whoever was there, and whoever has the new token is.
    const isTheirs = withheld.userId === null || withheld.userId === userId;
    if (isTheirs && withheld.rooms.size > 0)
      this.#changeEach(withheld.rooms, (room) => this.#adapter.addAll(id, new Set([room])));
  }

  #leaveEach(id: string, rooms: readonly string[]): void {
    // To see promises being made costs something, and most sockets are in no room.
    if (rooms.length > 0) this.#changeEach(rooms, (room) => this.#adapter.del(id, room));
  }

  /**
   * A listener of the application's that hears of rooms may throw: that must not keep others in theirs, nor a
   * session from taking what its row says. What an adapter tells its server about rooms is a promise that it
   * drops.
   */
  #changeEach(rooms: Iterable<string>, change: (room: string) => unknown): void {
    const changeAll = () => {
      for (const room of rooms) {
        try {
          change(room);
        } catch (error) {
          this.#log.error(thrownFields(error), "a room could not be joined or left without an error");
        }
      }
    };
    capturePromises(changeAll);
  }

  release(id: string): void {
    this.#withheld.delete(id);
  }

  #othersOf(id: string): string[] {
    return [...(this.#adapter.sids.get(id) ?? [])].filter((room) => room !== id);
  }
}

/**
 * The sockets of an adapter with their rooms. Who goes through all of them, as what is sent to all does, does
 * not meet those that are withheld from.
 */
class ReachableSockets extends Map<string, Set<string>> implements Rooms {
  readonly #withheld: ReadonlyMap<string, unknown>;

  constructor(sockets: Rooms, withheld: ReadonlyMap<string, unknown>) {
    super();
    this.#withheld = withheld;
    for (const [id, rooms] of sockets) this.set(id, rooms);
  }

  override [Symbol.iterator](): MapIterator<[string, Set<string>]> {
    return this.#withheld.size === 0 ? super[Symbol.iterator]() : this.#reachable();
  }

  *#reachable(): Generator<[string, Set<string>], undefined, unknown> {
    for (const entry of this.entries()) if (!this.#withheld.has(entry[0])) yield entry;
    return undefined;
  }
}
