// @ts-check
// What happens on the wire and in the table, one plain sentence for each step.
import { PRODUCTS } from "./shop.js";

/** @typedef {{ kind: "info" | "good" | "warn", text: string }} Step */
/** @typedef {import("../handlers.js").State} State */

const UPDATE = "with one `UPDATE … WHERE sessionId = … AND revision = …`, and the row got a new revision";

/** @type {Record<string, (state: State, content: Record<string, unknown>) => string>} */
const changed = {
  visit: ({ data }) => `Sent “visit”; the server wrote visits = ${data["visits"]} ${UPDATE}.`,
  login: () => `Sent “login” with the name; the server set “name” ${UPDATE}.`,
  logout: () => `Sent “logout”; the server deleted “name” from the row's values ${UPDATE}.`,
  cart: (_state, { product, by }) => {
    const title = PRODUCTS.find(({ id }) => id === product)?.title ?? "a product";
    return `Sent “cart” (${title} ${by === 1 ? "+1" : "−1"}); the server wrote the whole cart ${UPDATE}.`;
  },
  end: () => "Sent “end”; one `DELETE` removed the row, and nothing can bring it back.",
  clear: () => `Sent “clear”; the server emptied the row's values ${UPDATE}; session id and token stay.`,
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
    text: "Removed the token from `localStorage` and connected again without one: the old row stays, but this device cannot open it.",
  };
}

/**
 * @param {string} reason
 * @returns {Step}
 */
export function ended(reason) {
  const why = reason === "expired" ? "Its time was up" : "Somebody ended this session";
  return {
    kind: "info",
    text: `${why}: the server said so by “sessionEnd” to every tab that had it open and cut them off, the client script dropped the token, and this page connects anew.`,
  };
}

/** @returns {Step} */
export function following() {
  return {
    kind: "info",
    text: "Another tab put a new token into `localStorage`, so this tab connects again to present that one.",
  };
}

/**
 * The server answered with `gotToken`.
 * @param {{ errors: string, created?: boolean }} message
 * @param {boolean} again whether this page has had a session before
 * @returns {Step}
 */
export function gotToken({ errors, created }, again) {
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
  const how = "one `SELECT` by primary key found the row, and the secret's SHA-256 matched";
  return again
    ? {
        kind: "good",
        text: `Connected again with the token in the handshake: ${how}, so everything is still there.`,
      }
    : { kind: "good", text: `The handshake brought this device's token: ${how}, so it is the same session.` };
}
