// @ts-check
// The page's side of the demo. Its session is one call: tokenSession(io()).
import { showDevices, thisDevice } from "./devices.js";
import * as sentences from "./sentences.js";
import { byId, makeProducts, say, showBanner, showConnection, showState, showToken } from "./view.js";

/** @typedef {import("socket.io-token-session/client")} Client */
/** @typedef {import("./devices.js").Device} Device */
/** @typedef {{ io: typeof import("socket.io-client").io, tokenSession: Client["tokenSession"] }} Globals */

// Both are script-tag files: the client that Socket.IO serves, and the one that this package ships.
const { io, tokenSession } = /** @type {Globals} */ (/** @type {unknown} */ (window));

const ANSWER_TIMEOUT_MS = 20_000;

const socket = io({ reconnectionDelay: 500, reconnectionDelayMax: 3000 });
const session = tokenSession(socket, {
  client: { device: thisDevice(navigator.userAgent), app: "Pocket Café", language: navigator.language },
});

/** The session that this page has counted its visit in. */
let countedIn = "";
/** The session is over, and the client is about to begin anew. */
let ended = false;
/** The token that came last, and the one that was last spoken of. */
let received = "";
let told = "";
/** The page itself cut the connection. */
let dropping = false;
/**
 * What a token that comes now is about: this connection's handshake, our own login or logout, or another
 * tab's.
 */
let awaited = /** @type {"handshake" | "rotation" | "tokenChanged"} */ ("handshake");
/** Who is logged in here, as last shown. */
let userId = "";
/** @type {readonly Device[]} */
let devices = [];

socket.on("connect", () => {
  awaited = "handshake";
  showConnection("connecting");
});

socket.on("disconnect", (reason) => {
  showConnection("offline");
  if (!dropping && !ended && reason !== "io client disconnect") say(sentences.lost());
  dropping = false;
});

socket.io.on("reconnect_attempt", () => showConnection("offline"));

socket.on("gotToken", (/** @type {import("socket.io-token-session/client").GotToken} */ message) => {
  received = message.token;
  // After the client script, which has to look into the storage first.
  setTimeout(() => onGotToken(message));
});

/** @param {import("socket.io-token-session/client").GotToken} message */
function onGotToken(message) {
  // The client script goes on with another one, which another tab has stored meanwhile, and is presenting
  // that.
  if (message.token !== "" && message.token !== session.token) return;
  ended = false;
  const answered = awaited;
  // The client script asks more than once where it sees more than one sign of a change.
  if (answered === "rotation" && message.token !== "" && message.token === told) return;
  told = message.token;
  say(sentences.gotToken(message, answered, countedIn !== ""));
  if (message.token === "") {
    showConnection("waiting");
    showBanner(`${message.errors}.`);
    return;
  }
  awaited = "rotation";
  showConnection("connected");
  showBanner("");
  showToken(session.id);
  // The answer to what we asked for comes when the row has been written.
  if (answered === "rotation") return;
  if (session.id === countedIn) return void refresh();
  countedIn = session.id;
  void send("visit");
}

session.on("token", (token) => {
  // Not by a message to this tab: another tab has stored it.
  if (token !== "" && token !== received) awaited = "tokenChanged";
});

// Sent by the demo's server to whoever is logged in as this user.
socket.on("devices", (/** @type {import("../devices.js").DeviceList} */ list) => {
  const step = list.userId === userId && sentences.devicesChanged(devices, list.devices);
  if (step) say(step);
  userId = list.userId;
  showList(list.devices);
});

// Sent by the demo's server to every other tab with this session.
socket.on("state", ({ event, state }) => {
  if (state.id !== session.id) return;
  say(sentences.elsewhere(event));
  showAll(state);
});

socket.on("sessionEnd", (/** @type {import("socket.io-token-session/client").SessionEnd} */ { reason }) => {
  say(sentences.ended(reason));
});

// The client script has dropped the token, and begins anew by itself.
session.on("end", ({ reason }) => {
  if (reason === "forgotten") say(sentences.forgotten());
  ended = true;
});

showToken(session.id);
makeProducts((product, by) => void send("cart", { product, by }));

byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId("name"));
  void send("login", { name: input.value });
});

/** @param {import("../handlers.js").State} state */
function showAll(state) {
  showState(state);
  if (state.userId === userId) return;
  // The list of whoever is logged in now follows.
  userId = state.userId;
  showList([]);
}

/** @param {readonly Device[]} list */
function showList(list) {
  devices = list;
  showDevices(list, session.id, (sessionId) => void send("signOut", { sessionId }));
}

/** @type {Record<string, () => void>} */
const buttons = {
  logout: () => void send("logout"),
  "sign-out-others": () => void send("signOutOthers"),
  clear: () => void send("clear"),
  end: () => void send("end"),
  drop() {
    if (!socket.connected) return say(sentences.lost());
    dropping = true;
    say(sentences.dropped());
    socket.io.engine.close();
  },
  forget: () => void session.forget(),
  "second-tab": () => void window.open(location.href, "_blank", "noopener"),
  history() {
    const open = byId("history").ariaExpanded !== "true";
    byId("history").ariaExpanded = String(open);
  },
};
for (const [id, onClick] of Object.entries(buttons)) byId(id).addEventListener("click", onClick);

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
    showAll(reply.state);
    return say(sentences.saved(event, reply.state, content));
  }
  // Refused by the session and not by the café: part of it may have been done.
  if (reply.code) await refresh();
  say(sentences.refused(event, reply.error ?? ""));
  showBanner(reply.error ?? "");
}

/** Shows what the row says now. */
async function refresh() {
  const reply = await ask("state", {});
  if (reply?.state) showAll(reply.state);
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
