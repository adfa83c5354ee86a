// @ts-check
// The app in script-tag form: `io` and `tokenSession` are globals, and the plugin is one from deviceready on.

/** @typedef {{ state?: State, error?: string }} Reply */
/** @typedef {{ id: string, userId: string, name: string, taps: number }} State */
/** @typedef {(answer: any) => void} Answer */
/**
 * @typedef {object} Plugin `NativeStorage`, by what is used of it
 * @property {(key: string, success: Answer, failure: Answer) => void} getItem
 * @property {(key: string, value: string, success: Answer, failure: Answer) => void} setItem
 * @property {(key: string, success: Answer, failure: Answer) => void} remove
 */
/**
 * @typedef {{ io: typeof import("socket.io-client").io, tokenSession: typeof
 * import("socket.io-token-session/client").tokenSession, NativeStorage: Plugin }} Globals
 */

// As in the Content-Security-Policy of index.html.
const SERVER_URL = "http://localhost:3000";
const ANSWER_TIMEOUT_MS = 10_000;
const NOT_FOUND = 2;

document.addEventListener("deviceready", start);

function start() {
  const { io, tokenSession, NativeStorage } = /** @type {Globals} */ (/** @type {unknown} */ (window));

  /** @type {import("socket.io-token-session/client").TokenStorage} */
  const storage = {
    // Nothing stored is `null`; whatever else goes wrong is an error, and the client asks again.
    getItem: (key) =>
      new Promise((resolve, reject) =>
        NativeStorage.getItem(key, resolve, (error) =>
          error.code === NOT_FOUND ? resolve(null) : reject(error),
        ),
      ),
    setItem: (key, value) =>
      new Promise((resolve, reject) => NativeStorage.setItem(key, value, resolve, reject)),
    removeItem: (key) => new Promise((resolve, reject) => NativeStorage.remove(key, resolve, reject)),
  };

  const socket = io(SERVER_URL);
  const session = tokenSession(socket, { storage, client: { device: "Phone", app: "Cordova Taps" } });

  showConnection("offline", "Connecting");
  session.on("start", ({ created }) =>
    say(created ? "A new session has begun." : "The stored token opened its session."),
  );
  session.on("end", ({ reason }) => say(`The session is over: ${reason}.`));
  session.on("error", ({ cause }) => showConnection("offline", `Waiting: ${cause}`));

  // The session is usable: at each connection, and after each new token.
  socket.on("gotToken", ({ token }) => token && send("state"));
  socket.on("state", showState);
  socket.on("disconnect", () => {
    showConnection("offline", socket.active ? "Reconnecting" : "Signed off");
    say("The connection is gone; the session is not.");
  });
  document.addEventListener("resume", () => say("The app has come to the front."));

  byId("tap").addEventListener("click", () => send("tap"));
  byId("logout").addEventListener("click", () => send("logout"));
  byId("login").addEventListener("submit", (event) => {
    event.preventDefault();
    send("login", /** @type {HTMLInputElement} */ (byId("name")).value);
  });

  /**
   * Sends one of the app's events, and shows what came of it.
   * @param {string} event
   * @param {string} [content]
   */
  async function send(event, content) {
    /** @type {Reply} */
    const reply = await socket
      .timeout(ANSWER_TIMEOUT_MS)
      .emitWithAck(event, content)
      .catch(() => ({ error: "The server did not answer." }));
    if (reply.error) say(reply.error);
    if (!reply.state) return;
    showConnection("connected", "Connected");
    showState(reply.state);
    if (event !== "state") say(`Saved: ${event}.`);
  }
}

/** @param {State} state */
function showState({ id, userId, name, taps }) {
  byId("session-id").textContent = id;
  byId("taps").textContent = String(taps);
  byId("greeting").textContent = userId ? `Hello, ${name}` : "Welcome";
  byId("login").hidden = userId !== "";
  byId("logout").hidden = userId === "";
}

/**
 * @param {"connected" | "offline"} state
 * @param {string} text
 */
function showConnection(state, text) {
  byId("connection").dataset["state"] = state;
  byId("connection").textContent = text;
}

/** @param {string} text */
function say(text) {
  const step = document.createElement("li");
  step.className = "step";
  step.textContent = text;
  byId("steps").prepend(step);
}

/** @param {string} id */
function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element;
}
