// @ts-check
// The page's side of the demo. Its session is one call: tokenSession(io()).
import * as sentences from "./sentences.js";
import { byId, makeProducts, say, showBanner, showConnection, showState, showToken } from "./view.js";

/** @typedef {import("socket.io-token-session/client")} Client */
/** @typedef {{ io: typeof import("socket.io-client").io, tokenSession: Client["tokenSession"] }} Globals */

// Both are script-tag files: the client that Socket.IO serves, and the one that this package ships.
const { io, tokenSession } = /** @type {Globals} */ (/** @type {unknown} */ (window));

/** Where the shipped client keeps the token. */
const STORAGE_KEY = "socket.io-token-session";
const ANSWER_TIMEOUT_MS = 20_000;

const socket = io({ reconnectionDelay: 500, reconnectionDelayMax: 3000 });
const session = tokenSession(socket, { client: { app: "Pocket Café", language: navigator.language } });

/** The session that this page has counted its visit in. */
let countedIn = "";
/** The session of this connection is over. */
let ended = false;
/** The page itself cut the connection. */
let dropping = false;

socket.on("connect", () => showConnection("connecting"));

socket.on("disconnect", (reason) => {
  showConnection("offline");
  if (ended) {
    ended = false;
    return void socket.connect();
  }
  if (!dropping && reason !== "io client disconnect") say(sentences.lost());
  dropping = false;
});

socket.io.on("reconnect_attempt", () => showConnection("offline"));

socket.on("gotToken", (/** @type {import("socket.io-token-session/client").GotToken} */ message) => {
  say(sentences.gotToken(message, countedIn !== ""));
  if (message.token === "") {
    showConnection("waiting");
    showBanner(`${message.errors}.`);
    return;
  }
  showConnection("connected");
  showBanner("");
  showToken(session.id);
  if (session.id === countedIn) return void refresh();
  countedIn = session.id;
  void send("visit");
});

// Sent by the demo's server to every other tab with this session.
socket.on("state", ({ event, state }) => {
  if (state.id !== session.id) return;
  say(sentences.elsewhere(event));
  showState(state);
});

// The client script has dropped the token; the server cuts the connection, and this page begins anew.
socket.on("sessionEnd", (/** @type {import("socket.io-token-session/client").SessionEnd} */ { reason }) => {
  say(sentences.ended(reason));
  ended = true;
});

addEventListener("storage", ({ key, newValue }) => {
  if (key !== STORAGE_KEY || !newValue || session.id === countedIn) return;
  say(sentences.following());
  reconnect();
});

showToken(session.id);
makeProducts((product, by) => void send("cart", { product, by }));

byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId("name"));
  void send("login", { name: input.value });
});

/** @type {Record<string, () => void>} */
const buttons = {
  logout: () => void send("logout"),
  clear: () => void send("clear"),
  end: () => void send("end"),
  drop() {
    if (!socket.connected) return say(sentences.lost());
    dropping = true;
    say(sentences.dropped());
    socket.io.engine.close();
  },
  forget() {
    localStorage.removeItem(STORAGE_KEY);
    showToken("");
    say(sentences.forgotten());
    reconnect();
  },
  "second-tab": () => void window.open(location.href, "_blank", "noopener"),
  history() {
    const open = byId("history").ariaExpanded !== "true";
    byId("history").ariaExpanded = String(open);
  },
};
for (const [id, onClick] of Object.entries(buttons)) byId(id).addEventListener("click", onClick);

function reconnect() {
  socket.disconnect().connect();
}

/**
 * Sends one of the demo's events, and shows what came of it.
 * @param {string} event
 * @param {Record<string, unknown>} [content]
 */
async function send(event, content = {}) {
  if (!socket.connected) say(sentences.buffered(event));
  const reply = await ask(event, content);
  if (!reply) {
    say(sentences.noAnswer(event));
    // Otherwise gotToken will come, and this with it.
    if (socket.connected) await refresh();
    return;
  }
  if (reply.state) {
    showBanner("");
    showState(reply.state);
    return say(sentences.saved(event, reply.state, content));
  }
  say(sentences.refused(event, reply.error ?? ""));
  showBanner(reply.error ?? "");
}

/** Shows what the row says now. */
async function refresh() {
  const reply = await ask("state", {});
  if (reply?.state) showState(reply.state);
}

/**
 * @param {string} event
 * @param {Record<string, unknown>} content
 * @returns {Promise<import("../handlers.js").Reply | undefined>} nothing, if no answer came
 */
async function ask(event, content) {
  try {
    return await socket.timeout(ANSWER_TIMEOUT_MS).emitWithAck(event, content);
  } catch {
    return undefined;
  }
}
