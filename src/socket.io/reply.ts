import { randomUUID } from "node:crypto";
import type { Socket } from "socket.io";
import {
  type EndReason,
  GOT_TOKEN,
  type GotToken,
  SESSION_END,
  type SessionEnd,
  TOKEN_CHANGED,
} from "../wire.js";
import { promisesOf } from "./dropped-promises.js";
import { mayRecover } from "./recovery.js";

/** How long a client may take to store a new token before its confirmation is no longer waited for. */
export const CONFIRM_TIMEOUT_MS = 10_000;

/** Where no acknowledgement is wanted, its time-out is over at once: a timer would otherwise keep a closing process alive. */
const NO_ANSWER_TIMEOUT_MS = 1;

const nothing = () => {};

/**
 * Sends `gotToken` to this socket alone. With connection state recovery a plain `socket.emit` would be kept in the replay log
 * (and published to other nodes by cluster adapters), token and all; a packet that asks for an acknowledgement is not.
 * Resolves to whether it was confirmed, and perhaps never.
 */
export function sendGotToken(
  socket: Socket,
  message: GotToken,
  { confirm }: { confirm: boolean },
): Promise<boolean> {
  return new Promise((resolve) => {
    if (mayRecover(socket)) {
      emitUnkept(
        socket,
        confirm ? CONFIRM_TIMEOUT_MS : NO_ANSWER_TIMEOUT_MS,
        GOT_TOKEN,
        message,
        (error, answers) => resolve(confirm && !error && answers.length === 1),
      );
    } else if (confirm) {
      // Without a time-out of Socket.IO's, whose timer would keep a closing process alive.
      socket.emit(GOT_TOKEN, message, () => resolve(true));
    } else {
      socket.emit(GOT_TOKEN, message);
      resolve(false);
    }
  });
}

/** The same where nobody waits for the confirmation. */
export function tellGotToken(socket: Socket, message: GotToken, options: { confirm: boolean }): void {
  if (options.confirm || mayRecover(socket)) void sendGotToken(socket, message, options);
  else socket.emit(GOT_TOKEN, message);
}

/**
 * Asks a socket for the token that it has now. Not to be kept for a recovered socket, which presents its token anyway; and with connection
 * state recovery a plain `socket.emit` is published, which may wait for a server that is away, or fail where nobody looks.
 */
export function askForToken(socket: Socket): void {
  if (mayRecover(socket)) emitUnkept(socket, NO_ANSWER_TIMEOUT_MS, TOKEN_CHANGED, {});
  else socket.emit(TOKEN_CHANGED, {});
}

/** Tells a socket that its session is over, and disconnects it. */
export function endSocket(socket: Socket, reason: EndReason): void {
  // After what the handler that ended it has still to say, an acknowledgement perhaps.
  setImmediate(() => {
    sendSessionEnd(socket, { reason });
    socket.disconnect();
  });
}

/**
 * Sends `sessionEnd`, now: with connection state recovery a plain `socket.emit` may first wait for a cluster's log to take it,
 * and the disconnect that follows would come before.
 */
function sendSessionEnd(socket: Socket, message: SessionEnd): void {
  if (mayRecover(socket)) emitUnkept(socket, NO_ANSWER_TIMEOUT_MS, SESSION_END, message);
  else socket.emit(SESSION_END, message);
}

function emitUnkept(
  socket: Socket,
  timeoutMs: number,
  event: string,
  message: object,
  onAnswer: (error: Error | null, answers: unknown[]) => void = nothing,
): void {
  // Not by the room of the socket's id: an application that lets clients join what they name would send others the token.
  // In this one is nobody else, because it is there for this one call.
  const room = `tokenSession:${randomUUID()}`;
  // Some adapters subscribe to each room, and drop the promise of it.
  promisesOf(() => void socket.join(room));
  let isOver = false;
  const over = (error: Error | null, answers: unknown[]) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    onAnswer(error, answers);
  };
  const timer = setTimeout(() => over(new Error("timed out"), []), timeoutMs).unref();
  // `local.timeout().emit()` would wait for answers of every server of a cluster, and those never come.
  socket.nsp.adapter.broadcastWithAck(
    { type: 2, data: [event, message] },
    { rooms: new Set([room]), except: new Set(), flags: { local: true } },
    () => {},
    (answer: unknown) => over(null, [answer]),
  );
  promisesOf(() => void socket.leave(room));
}
