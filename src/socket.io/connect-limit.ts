import type { Namespace, Socket } from "socket.io";
import { interceptConnects } from "./internals.js";
import { MOST_ALIKE } from "./socket-slots.js";

type Connection = Socket["conn"];

/** CONNECT packets of this turn of the event loop, by connection and namespace. */
const ofThisTurn = new Map<Connection, Map<Namespace, number>>();

/**
 * Bounds the sockets that Socket.IO makes of CONNECT packets that come together, hundreds in one reading of a
 * connection: it makes them all before it runs any middleware. `refuse` is told where there are too many for
 * one of the namespaces that `isBounded`.
 */
export function limitConnects(
  socket: Socket,
  isBounded: (namespace: Namespace) => boolean,
  refuse: (connection: Connection, namespace: Namespace) => void,
): void {
  interceptConnects(socket, (connection, namespace) => {
    const mayConnect = !isBounded(namespace) || count(connection, namespace) <= MOST_ALIKE;
    if (!mayConnect) refuse(connection, namespace);
    return mayConnect;
  });
}

function count(connection: Connection, namespace: Namespace): number {
  if (ofThisTurn.size === 0) setImmediate(() => ofThisTurn.clear());
  const counts = ofThisTurn.get(connection) ?? new Map<Namespace, number>();
  ofThisTurn.set(connection, counts);
  const total = (counts.get(namespace) ?? 0) + 1;
  counts.set(namespace, total);
  return total;
}
