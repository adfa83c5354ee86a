// @ts-check
// What HTTP and RPC have in common: it takes a session, wherever that comes from.

/** @typedef {import("socket.io-token-session").SessionHandle} SessionHandle */

/**
 * `req.session`. The cast is for this repository, where another example has express-session's type of that
 * name. @param {object} request
 */
export function sessionOf(request) {
  const { session } = /** @type {{ session: import("socket.io-token-session").RequestSession }} */ (request);
  return session;
}

/** @param {SessionHandle} session */
export function show(session) {
  return { basket: session.get("basket", []), userId: session.userId };
}

/** Refuses what is no item. @param {unknown} item @returns {string} */
export function checked(item) {
  if (typeof item !== "string" || item === "" || item.length > 40) throw { code: "WHAT_ITEM" };
  return item;
}

/** @param {SessionHandle} session @param {unknown} given */
export async function put(session, given) {
  const item = checked(given);
  // Not get, push and set: of two that come at once one would be lost.
  await session.update((draft) => {
    draft["basket"] = [...(draft["basket"] ?? []), item].slice(-20);
  });
}

/**
 * A promise for who calls back, as `req.session.save(callback)` did: by then the change is in the store.
 * @param {Promise<unknown>} saved
 * @param {(error: string | null) => void} callback
 */
export function called(saved, callback) {
  saved.then(
    () => callback(null),
    (error) => callback(codeOf(error)),
  );
}

/**
 * Express's last resort.
 * @param {unknown} error
 * @param {unknown} _request
 * @param {import("express").Response} response
 * @param {unknown} _next
 */
export function failed(error, _request, response, _next) {
  response.status(500).json({ error: codeOf(error) });
}

/** What a client is told. @param {unknown} error @returns {string} */
function codeOf(error) {
  return Object(error).code ?? "failed";
}
