// @ts-check
// What happens on the wire and in the table, one plain sentence for each step.
import { titleOf } from "./devices.js";
import { PRODUCTS } from "./shop.js";

/** @typedef {{ kind: "info" | "good" | "warn", text: string }} Step */
/** @typedef {import("../handlers.js").State} State */
/** @typedef {import("./devices.js").Device} Device */

const UPDATE = "with one `UPDATE … WHERE sessionId = … AND revision = …`, and the row got a new revision";

/** @type {Record<string, (state: State, content: Record<string, unknown>) => string>} */
const changed = {
  visit: ({ data }) => `Sent “visit”; the server wrote visits = ${data["visits"]} ${UPDATE}.`,
  login: ({ userId }) =>
    `Sent “login” with the name; once the new token was confirmed, one \`UPDATE\` made its SHA-256 the row's \`secretHash\` and set \`userId\` to “${userId}”, and another set “name”.`,
  logout: () =>
    "Sent “logout”; once the new token was confirmed, one `UPDATE` put its SHA-256 in place of the old one's, emptied the values and set `userId` to `NULL`; the session id stays.",
  signOut: () =>
    "Sent “signOut” with a session id; one `SELECT … WHERE userId = …` showed that it is yours, and one `DELETE` removed its row: that device is signed out.",
  signOutOthers: () =>
    "Sent “signOutOthers”; one `SELECT … WHERE userId = …` found your sessions, and one `DELETE` each removed all but this one.",
  cart: (_state, { product, by }) => {
    const title = PRODUCTS.find(({ id }) => id === product)?.title ?? "a product";
    return `Sent “cart” (${title} ${by === 1 ? "+1" : "−1"}); the server wrote the whole cart ${UPDATE}.`;
  },
  end: () => "Sent “end”; one `DELETE` removed the row, and nothing can bring it back.",
  clear: () =>
    `Sent “clear”; the server emptied the row's values ${UPDATE}; session id, \`userId\` and token stay.`,
};

/**
 * Our own event was answered.
 * @param {string} event
 * @param {State} state
 * @param {Record<string, unknown>} content
 * @returns {Step}
 */
export function saved(event, state, content) {
  return { kind: "good", text: changed[event]?.(state, content) ?? `Sent “${event}”, and it was done.` };
}

/**
 * @param {string} event
 * @param {string} error
 * @returns {Step}
 */
export function refused(event, error) {
  return { kind: "warn", text: `Sent “${event}”; the server answered: ${error}` };
}

/**
 * @param {string} event
 * @returns {Step}
 */
export function noAnswer(event) {
  return {
    kind: "warn",
    text: `No answer to “${event}” came, so whether it was saved is not known here; this page asks what the row says.`,
  };
}

/**
 * @param {string} event
 * @returns {Step}
 */
export function buffered(event) {
  return {
    kind: "info",
    text: `Not connected: “${event}” waits on this device and goes out after the token.`,
  };
}

/**
 * @param {string} event what another tab sent
 * @returns {Step}
 */
export function elsewhere(event) {
  return {
    kind: "info",
    text: `Another tab sent “${event}”; once that was written, the server sent the new state to this tab too, with no further statement.`,
  };
}

/** @returns {Step} */
export function dropped() {
  return {
    kind: "info",
    text: "This page cut its connection: the row is untouched, the token still here, and the client comes back by itself.",
  };
}

/** @returns {Step} */
export function lost() {
  return {
    kind: "warn",
    text: "The connection to the server is gone: the row and this device's token stay, and the client keeps trying.",
  };
}

/** @returns {Step} */
export function forgotten() {
  return {
    kind: "info",
    text: "The token was dropped from `localStorage`, here or in another tab, and the client script connects again without one: the old row stays, but this device cannot open it.",
  };
}

/** @type {Record<string, string>} */
const ends = {
  expired: "Its time was up",
  revoked: "Another of your devices signed this one out",
};

/**
 * @param {string} reason
 * @returns {Step}
 */
export function ended(reason) {
  const why = ends[reason] ?? "Somebody ended this session";
  return {
    kind: "info",
    text: `${why}: the server said so by “sessionEnd” to every tab that had it open and cut them off; the client script dropped the token and begins anew.`,
  };
}

/**
 * The list of devices came again. Says what is other than before; nothing where only times are.
 * @param {readonly Device[]} before
 * @param {readonly Device[]} now
 * @returns {Step | undefined}
 */
export function devicesChanged(before, now) {
  if (before.length === 0) return undefined;
  const known = new Map(before.map((device) => [device.sessionId, device]));
  const left = new Set(now.map(({ sessionId }) => sessionId));
  const news = [
    ...before.filter(({ sessionId }) => !left.has(sessionId)).map((gone) => `${titleOf(gone)} is signed out`),
    ...now.flatMap((device) => {
      const was = known.get(device.sessionId);
      if (!was) return `${titleOf(device)} has logged in`;
      if (was.live === device.live) return [];
      return `${titleOf(device)} is ${device.live ? "online" : "offline"}`;
    }),
  ];
  if (news.length === 0) return undefined;
  return {
    kind: "info",
    text: `Among your devices: ${news.join("; ").replaceAll("`", "'")}. The server read the list with one \`SELECT … WHERE userId = …\` and sent it as “devices” to those that are connected.`,
  };
}

/**
 * The server answered with `gotToken`.
 * @param {{ errors: string, created?: boolean }} message
 * @param {"handshake" | "rotation" | "tokenChanged"} awaited what it answers
 * @param {boolean} again whether this page has had a session before
 * @returns {Step}
 */
export function gotToken({ errors, created }, awaited, again) {
  const minted =
    "one `INSERT` made a row that keeps only the SHA-256 of a new secret, and `gotToken` brought the token, now stored and confirmed.";
  if (errors === "Session store unavailable") {
    return {
      kind: "warn",
      text: "The database cannot be reached: `gotToken` said “Session store unavailable”; a token held here stays good, and the server goes on trying.",
    };
  }
  if (errors === "Too Many Sessions") {
    return { kind: "warn", text: "The server refused to make one more session for this connection." };
  }
  if (errors !== "")
    return { kind: "warn", text: `The server said “${errors}” of the token held here, so ${minted}` };
  if (created) return { kind: "good", text: `The handshake brought no token, so ${minted}` };
  if (awaited === "rotation") {
    return {
      kind: "info",
      text: "A new token for the same session came by `gotToken`, to this tab alone: it is stored and confirmed; until then its SHA-256 waited in `nextHash`, and the old token stayed good.",
    };
  }
  if (awaited === "tokenChanged") {
    return {
      kind: "good",
      text: "Another tab of this device has had a new token put in place of the old one: the server asked by `tokenChanged`, and this tab presented what it found in `localStorage`.",
    };
  }
  const how = "one `SELECT` by primary key found the row, and the secret's SHA-256 matched";
  return again
    ? {
        kind: "good",
        text: `Connected again with the token in the handshake: ${how}, so everything is still there.`,
      }
    : { kind: "good", text: `The handshake brought this device's token: ${how}, so it is the same session.` };
}
