// @ts-check
// With a cookie the page needs Socket.IO's client alone: the browser sends the cookie along with the
// handshake.

/** @typedef {{ io: typeof import("socket.io-client").io }} Globals */
const { io } = /** @type {Globals} */ (/** @type {unknown} */ (window));

/** Connected once HTTP has made the session, and so the cookie. */
const socket = io({ autoConnect: false });
socket.on("sessionEnd", ({ reason }) => show("session", `The session of the socket is over: ${reason}.`));

on("http", countOverHttp);
on("socket", async () => {
  const counts = await countBySocket().catch(countBySocket);
  showCounts(counts);
  // A socket has the session that its cookie opened when it came: the next session is for the next
  // connection.
  if (counts.error) socket.disconnect();
});
on("reset", () => fetch("/reset", { method: "POST" }));
await countOverHttp();

/**
 * After a reset the server disconnects the socket. Where the word of that comes behind the question, it is
 * asked again.
 */
async function countBySocket() {
  socket.connect();
  return await socket.emitWithAck("count");
}

async function countOverHttp() {
  const response = await fetch("/count", { method: "POST" });
  showCounts(await response.json());
  if (!socket.connected) socket.connect();
}

/** @param {{ httpCount: number, socketCount: number, sessionId: string, error?: string }} counts */
function showCounts({ httpCount, socketCount, sessionId, error }) {
  show("session", error ?? `Session ${sessionId}`);
  show("http-count", httpCount ?? "–");
  show("socket-count", socketCount ?? "–");
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
