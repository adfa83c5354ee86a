import type { Socket } from "socket.io";
import { authorizationOf, cookieHeaderOf } from "../token/request-headers.js";
import type { TokenCookies } from "../token/token-cookies.js";

/** The cookies to be hidden, of each server that token sessions are attached to. */
const ofServers = new WeakMap<object, Set<TokenCookies>>();

/**
 * From now on these cookies are hidden in the handshakes of a server, of all its namespaces: they share their
 * connections.
 */
export function hideCookiesOf(server: object, cookies: TokenCookies): void {
  const all = ofServers.get(server);
  if (all) all.add(cookies);
  else ofServers.set(server, new Set([cookies]));
}

/**
 * Takes cookies that hold a token, and a token in `Authorization`, out of the request behind a socket, whose
 * headers the handshake shows, `fetchSockets` ships to other servers and Socket.IO's Admin UI sends to its
 * pages. The application finds all else there as ever.
 */
export function hideTokenCookies({ nsp, request }: Socket): void {
  const all = ofServers.get(nsp.server);
  // A connection by WebTransport has no request.
  if (!all || !request) return;
  for (const cookies of all) cookies.hideIn(request);
}

/** The handshake with the headers that the client has sent. */
export function handshakeAsSent({ handshake, request }: Socket): Socket["handshake"] {
  const { headers } = handshake;
  if (!request) return handshake;
  const [cookie, authorization] = [cookieHeaderOf(request), authorizationOf(request)];
  if (cookie === headers.cookie && authorization === headers.authorization) return handshake;
  return {
    ...handshake,
    headers: { ...headers, ...(cookie && { cookie }), ...(authorization && { authorization }) },
  };
}
