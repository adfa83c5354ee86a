import type { Socket } from "socket.io";
import { GOT_TOKEN, type GotToken } from "../wire.js";

/** How long a client may take to store a new token before its confirmation is no longer waited for. */
const CONFIRM_TIMEOUT_MS = 10_000;

/** Where no confirmation is wanted, its time-out is over at once: a timer would otherwise keep a closing process alive. */
const NO_CONFIRM_TIMEOUT_MS = 1;

const nothing = () => {};

/**
 * Sends `gotToken` to this socket alone. With connection state recovery a plain `socket.emit` would be kept in the replay log
 * (and published to other nodes by cluster adapters), token and all; a packet that asks for an acknowledgement is not.
 */
export function sendGotToken(socket: Socket, message: GotToken, { confirm }: { confirm: boolean }): void {
  if (keepsReplayLog(socket)) {
    const timeoutMs = confirm ? CONFIRM_TIMEOUT_MS : NO_CONFIRM_TIMEOUT_MS;
    socket.nsp.local.to(socket.id).timeout(timeoutMs).emit(GOT_TOKEN, message, nothing);
  } else if (confirm) {
    socket.timeout(CONFIRM_TIMEOUT_MS).emit(GOT_TOKEN, message, nothing);
  } else {
    socket.emit(GOT_TOKEN, message);
  }
}

/** Socket.IO offers no public way to ask; if a later version keeps its options elsewhere, the careful way is taken. */
function keepsReplayLog(socket: Socket): boolean {
  const { opts } = socket.nsp.server as unknown as { opts?: { connectionStateRecovery?: unknown } };
  return opts === undefined || opts.connectionStateRecovery !== undefined;
}
