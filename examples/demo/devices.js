// @ts-check
// The devices on which a user is logged in: who may see the list, who may end one, and when the list is sent
// again.
import { SessionError } from "socket.io-token-session";
import { Refusal } from "./refusal.js";

/** @typedef {import("socket.io").Server} Server */
/** @typedef {import("socket.io-token-session").TokenSessions} TokenSessions */
/** @typedef {import("socket.io-token-session").SessionHandle} Session */
/** @typedef {import("socket.io-token-session").Device} Device */
/** @typedef {{ userId: string, devices: Device[] }} DeviceList */

export class Devices {
  /** @type {Server} */
  #io;
  /** @type {TokenSessions} */
  #sessions;
  /**
   * The users whose list is being read, and whether it has to be read again after that.
   * @type {Map<string, boolean>}
   */
  #reading = new Map();

  /**
   * @param {Server} io
   * @param {TokenSessions} sessions
   */
  constructor(io, sessions) {
    this.#io = io;
    this.#sessions = sessions;
  }

  /**
   * Something about a user's devices is other than before: whoever is logged in as that user gets the list.
   * @param {string} userId empty: nobody
   */
  changed(userId) {
    if (userId === "") return;
    const isReading = this.#reading.has(userId);
    this.#reading.set(userId, isReading);
    // One after the other, so that no older list arrives after a newer one.
    if (!isReading) void this.#tell(userId);
  }

  /**
   * Ends one other session of the same user.
   * @param {Session} session
   * @param {unknown} sessionId as the client sent it
   */
  async signOut(session, sessionId) {
    const userId = userOf(session);
    if (typeof sessionId !== "string" || !/^[0-9a-f]{32}$/.test(sessionId)) {
      throw new Refusal("That is no session id.");
    }
    if (sessionId === session.id) throw new Refusal("That is this device: log out instead.");
    // Session ids are no secret. Knowing one gives no right to end it; being the same user does.
    const own = await this.#sessions.forUser(userId);
    if (!own.some((device) => device.sessionId === sessionId)) throw new Refusal("You have no such device.");
    await this.#sessions.destroy(sessionId);
  }

  /**
   * Ends all other sessions of the same user.
   * @param {Session} session
   */
  async signOutOthers(session) {
    await this.#sessions.destroyForUser(userOf(session), { except: session.id });
  }

  /** @param {string} userId */
  async #tell(userId) {
    do {
      this.#reading.set(userId, false);
      try {
        // Also where the server is closing: nobody is left, so nothing is asked.
        if (this.#socketsOf(userId).length === 0) continue;
        const devices = await this.#sessions.forUser(userId);
        // Looked for again: who was logged in before the question may not be so after it.
        for (const socket of this.#socketsOf(userId)) socket.emit("devices", { userId, devices });
      } catch (error) {
        const why = error instanceof SessionError ? error.code : error;
        console.error("warn: the list of a user's devices could not be read:", why);
      }
    } while (this.#reading.get(userId));
    this.#reading.delete(userId);
  }

  /**
   * By what each session says now, and not by a room: a room would keep a socket whose token has been
   * replaced since.
   * @param {string} userId
   */
  #socketsOf(userId) {
    return [...this.#io.sockets.sockets.values()].filter(
      ({ session }) => session.active && session.userId === userId,
    );
  }
}

/** @param {Session} session */
function userOf({ active, userId }) {
  if (!active || userId === "") throw new Refusal("Nobody is logged in.");
  return userId;
}
