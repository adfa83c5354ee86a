// @ts-check
// The client keeps its token in localStorage, where no cookies are needed: in a page here, in a PhoneGap app
// just as well.

/**
 * @typedef {{ io: typeof import("socket.io-client").io, tokenSession: typeof
 * import("socket.io-token-session/client").tokenSession }} Globals
 */
const { io, tokenSession } = /** @type {Globals} */ (/** @type {unknown} */ (window));

const socket = io();
const session = tokenSession(socket);
session.on("start", refresh);

on("put", async (by) => {
  const item = input("item");
  // fetch with the token: HTTP has the session of the socket.
  if (by === "http") await session.fetch(`/basket?${new URLSearchParams({ item })}`, { method: "POST" });
  else await socket.emitWithAck("basket.put", item);
  await refresh();
});
on("log-in", async () => {
  await socket.emitWithAck("user.set", input("name"));
  await refresh();
});

async function refresh() {
  const { basket, userId } = await socket.emitWithAck("basket.show", null);
  const overHttp = await (await session.fetch("/basket")).json();
  output("user", userId ? `Logged in as ${userId}.` : "Nobody is logged in.");
  output("basket", basket.join(", ") || "nothing");
  output("over-http", overHttp.basket.join(", ") || "nothing");
}

/** @param {string} id */
function input(id) {
  return /** @type {HTMLInputElement} */ (document.getElementById(id)).value;
}

/** @param {string} id @param {string} text */
function output(id, text) {
  /** @type {HTMLElement} */ (document.getElementById(id)).textContent = text;
}

/** @param {string} form @param {(by: string) => unknown} submitted */
function on(form, submitted) {
  document.getElementById(form)?.addEventListener("submit", (event) => {
    event.preventDefault();
    submitted(/** @type {HTMLButtonElement} */ (event.submitter).value);
  });
}
