import type { Socket } from "socket.io";

/**
 * Takes cookies that hold a token out of the handshake, which Socket.IO ships to other nodes (`fetchSockets`). The application finds its own
 * cookies there as ever.
 */
export function hideCookies({ handshake }: Socket, names: ReadonlySet<string>): void {
  const { cookie } = handshake.headers;
  if (names.size === 0 || !cookie) return;
  const others = cookie.split(";").filter((pair) => !names.has(pair.slice(0, pair.indexOf("=")).trim()));
  // A copy: the object is the request's own.
  handshake.headers = { ...handshake.headers, cookie: others.join(";").trim() };
}
