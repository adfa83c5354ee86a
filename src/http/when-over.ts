import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** What is to be done when a connection goes, for answers that have not had their turn on it. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/** Runs `then` once the answer to a request has gone out, or never will. */
export function whenOver({ socket }: IncomingMessage, response: ServerResponse, then: () => void): void {
  if (response.closed) return then();
  response.once("close", then);
  // On its way: Node closes it with the connection. Of requests that came before the one ahead of them was answered, it forgets the rest.
  if (response.socket) return;
  if (socket.destroyed) return over();
  const others = waiting.get(socket) ?? waitFor(socket);
  others.add(over);
  response.once("close", () => others.delete(over));

  function over() {
    response.off("close", then);
    then();
  }
}

/** One listener for all, however many requests come on one connection. */
function waitFor(socket: Socket): Set<() => void> {
  const others = new Set<() => void>();
  waiting.set(socket, others);
  socket.once("close", () => {
    for (const run of others) run();
  });
  return others;
}
