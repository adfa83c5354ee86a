// @ts-check
// The demo's own events. Each is answered by its acknowledgement: `{ state }`, or `{ error }` with a text for the page.
import { SessionError } from "socket.io-token-session";
import { LONGEST_NAME, MOST_OF_ONE, PRODUCTS, toCart, toVisits } from "./public/shop.js";

/** @typedef {import("socket.io").Socket} Socket */
/** @typedef {import("socket.io-token-session").SessionHandle} Session */
/** @typedef {{ data: Record<string, unknown>, id: string, createdAt: number, visitedAt: number, previousVisitAt: number, expiresAt: number }} State */
/** @typedef {{ state?: State, error?: string, code?: string }} Reply */

/** The client sent something that is not to be: its text goes back to it. */
class Refusal extends Error {}

/** @type {Record<string, (session: Session, content: Record<string, unknown>) => Promise<void>>} */
const changes = {
  async visit(session) {
    // By update and not by set: two tabs, or two servers, may count at the same moment.
    await session.update((draft) => {
      draft["visits"] = toVisits(draft["visits"]) + 1;
    });
  },

  async login(session, { name }) {
    if (typeof name !== "string") throw new Refusal("A name is a text.");
    const trimmed = name.trim();
    if (trimmed === "") throw new Refusal("Please give a name.");
    if (trimmed.length > LONGEST_NAME) throw new Refusal(`A name has at most ${LONGEST_NAME} characters.`);
    if (/\p{Cc}/u.test(trimmed)) throw new Refusal("A name has no control characters.");
    await session.set("name", trimmed);
  },

  async logout(session) {
    if (!session.has("name")) throw new Refusal("Nobody is logged in.");
    await session.delete("name");
  },

  async cart(session, { product, by }) {
    if (!PRODUCTS.some(({ id }) => id === product)) throw new Refusal("There is no such product.");
    if (by !== 1 && by !== -1) throw new Refusal("Add one or remove one.");
    const id = /** @type {string} */ (product);
    await session.update((draft) => {
      const cart = toCart(draft["cart"]);
      const count = (cart[id] ?? 0) + by;
      if (count < 0) throw new Refusal("There is none of it in the cart.");
      if (count > MOST_OF_ONE) throw new Refusal(`At most ${MOST_OF_ONE} of each.`);
      if (count === 0) delete cart[id];
      else cart[id] = count;
      draft["cart"] = cart;
    });
  },

  async clear(session) {
    await session.clearSession();
  },

  // Every tab with this session hears of it from the library: `sessionEnd`, and then it is disconnected.
  async end(session) {
    await session.destroy();
  },
};

/**
 * Gives a socket the demo's events.
 * @param {Socket} socket
 */
export function serveSocket(socket) {
  for (const [event, change] of Object.entries(changes)) {
    answer(socket, event, async (content) => {
      await change(socket.session, content);
      const state = stateOf(socket.session);
      // Whoever else has this session open (another tab) sees it at once. A state has no secret in it.
      socket.to(joinOwnRoom(socket)).emit("state", { event, state });
      return state;
    });
  }
  answer(socket, "state", async () => {
    if (!socket.session.active) throw new SessionError("SESSION_MISSING");
    joinOwnRoom(socket);
    return stateOf(socket.session);
  });
}

/**
 * @param {Socket} socket
 * @param {string} event
 * @param {(content: Record<string, unknown>) => Promise<State>} handle
 */
function answer(socket, event, handle) {
  socket.on(event, async (/** @type {unknown[]} */ ...sent) => {
    const last = sent.at(-1);
    const reply = typeof last === "function" ? last : () => {};
    const [content] = sent;
    const isObject = typeof content === "object" && content !== null && !Array.isArray(content);
    try {
      reply({ state: await handle(isObject ? /** @type {Record<string, unknown>} */ (content) : {}) });
    } catch (error) {
      reply(toReply(error));
    }
  });
}

/**
 * A room of the demo's own, named after the session's public id.
 * @param {Socket} socket
 */
function joinOwnRoom(socket) {
  const room = `session:${socket.session.id}`;
  for (const other of socket.rooms) {
    if (other.startsWith("session:") && other !== room) socket.leave(other);
  }
  socket.join(room);
  return room;
}

/**
 * @param {Session} session
 * @returns {State}
 */
function stateOf(session) {
  const data = session.toJSON();
  const { id = "", createdAt, visitedAt, previousVisitAt, expiresAt } = session;
  return { data, id, createdAt, visitedAt, previousVisitAt, expiresAt };
}

/** @type {Partial<Record<import("socket.io-token-session").SessionErrorCode, string>>} */
const texts = {
  SESSION_STORE_UNAVAILABLE: "The database cannot be reached, so nothing was saved. Please try again.",
  SESSION_WRITE_UNCERTAIN: "The database did not answer, so it is not known whether that was saved.",
  SESSION_ENDED: "This session is over.",
  SESSION_MISSING: "There is no session yet.",
};

/**
 * @param {unknown} error
 * @returns {Reply}
 */
function toReply(error) {
  if (error instanceof Refusal) return { error: error.message };
  if (error instanceof SessionError) {
    return { error: texts[error.code] ?? "That could not be saved.", code: error.code };
  }
  console.error("error: a handler of the demo failed", error);
  return { error: "Something went wrong on the server." };
}
