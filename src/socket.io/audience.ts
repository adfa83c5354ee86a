import type { Namespace, Server } from "socket.io";
import type { Outages } from "../base/outages.js";
import type { SessionRegistry } from "../registry/registry.js";
import { checkId, toUserId } from "../session/ids.js";
import type { Session } from "../session/session.js";
import { type Any, Broadcaster, type BroadcastMethods } from "./broadcaster.js";
import { guardRooms } from "./guarded-rooms.js";
import { namespacesOf } from "./internals.js";
import { SocketRecovery } from "./socket-recovery.js";
import { type Recipient, roomNamesOf, VirtualRooms } from "./virtual-rooms.js";

type Adapter = Namespace["adapter"];

/**
 * Who hears what is sent to a user or to a session: found out when it is sent, or has come from another
 * server, of those who have that session open at that moment. So nobody has to be taken out of anything.
 * Socket.IO carries it as it does what goes to a room.
 */
export class Audience {
  readonly #registry: SessionRegistry;
  readonly recovery: SocketRecovery;
  readonly #servers = new Set<Server>();
  readonly #namespaces = new WeakSet<Namespace>();

  constructor(registry: SessionRegistry, outages: Outages) {
    this.#registry = registry;
    this.recovery = new SocketRecovery(registry, outages);
  }

  /** Takes in a namespace with all that its adapters will carry; doing it again changes nothing. */
  addNamespace(namespace: Namespace): void {
    if (this.#namespaces.has(namespace)) return;
    this.#namespaces.add(namespace);
    this.#servers.add(namespace.server);
    const { children } = namespace as { children?: ReadonlySet<Namespace> };
    // Of a dynamic namespace: each child, before it has a socket.
    if (children)
      namespace.server.on("new_namespace", (child) => children.has(child) && this.addNamespace(child));
    let adapter = namespace.adapter;
    this.#wrapAdapter(namespace, adapter);
    // A server may be given another adapter later, which its namespaces then have.
    Object.defineProperty(namespace, "adapter", {
      configurable: true,
      enumerable: true,
      get: () => adapter,
      set: (next: Adapter) => {
        adapter = next;
        this.#wrapAdapter(namespace, next);
      },
    });
  }

  #wrapAdapter(namespace: Namespace, adapter: Adapter): void {
    if (adapter.rooms instanceof VirtualRooms) return;
    adapter.rooms = new VirtualRooms(adapter.rooms, (recipient) => this.#findSockets(recipient, namespace));
    guardRooms(adapter, this.#registry.log);
    this.recovery.wrap(namespace, adapter);
  }

  /** Errors: `SESSION_USER_INVALID`, `SESSION_CLOSED`. */
  toUser(userId: unknown): BroadcastMethods<Any> {
    return this.#to({ kind: "user", id: toUserId(userId) });
  }

  /** Errors: `SESSION_ID_INVALID`, `SESSION_CLOSED`. */
  toSession(sessionId: string): BroadcastMethods<Any> {
    checkId(sessionId);
    return this.#to({ kind: "session", id: sessionId });
  }

  #to(recipient: Recipient): BroadcastMethods<Any> {
    this.#registry.throwIfClosed();
    const names = roomNamesOf(recipient);
    return new Broadcaster(() => {
      this.#registry.throwIfClosed();
      return Array.from(this.#attached(), (namespace) => ({ namespace, operator: namespace.to(names) }));
    });
  }

  /** Children of dynamic namespaces come and go: those that there are now. */
  *#attached(): Iterable<Namespace> {
    for (const server of this.#servers)
      for (const namespace of namespacesOf(server).values())
        if (this.#namespaces.has(namespace)) yield namespace;
  }

  /** The ids of the sockets. */
  #findSockets(recipient: Recipient, namespace: Namespace): Set<string> {
    const ids = new Set<string>();
    // A process that is closing hears no more of who has logged out elsewhere.
    if (this.#registry.isClosed) return ids;
    for (const session of this.#sessionsOf(recipient)) {
      if (session.ended) continue;
      for (const { socket } of session.watchers) if (socket?.nsp === namespace) ids.add(socket.id);
    }
    return ids;
  }

  #sessionsOf({ kind, id }: Recipient): Iterable<Session> {
    if (kind === "user") return this.#registry.watched.ofUser(id);
    const session = this.#registry.findLive(id);
    return session ? [session] : [];
  }
}
