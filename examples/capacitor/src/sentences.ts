import type { ClientEndReason, ClientError } from "socket.io-token-session/client";
import type { State } from "../handlers.js";

/** What an event has come to; nothing where nobody asked for it. */
export function afterReply(event: string, { taps, name }: State): string {
  switch (event) {
    case "tap":
      return `Tap ${taps} is in the session's row.`;
    case "note":
      return "The note is in the session's row.";
    case "login":
      return `Logged in as ${name}: same session, new token, and the old one opens nothing any more.`;
    case "logout":
      return "Logged out: same session, new token, and its values are gone.";
    default:
      return "";
  }
}

export function afterEnd(reason: ClientEndReason): string {
  switch (reason) {
    case "forgotten":
      return "The token was dropped on this device; its session is left to expire.";
    case "expired":
      return "The session had not been used for too long.";
    default:
      return `The session is over: ${reason}.`;
  }
}

/** `cause`: the server's words, or what the storage threw. */
export function afterError({ cause }: ClientError): string {
  return `No session for now: ${cause}. It is tried again by itself.`;
}
