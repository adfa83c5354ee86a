import type { Socket } from "socket.io";
import { SessionError } from "../errors.js";
import type { Session } from "../session/session.js";
import { standInFor, type Tickets } from "../token/tickets.js";
import type { PresentedToken } from "../token/token.js";
import {
  type EndReason,
  GOT_TOKEN,
  type GotToken,
  SESSION_END,
  type SessionEnd,
  TOKEN_CHANGED,
} from "../wire.js";
import type { ClientFacts } from "./handshake.js";
import { sendPrivately } from "./internals.js";

// None of these by `socket.emit`: it would tell them to catch-all listeners (a logger, Socket.IO's Admin UI),
// token and all, and with connection state recovery keep them for a replay, publish them to other servers and
// perhaps wait for those.

/** How long a client may take to store a new token before its confirmation is no longer waited for. */
export const CONFIRM_TIMEOUT_MS = 10_000;

/** Sends `gotToken` to this socket alone. Resolves to whether it was confirmed, and perhaps never. */
export function deliverGotToken(
  socket: Socket,
  message: GotToken,
  { confirm }: { confirm: boolean },
): Promise<boolean> {
  return new Promise((resolve) => {
    sendPrivately(socket, GOT_TOKEN, message, confirm ? () => resolve(true) : undefined);
    if (!confirm) resolve(false);
  });
}

/** The same where nobody waits for the confirmation. */
export function sendGotToken(socket: Socket, message: GotToken, { confirm }: { confirm: boolean }): void {
  sendPrivately(socket, GOT_TOKEN, message, confirm ? nothing : undefined);
}

/** Asks a socket for the token that it has now. */
export function askForToken(socket: Socket): void {
  sendPrivately(socket, TOKEN_CHANGED, {});
}

/** Tells a socket that its session is over, and disconnects it. */
export function endSocket(socket: Socket, reason: EndReason): void {
  // After what the handler that ended it has still to say, an acknowledgement perhaps.
  setImmediate(() => {
    const message: SessionEnd = { reason };
    sendPrivately(socket, SESSION_END, message);
    socket.disconnect();
  });
}

/** To a client that asks for a token, where its session is that of a cookie. */
export function toStandInMessage(session: Session, presented: unknown): GotToken {
  const token = standInFor(session.id);
  const known = presented === token ? ({ created: false } as const) : {};
  return { token, errors: "", expiresAt: session.row?.expires ?? 0, ...known };
}

/** The answer to a token that opens the session. */
export function toGotToken(
  token: string,
  session: Session,
  { facts }: { readonly facts: ClientFacts },
): GotToken {
  const shown = facts.cookie !== undefined ? standInFor(session.id) : token;
  return { token: shown, errors: "", expiresAt: session.row?.expires ?? 0, created: false };
}

/** What is sent, with the presentation that it is about: to clients that number them. */
export function withNumber(message: GotToken, number: number | undefined): GotToken {
  return number === undefined ? message : { ...message, nth: number };
}

/**
 * A new token as its client is sent it: where it belongs into a cookie, as a ticket for whoever has the
 * secret that is in it now.
 */
export function newToken(
  { text, sessionId }: PresentedToken,
  { facts, tickets }: { readonly facts: ClientFacts; readonly tickets: Tickets | undefined },
  boundTo = facts.cookie,
): string {
  if (facts.cookie === undefined) return text;
  if (!tickets || boundTo === undefined) throw new SessionError("SESSION_NOT_CONFIRMED");
  return tickets.seal("store", sessionId, { token: text, boundTo });
}

function nothing(): void {}
