// @ts-check
// A client as the README of socket.io-mysql-session has it: nothing in it has changed, or knows of another
// package.

/** @typedef {{ io: typeof import("socket.io-client").io }} Globals */
const { io } = /** @type {Globals} */ (/** @type {unknown} */ (window));

const socket = io();

socket.emit("getToken", { token: localStorage.getItem("token") || "" });

socket.on("gotToken", (message) => {
  if (message.token !== "") localStorage.setItem("token", message.token);
  show("session", message.errors || "A session is there.");
  who();
});

on("login", () => {
  const { value } = /** @type {HTMLInputElement} */ (document.getElementById("name"));
  socket.emit("user:login", { name: value }, who);
});
on("logout", () => socket.emit("user:logout", who));

function who() {
  socket.emit("user:securedEvent", {}, (/** @type {{ userId?: string, error?: string }} */ answer) => {
    show("who", answer.error ?? `Logged in as ${answer.userId}.`);
  });
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
