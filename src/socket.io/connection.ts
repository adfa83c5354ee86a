import type { Socket } from "socket.io";
import type { Clock } from "../clock.js";
import { MintLimit, OF_A_CONNECTION } from "./mint-limit.js";

type Connection = Socket["conn"];

/** What all sockets of one connection share: a client may open and reopen as many namespaces on it as it likes. */
interface Shared {
  readonly onClose: Set<() => void>;
  readonly mints: MintLimit;
}

const connections = new WeakMap<Connection, Shared>();

/** One listener a connection, however many sockets it carries. */
export function sharedOf(connection: Connection, clock: Clock): Shared {
  let shared = connections.get(connection);
  if (!shared) {
    const onClose = new Set<() => void>();
    shared = { onClose, mints: new MintLimit(clock, OF_A_CONNECTION) };
    connections.set(connection, shared);
    connection.once("close", () => {
      for (const run of onClose) run();
    });
  }
  return shared;
}

/**
 * Calls `run` when Socket.IO throws a socket away that never connected, because a middleware after ours refused it. There is
 * no event for that; should a later version do without this method, the end of the connection still comes.
 */
export function onRefusal(socket: Socket, run: () => void): void {
  const internals = socket as unknown as { _cleanup?: () => void };
  const cleanup = internals._cleanup;
  if (typeof cleanup !== "function") return;
  internals._cleanup = function (this: Socket) {
    cleanup.call(this);
    if (!this.connected) run();
  };
}
