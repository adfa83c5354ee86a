// Runs in the page: a client whose token is in an httpOnly cookie.
import { io } from "socket.io-client";
import { httpOnlyCookie } from "../../../client/adapters/http-only-cookie.js";
import { type ClientSession, tokenSession } from "../../../client/index.js";

/** What a test finds in the page. */
export interface CookiePage {
  session: ClientSession;
  ask(event: string, ...given: unknown[]): Promise<unknown>;
  /** Every text that came over Socket.IO or was stored: where a token would be seen. */
  seen: string[];
  errors: unknown[];
}

declare global {
  interface Window {
    page: CookiePage;
  }
}

const seen: string[] = [];
const errors: unknown[] = [];
/** Where the page is not the server's own. */
const server = new URLSearchParams(location.search).get("server") ?? location.origin;
const socket = io(server);
socket.onAny((...event) => seen.push(JSON.stringify(event)));
const session = tokenSession(socket, { storage: httpOnlyCookie({ url: `${server}/session` }) });
session.on("token", (token) => seen.push(token));
session.on("error", ({ cause }) => errors.push(String(cause)));
window.page = { session, seen, errors, ask: (event, ...given) => socket.emitWithAck(event, ...given) };
