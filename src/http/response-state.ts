import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import onHeaders from "on-headers";

/** What is to be done when a connection goes, for answers that have not had their turn on it. */
const waiting = new WeakMap<Socket, Set<() => void>>();
/** Answers to upgrades that have gone out. */
const upgraded = new WeakSet<ServerResponse>();

/**
 * Runs `then` once the answer to a request has gone out, or never will. Of an upgrade (`io.engine.use`), once
 * its connection is closed: until then it is `socket.request` of a Socket.IO socket.
 */
export function onResponseOver(
  { socket }: IncomingMessage,
  response: ServerResponse,
  then: () => void,
): void {
  if (response.closed) return then();
  // Engine.IO's stand-in for the answer to an upgrade has no events up to 6.6, and later tells of nothing but
  // this.
  if (isStandIn(response)) {
    if (socket.destroyed) return then();
    onClose(socket, then);
    return;
  }
  response.once("close", then);
  // On its way: Node closes it with the connection. Of requests that came before the one ahead of them was
  // answered, it forgets the rest.
  if (response.socket) return;
  if (socket.destroyed) return over();
  response.once("close", onClose(socket, over));

  function over() {
    response.off("close", then);
    then();
  }
}

/** Whether it is too late for a header. */
export function isAnswered(response: ServerResponse): boolean {
  return isSent(response) || response.destroyed;
}

/** Whether the headers have gone out. */
export function isSent(response: ServerResponse): boolean {
  return response.headersSent || upgraded.has(response);
}

/** Has {@link isSent} know of an upgrade too, which itself does not show it. */
export function trackHeaders(response: ServerResponse): void {
  if (isStandIn(response)) onHeaders(response, () => upgraded.add(response));
}

function isStandIn({ headersSent }: { headersSent?: boolean }): boolean {
  return headersSent === undefined;
}

/** Runs `then` when a connection is closed; gives what takes that back. */
function onClose(socket: Socket, then: () => void): () => void {
  const others = waiting.get(socket) ?? listenToClose(socket);
  others.add(then);
  return () => others.delete(then);
}

/** One listener for all, however many requests come on one connection. */
function listenToClose(socket: Socket): Set<() => void> {
  const others = new Set<() => void>();
  waiting.set(socket, others);
  socket.once("close", () => {
    for (const run of others) run();
  });
  return others;
}
