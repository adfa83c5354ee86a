import type { Socket } from "socket.io";
import type { Clock } from "../base/clock.js";
import { MintLimit, OF_A_CONNECTION } from "../registry/mint-limit.js";

type Connection = Socket["conn"];

/** The session side of a socket that may not have connected yet. */
export interface ConnectingSocket {
  /** It has neither connected nor gone. */
  readonly isConnecting: boolean;
  close(): void;
}

const connecting = new WeakMap<Connection, Set<ConnectingSocket>>();
const limits = new WeakMap<Connection, MintLimit>();

/**
 * To be called when the namespace's next middleware has the socket. Where one takes its time, the socket may
 * never connect, and then it has no "disconnect": it leaves when the connection closes. Most sockets connect
 * at once, and need no listener to "close", a third one, with which Node's list of them would grow to twenty
 * places.
 */
export function watchConnecting(connection: Connection, one: ConnectingSocket): void {
  process.nextTick(watch, connection, one);
}

function watch(connection: Connection, one: ConnectingSocket): void {
  if (!one.isConnecting) return;
  if (connection.readyState === "closed") return one.close();
  let all = connecting.get(connection);
  if (!all) {
    all = new Set();
    connecting.set(connection, all);
    // One listener a connection, however many sockets it carries.
    connection.on("close", closeAll);
  }
  all.add(one);
}

function closeAll(this: Connection): void {
  for (const one of connecting.get(this) ?? []) one.close();
}

/** It has connected, or never will. */
export function unwatchConnecting(connection: Connection, one: ConnectingSocket): void {
  const all = connecting.get(connection);
  if (!all?.delete(one) || all.size > 0) return;
  connecting.delete(connection);
  connection.removeListener("close", closeAll);
}

/**
 * How many sessions a connection may still create: a client may open and reopen as many namespaces on it as
 * it likes.
 */
export function mintLimitOf(connection: Connection, clock: Clock): MintLimit {
  let limit = limits.get(connection);
  if (!limit) {
    limit = new MintLimit(clock, OF_A_CONNECTION);
    limits.set(connection, limit);
  }
  return limit;
}

/** Whether it may create none now, because it has asked for so many. */
export function hasUsedUpMints(connection: Connection): boolean {
  return limits.get(connection)?.isUsedUp ?? false;
}
