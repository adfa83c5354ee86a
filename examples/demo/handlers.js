// @ts-check
// The demo's own events. Each is answered by its acknowledgement: `{ state }`, or `{ error }` with a text for
// the page.
import { SessionError } from "socket.io-token-session";
import { Devices } from "./devices.js";
import { LONGEST_NAME, MOST_OF_ONE, PRODUCTS, toCart, toVisits } from "./public/shop.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("socket.io").Socket} Socket */
/** @typedef {import("socket.io-token-session").SessionHandle} Session */
/**
 * @typedef {{ data: Record<string, unknown>, userId: string, id: string, createdAt: number, visitedAt:
 * number, previousVisitAt: number, expiresAt: number }} State
 */
/** @typedef {{ state?: State, error?: string, code?: string }} Reply */

/** Events after which a user's list of devices may be another one. */
const ABOUT_DEVICES = new Set(["visit", "login", "logout", "signOut", "signOutOthers"]);

/**
 * @type {Record<string, (session: Session, content: Record<string, unknown>, devices: Devices) =>
 * Promise<void>>}
 */
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
    if (/\p{Cs}/u.test(trimmed)) throw new Refusal("A name has no halves of characters.");
    // An application would ask for a password here; in the demo a name is enough.
    const userId = trimmed.toLowerCase();
    if (session.userId !== "" && session.userId !== userId) {
      throw new Refusal("Somebody else is logged in: log out first.");
    }
    await session.login(userId);
    await session.set("name", trimmed);
  },

  async logout(session) {
    if (session.userId === "") throw new Refusal("Nobody is logged in.");
    await session.logout();
  },

  async signOut(session, { sessionId }, devices) {
    await devices.signOut(session, sessionId);
  },

  async signOutOthers(session, _content, devices) {
    await devices.signOutOthers(session);
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
 * Gives every socket the demo's events.
 * @param {import("socket.io").Server} io
 * @param {import("socket.io-token-session").TokenSessions} sessions
 */
export function serve(io, sessions) {
  const devices = new Devices(io, sessions);
  io.on("connection", (socket) => {
    for (const [event, change] of Object.entries(changes)) {
      answer(sessions, socket, event, async (content) => {
        const { session } = socket;
        const { userId } = session;
        try {
          await change(session, content, devices);
        } finally {
          if (ABOUT_DEVICES.has(event))
            for (const id of new Set([userId, session.userId])) devices.changed(id);
        }
        const state = stateOf(session);
        for (const other of othersWith(socket)) other.emit("state", { event, state });
        return state;
      });
    }
    answer(sessions, socket, "state", async () => {
      const { session } = socket;
      if (!session.active) throw new SessionError("SESSION_MISSING");
      devices.changed(session.userId);
      return stateOf(session);
    });
    // Gone, or signed out: a session that is over still says whose it was.
    socket.on("disconnect", () => devices.changed(socket.session.userId));
  });
}

/**
 * The other tabs with this session see at once what has become of it. By what each socket's session says now,
 * and not by a room: a room would keep a socket whose token has been replaced since. A state has no secret in
 * it.
 * @param {Socket} socket
 */
function othersWith(socket) {
  const { active, id } = socket.session;
  if (!active) return [];
  return [...socket.nsp.sockets.values()].filter(
    (other) => other !== socket && other.session.active && other.session.id === id,
  );
}

/**
 * Answers with texts for the page. Whatever is not caught here is logged by `sessions.handler`, and does not
 * end the process.
 * @param {import("socket.io-token-session").TokenSessions} sessions
 * @param {Socket} socket
 * @param {string} event
 * @param {(content: Record<string, unknown>) => Promise<State>} handle
 */
function answer(sessions, socket, event, handle) {
  const run = async (/** @type {unknown[]} */ ...sent) => {
    const last = sent.at(-1);
    const reply = typeof last === "function" ? last : () => {};
    const [content] = sent;
    const isObject = typeof content === "object" && content !== null && !Array.isArray(content);
    try {
      reply({ state: await handle(isObject ? /** @type {Record<string, unknown>} */ (content) : {}) });
    } catch (error) {
      reply(toReply(error));
    }
  };
  socket.on(event, sessions.handler(run));
}

/**
 * @param {Session} session
 * @returns {State}
 */
function stateOf(session) {
  const data = session.toJSON();
  const { userId, id = "", createdAt, visitedAt, previousVisitAt, expiresAt } = session;
  return { data, userId, id, createdAt, visitedAt, previousVisitAt, expiresAt };
}

/** @type {Partial<Record<import("socket.io-token-session").SessionErrorCode, string>>} */
const texts = {
  SESSION_STORE_UNAVAILABLE: "The database cannot be reached, so nothing was saved. Please try again.",
  SESSION_WRITE_UNCERTAIN: "The database did not answer, so it is not known whether that was saved.",
  SESSION_ENDED: "This session is over.",
  SESSION_MISSING: "There is no session yet.",
  SESSION_NOT_CONFIRMED:
    "This device did not confirm its new token, so everything is as it was. Please try again.",
  SESSION_TOKEN_CHANGED: "This session has a new token, which this page has yet to present.",
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
