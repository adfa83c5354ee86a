import type { Socket } from "socket.io";
import type { Log } from "../base/log.js";
import { SessionError } from "../errors.js";
import { ConnectionOpens, type OpenLimits } from "../registry/open-slots.js";
import type { Strangers } from "../registry/strangers.js";
import { hasUsedUpMints } from "./shared-connection.js";

/**
 * More at once than pages have namespaces; and as many waiting as an application with a namespace for each of its rooms has. Of one namespace
 * a client that disconnects and connects in haste has two.
 */
const OF_A_CONNECTION: OpenLimits = { atOnce: 8, waiting: 250, waitingAlike: 2 };

/** Sockets of one namespace that one connection may be making: one more would be one too many to wait. */
export const MOST_ALIKE = 10;

interface Context {
  readonly strangers: Strangers;
}

/** Takes the turn for one open, where it need not wait for it: to be given back by {@link endTurn}. */
export function takeTurn({ conn }: Socket): boolean {
  return ConnectionOpens.of(conn, OF_A_CONNECTION).begin();
}

/**
 * Waits for the turn, of which {@link dropTurn} lets go; `false` where there will be none, as the connection goes. `undefined` where too
 * many wait.
 */
export function waitForTurn({ conn, nsp }: Socket, who: object): Promise<boolean> | undefined {
  return ConnectionOpens.of(conn, OF_A_CONNECTION).wait(who, nsp);
}

export function endTurn({ conn }: Socket): void {
  ConnectionOpens.of(conn, OF_A_CONNECTION).end();
}

/** What lets an open that has its turn wait all the same: nothing, mostly. */
export function pace({ conn }: Socket, who: object, { strangers }: Context): Promise<void> | undefined {
  return hasUsedUpMints(conn) ? strangers.wait(who) : undefined;
}

export function dropTurn({ conn }: Socket, who: object, { strangers }: Context): void {
  ConnectionOpens.drop(conn, who);
  strangers.drop(who);
}

/** Connections that were closed for asking for too much: with their last packet there may come hundreds of sockets more. */
const refused = new WeakSet<object>();

export function isRefused({ conn }: Socket): boolean {
  return refused.has(conn);
}

/** Too many wait: the connection is closed, and its client comes back by itself. */
export function refuse(conn: Socket["conn"], log: Log): void {
  if (refused.has(conn)) return;
  refused.add(conn);
  conn.close();
  const { code, message } = new SessionError(
    "SESSION_QUEUE_FULL",
    "a client sent too much: too many of its sessions waited to be opened",
  );
  log.warn({ code }, `${message}; its connection was closed`);
}
