import type { Namespace, Server, Socket } from "socket.io";

/**
 * All that is used of Socket.IO beyond its public API: the same from 4.6 to 4.8. Where a later version lacks
 * something of it, the public way is taken, or what it is for is done without.
 */
interface Internals {
  /** Takes in each packet of the client for this socket, before anybody else sees what is in it. */
  _onpacket?: (packet: Packet) => void;
  /**
   * Sends a packet to the client. `emit` does, once it has told listeners and, with recovery, the adapter.
   */
  packet?: (packet: Packet) => void;
  /** What is to be called with the client's acknowledgement, by the packet's number. */
  acks?: unknown;
  /** Makes the function that acknowledges a packet. */
  ack?: (id: number) => (...answer: unknown[]) => void;
  /** Makes `socket.handshake`, for each new socket of any namespace. */
  buildHandshake?: (auth: unknown) => unknown;
  /** Called when a socket is thrown away, whether or not it ever connected. */
  _cleanup?: () => void;
  /** The socket's own middlewares. */
  fns?: unknown;
  readonly nsp: {
    /** Counts packets that want an acknowledgement. */
    _ids?: unknown;
    readonly server: { readonly opts?: { readonly connectionStateRecovery?: unknown } };
  };
}

/** What Socket.IO has of a connection, and calls for each CONNECT packet, with the namespace's name. */
interface Client {
  readonly conn: Socket["conn"];
  readonly server: Server;
  connect?: (name: string, auth?: object) => void;
}

interface Packet {
  type: number;
  data?: unknown[];
  /** Parsers other than Socket.IO's own may say `null` for nothing. */
  id?: number | null;
}

const EVENT = 2;
const BINARY_EVENT = 5;

const nothing = () => {};

function internalsOf(socket: Socket): Internals {
  return socket as unknown as Internals;
}

/**
 * Sends an event to one client, and to nobody else's ears: no catch-all listener is told, no adapter
 * publishes it or keeps it for recovery. `acknowledged` is called when the client acknowledges it; without,
 * no acknowledgement is asked for.
 */
export function sendPrivately(
  socket: Socket,
  event: string,
  content: object,
  acknowledged?: () => void,
): void {
  // On a connection that carries several namespaces, the client may be back already as another socket.
  if (!socket.connected) return;
  const internals = internalsOf(socket);
  const { acks, nsp } = internals;
  if (typeof internals.packet !== "function" || !(acks instanceof Map) || typeof nsp._ids !== "number") {
    // What asks for an acknowledgement is not kept for recovery.
    socket.emit(event, content, acknowledged ?? nothing);
    return;
  }
  const packet: Packet = { type: EVENT, data: [event, content] };
  if (acknowledged) {
    packet.id = nsp._ids++;
    acks.set(packet.id, acknowledged);
  }
  internals.packet(packet);
}

/**
 * Has `take` look at each such event of a client before any catch-all listener, middleware or handler; one
 * that it takes, answering `true`, goes no further. `event` is as a socket's middleware gets it: with the
 * acknowledging function last, where the client wants one.
 */
export function interceptEvent(
  prototype: Socket,
  name: string,
  take: (socket: Socket, event: unknown[]) => boolean,
): void {
  const internals = internalsOf(prototype);
  const { _onpacket: onPacket } = internals;
  if (typeof onPacket !== "function") return;
  internals._onpacket = function (this: Socket, packet) {
    const { type, data, id } = packet;
    if (data?.[0] === name && (type === EVENT || type === BINARY_EVENT)) {
      const acknowledge = id === undefined || id === null ? undefined : internalsOf(this).ack?.(id);
      if (take(this, acknowledge ? [...data, acknowledge] : data)) return;
    }
    onPacket.call(this, packet);
  };
}

const intercepted = new WeakSet<object>();

/**
 * Asks `mayConnect` at each CONNECT packet for a namespace that is there, before a socket is made of it:
 * `false` where none is to be. For all connections that are like this socket's, from the first call on.
 */
export function interceptConnects(
  { client }: Socket,
  mayConnect: (connection: Socket["conn"], namespace: Namespace) => boolean,
): void {
  const prototype = Object.getPrototypeOf(client) as Client;
  if (intercepted.has(prototype)) return;
  intercepted.add(prototype);
  const { connect } = prototype;
  if (typeof connect !== "function") return;
  prototype.connect = function (this: Client, name, auth) {
    const namespace = namespacesOf(this.server).get(name);
    if (!namespace || mayConnect(this.conn, namespace)) connect.call(this, name, auth);
  };
}

/** The namespaces of a server that there are now, children of dynamic ones too, by their names. */
export function namespacesOf(server: Server): ReadonlyMap<string, Namespace> {
  return server._nsps ?? new Map();
}

/** Calls `look` for each new socket, of any namespace, before its `handshake` is made. */
export function beforeHandshakes(prototype: Socket, look: (socket: Socket) => void): void {
  const internals = internalsOf(prototype);
  const { buildHandshake } = internals;
  if (typeof buildHandshake !== "function") return;
  internals.buildHandshake = function (this: Socket, auth) {
    look(this);
    return buildHandshake.call(this, auth);
  };
}

/**
 * Calls `look` for each socket that Socket.IO throws away. There is no event for one that never connected.
 */
export function afterCleanups(prototype: Socket, look: (socket: Socket) => void): void {
  const internals = internalsOf(prototype);
  const { _cleanup: cleanup } = internals;
  if (typeof cleanup !== "function") return;
  internals._cleanup = function (this: Socket) {
    cleanup.call(this);
    look(this);
  };
}

/** Has Socket.IO forget a socket that will never connect: it keeps those whose middleware does not go on. */
export function forget(socket: Socket): void {
  internalsOf(socket)._cleanup?.();
}

/**
 * Socket.IO's list of a socket's own middlewares makes room for sixteen more with the first; most sockets
 * have no second.
 */
export function trimMiddlewares(socket: Socket): void {
  const internals = internalsOf(socket);
  if (Array.isArray(internals.fns)) internals.fns = [...internals.fns];
}

/** Whether Socket.IO keeps what it sends, to recover sockets; where that cannot be told, as if it did. */
export function isRecoverable(socket: Socket): boolean {
  const { opts } = internalsOf(socket).nsp.server;
  return opts === undefined || opts.connectionStateRecovery !== undefined;
}
