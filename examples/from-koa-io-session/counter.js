// @ts-check

/**
 * Counts in a session, whoever gives it: `ctx.session` of a request, or what `withSession` gives on a socket.
 * @param {Record<string, any>} session
 * @param {"httpCount" | "socketCount"} what
 * @param {string} sessionId the public id, fit for logs; there it was what the cookie has
 */
export function count(session, what, sessionId) {
  session[what] = (session[what] ?? 0) + 1;
  const { httpCount = 0, socketCount = 0, clientId } = session;
  return { httpCount, socketCount, clientId, sessionId };
}
