// @ts-check
// With a cookie Socket.IO's client is enough: the page loads no script with the session's id in it, the
// browser sends the cookie. Apps without cookies call io.connectWithSession(url), see client.js.

/** @typedef {{ io: typeof import("socket.io-client").io }} Globals */
const { io } = /** @type {Globals} */ (/** @type {unknown} */ (window));

const socket = io();
socket.on("connect", () => show("session", "Connected."));
// The session has ended while the socket was here, …
socket.on("sessionEnd", ({ reason }) => show("session", `The session is over: ${reason}.`));
// … or was gone when it came. The next request gets a new cookie, and the next connection its session.
socket.on("sinvalid", () => {
  socket.disconnect();
  show("session", "There is no session.");
});

on("set", async () => {
  const { value } = /** @type {HTMLInputElement} */ (document.getElementById("name"));
  await fetch(`/colour/${value}`, { method: "POST" });
  socket.connect();
  await showColour();
});
on("send", async () => show("messages", await socket.emitWithAck("message", "hello")));
on("logout", () => fetch("/logout", { method: "POST" }));
await showColour();

async function showColour() {
  // A connection that ends takes the answers with it that are on their way.
  const colour = await socket.emitWithAck("colour").catch(() => undefined);
  if (colour !== undefined) show("colour", colour);
}

/** @param {string} id @param {string} text */
function show(id, text) {
  /** @type {HTMLElement} */ (document.getElementById(id)).textContent = text;
}

/** @param {string} form @param {() => unknown} submitted */
function on(form, submitted) {
  document.getElementById(form)?.addEventListener("submit", (event) => {
    event.preventDefault();
    submitted();
  });
}
