// @ts-check
// A cutter: any function of the handshake that finds the session's id. This one is for programs that have the
// cookie and cannot send it as a header: they give it as `auth: { cookie }` of their socket.
import { fromCookie } from "socket.io-token-session";

/**
 * @param {string} secret of express-session
 * @returns {NonNullable<import("socket.io-token-session").TokenSessionOptions["identify"]>}
 */
export function cutter(secret) {
  // An id without its signature would do too, and be worth less: the signature shows that a server has given
  // it out.
  const read = fromCookie({ secret });
  return ({ auth: { cookie } }) => (typeof cookie === "string" ? read({ headers: { cookie } }) : undefined);
}
