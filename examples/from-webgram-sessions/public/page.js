// @ts-check
// The page's side: a session for the socket, a greeting whenever one begins, and what other tabs have saved.

/**
 * @typedef {{ io: typeof import("socket.io-client").io, tokenSession: typeof
 * import("socket.io-token-session/client").tokenSession }} Globals
 */

// Both are served by the server beside its Socket.IO.
const { io, tokenSession } = /** @type {Globals} */ (/** @type {unknown} */ (window));

const socket = io();
const session = tokenSession(socket, { client: { page: document.title, language: navigator.language } });

// At the first connection, and after session.use().
session.on("start", greet);
session.on("error", ({ code }) => show("greeting", `Not yet (${code})…`));
socket.on("saved", ({ lastValue }) => show("saved", lastValue));

on("add", async () => {
  const { value, error } = await socket.emitWithAck("add-one", input("number").valueAsNumber);
  show("result", error ?? value);
});
on("use", () => session.use(input("name").value));

async function greet() {
  const { lastValue, firstVisit, previousVisit, from } = await socket.emitWithAck("hello");
  show("greeting", lastValue === null ? "A new visitor." : `Back again: the last value was ${lastValue}.`);
  show("first-visit", time(firstVisit));
  show("previous-visit", previousVisit === 0 ? "none" : time(previousVisit));
  show("from", JSON.stringify(from));
  show("result", "");
  show("saved", "–");
  const identities = await session.identities();
  const names = identities.map((name) => name || "(no name)");
  show("identities", names.sort().join(", "));
}

/** @param {string} id */
function input(id) {
  return /** @type {HTMLInputElement} */ (document.getElementById(id));
}

/** @param {string} id @param {string | number} text */
function show(id, text) {
  /** @type {HTMLElement} */ (document.getElementById(id)).textContent = String(text);
}

/** @param {string} form @param {() => unknown} submitted */
function on(form, submitted) {
  document.getElementById(form)?.addEventListener("submit", (event) => {
    event.preventDefault();
    submitted();
  });
}

/** @param {number} seconds Unix seconds */
function time(seconds) {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
