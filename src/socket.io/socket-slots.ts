import type { Socket } from "socket.io";
import type { Log } from "../base/log.js";
import { SessionError } from "../errors.js";
import { type OpenLimits, OpenSlots } from "../registry/open-slots.js";
import type { Strangers } from "../registry/strangers.js";
import { hasUsedUpMints } from "./shared-connection.js";

/**
 * More at once than pages have namespaces; and as many waiting as an application with a namespace for each of
 * its rooms has. Of one namespace a client that disconnects and connects in haste has two.
 */
const CONNECTION_LIMITS: OpenLimits = { atOnce: 8, waiting: 250, waitingAlike: 2 };

/** Sockets of one namespace that one connection may be making: one more would be one too many to wait. */
export const MOST_ALIKE = 10;

interface Context {
  readonly strangers: Strangers;
}

/** Takes a slot for one open, where it need not wait for one: to be given back by {@link releaseSlot}. */
export function tryAcquireSlot({ conn }: Socket): boolean {
  return OpenSlots.of(conn, CONNECTION_LIMITS).tryAcquire();
}

/**
 * Waits for a slot, until {@link cancelWaiting}; `false` where there will be none, as the connection goes.
 * `undefined` where too many wait.
 */
export function acquireSlot({ conn, nsp }: Socket, who: object): Promise<boolean> | undefined {
  return OpenSlots.of(conn, CONNECTION_LIMITS).acquire(who, nsp);
}

export function releaseSlot({ conn }: Socket): void {
  OpenSlots.of(conn, CONNECTION_LIMITS).release();
}

/** What lets an open that has its slot wait all the same: nothing, mostly. */
export function waitForPace(
  { conn }: Socket,
  who: object,
  { strangers }: Context,
): Promise<void> | undefined {
  return hasUsedUpMints(conn) ? strangers.wait(who) : undefined;
}

export function cancelWaiting({ conn }: Socket, who: object, { strangers }: Context): void {
  OpenSlots.cancel(conn, who);
  strangers.cancel(who);
}

/**
 * Connections that were closed for asking for too much: with their last packet there may come hundreds of
 * sockets more.
 */
const refused = new WeakSet<object>();

export function isConnectionRefused({ conn }: Socket): boolean {
  return refused.has(conn);
}

/** Too many wait: the connection is closed, and its client comes back by itself. */
export function refuseConnection(conn: Socket["conn"], log: Log): void {
  if (refused.has(conn)) return;
  refused.add(conn);
  conn.close();
  const { code, message } = new SessionError(
    "SESSION_QUEUE_FULL",
    "a client sent too much: too many of its sessions waited to be opened",
  );
  log.warn({ code }, `${message}; its connection was closed`);
}
