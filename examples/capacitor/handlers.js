// @ts-check
// The events of the phone apps. Each is answered by its acknowledgement: `{ state }`, or `{ error }` with a
// text for the page.
import { SessionError } from "socket.io-token-session";

/** @typedef {import("socket.io").Socket} Socket */
/** @typedef {import("socket.io-token-session").SessionHandle} Session */
/** @typedef {{ id: string, userId: string, name: string, taps: number, note: string }} State */
/** @typedef {{ state?: State, error?: string }} Reply */

const LONGEST_NAME = 40;
const LONGEST_NOTE = 200;

/** The client sent something that is not to be: its text goes back to it. */
class Refusal extends Error {}

/** @type {Record<string, (session: Session, content: unknown) => Promise<unknown>>} */
const changes = {
  async state() {},

  async tap(session) {
    // By update and not by set: two pages, or two servers, may count at the same moment.
    await session.update((draft) => {
      draft["taps"] = toNumber(draft["taps"]) + 1;
    });
  },

  async note(session, text) {
    await session.set("note", toText(text, LONGEST_NOTE));
  },

  async login(session, text) {
    const name = toText(text, LONGEST_NAME).trim();
    if (name === "") throw new Refusal("Please give a name.");
    // An application would ask for a password here.
    await session.login(name.toLowerCase());
    await session.set("name", name);
  },

  async logout(session) {
    await session.logout();
  },
};

/**
 * @param {import("socket.io").Server} io
 * @param {import("socket.io-token-session").TokenSessions} sessions
 */
export function serve(io, sessions) {
  io.on("connection", (socket) => {
    for (const [event, change] of Object.entries(changes)) {
      const run = async (/** @type {unknown[]} */ ...sent) => {
        const reply = sent.pop();
        if (typeof reply !== "function") return;
        reply(await answer(socket, event, () => change(socket.session, sent[0])));
      };
      // Whatever `answer` does not catch is logged there, and does not end the process.
      socket.on(event, sessions.handler(run));
    }
  });
}

/**
 * @param {Socket} socket
 * @param {string} event
 * @param {() => Promise<unknown>} change
 * @returns {Promise<Reply>}
 */
async function answer(socket, event, change) {
  const { session } = socket;
  try {
    if (!session.active) throw new SessionError("SESSION_MISSING");
    await change();
    const state = stateOf(session);
    // The other pages of this device see it at once.
    if (event !== "state") for (const other of othersWith(socket)) other.emit("state", state);
    return { state };
  } catch (error) {
    if (error instanceof Refusal) return { error: error.message };
    if (error instanceof SessionError) return { error: `That could not be saved (${error.code}).` };
    console.error("error: a handler failed", error);
    return { error: "Something went wrong on the server." };
  }
}

/**
 * By what each socket's session says now, and not by a room: a room would keep a socket whose token has been
 * replaced since.
 * @param {Socket} socket
 */
function othersWith(socket) {
  const { id } = socket.session;
  return [...socket.nsp.sockets.values()].filter(
    (other) => other !== socket && other.session.active && other.session.id === id,
  );
}

/**
 * What the page shows; no secret is in it.
 * @param {Session} session
 * @returns {State}
 */
function stateOf(session) {
  const { id = "", userId } = session;
  const name = String(session.get("name", userId));
  return { id, userId, name, taps: toNumber(session.get("taps")), note: String(session.get("note")) };
}

/** @param {unknown} value */
function toNumber(value) {
  return typeof value === "number" ? value : 0;
}

/**
 * @param {unknown} value as the client sent it
 * @param {number} longest
 */
function toText(value, longest) {
  if (typeof value !== "string") throw new Refusal("That is no text.");
  if (value.length > longest) throw new Refusal(`At most ${longest} characters.`);
  if (/\p{Cc}|\p{Cs}/u.test(value)) throw new Refusal("That has characters in it that are none.");
  return value;
}
