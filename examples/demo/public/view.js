// @ts-check
// Puts things on the page. Whatever came from a client goes in as text, never as HTML.
import { MOST_OF_ONE, PRODUCTS, toCart, toName, toVisits } from "./shop.js";

/** @typedef {import("./sentences.js").Step} Step */
/** @typedef {import("../handlers.js").State} State */
/** @typedef {"connecting" | "connected" | "waiting" | "offline"} Connection */

const money = new Intl.NumberFormat("en", { style: "currency", currency: "EUR" });
export const time = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const MOST_STEPS = 30;

/** @type {Record<Connection, string>} */
const connections = {
  connecting: "Connecting",
  connected: "Connected",
  waiting: "No database",
  offline: "Reconnecting",
};

/** @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element;
}

/** @param {Connection} state */
export function showConnection(state) {
  const pill = byId("connection");
  pill.dataset["state"] = state;
  pill.lastElementChild?.replaceChildren(connections[state]);
}

/**
 * The part before the dot is public, the rest is a credential: it never comes near the page.
 * @param {string} id
 */
export function showToken(id) {
  setText("token", id === "" ? "none yet" : `${id.slice(0, 4)}…${id.slice(-2)}.••••••`);
}

/** @param {string} text empty: nothing is wrong */
export function showBanner(text) {
  const banner = byId("banner");
  banner.hidden = text === "";
  banner.textContent = text;
}

/** @param {State} state */
export function showState({ data, userId, id, createdAt, visitedAt, previousVisitAt, expiresAt }) {
  setText("visits", String(toVisits(data["visits"])));
  // A name can be cleared away like any value; who is logged in is no value.
  showName(userId === "" ? "" : toName(data["name"]) || userId);
  showCart(toCart(data["cart"]));
  setText("session-id", id);
  setText("user-id", userId === "" ? "NULL, nobody is logged in" : userId);
  setText("data", JSON.stringify(data));
  setText("created", time.format(createdAt * 1000));
  setText("visited", time.format(visitedAt * 1000));
  setText("previous", previousVisitAt > 0 ? time.format(previousVisitAt * 1000) : "none, this is the first");
  setText("expires", time.format(expiresAt * 1000));
}

/** @param {Step} step */
export function say({ kind, text }) {
  const latest = byId("latest");
  const earlier = byId("earlier");
  const item = document.createElement("li");
  item.className = "step";
  item.dataset["kind"] = latest.dataset["kind"];
  item.append(...latest.childNodes);
  earlier.prepend(item);
  while (earlier.childElementCount > MOST_STEPS) earlier.lastElementChild?.remove();
  latest.dataset["kind"] = kind;
  // What stands between backquotes is a word of the wire or of SQL.
  latest.append(
    ...text.split("`").map((part, index) => {
      if (index % 2 === 0) return part;
      const code = document.createElement("code");
      code.textContent = part;
      return code;
    }),
  );
}

/** @param {(product: string, by: 1 | -1) => void} onChange */
export function makeProducts(onChange) {
  byId("products").append(
    ...PRODUCTS.map(({ id, title, cents }) => {
      const item = document.createElement("li");
      const text = document.createElement("div");
      const name = document.createElement("b");
      const price = document.createElement("small");
      const count = document.createElement("output");
      name.textContent = title;
      price.textContent = money.format(cents / 100);
      text.append(name, price);
      count.id = `count-${id}`;
      count.ariaLabel = `${title} in the cart`;
      count.textContent = "0";
      const fewer = stepButton(`fewer-${id}`, "−", `Remove one ${title}`, () => onChange(id, -1));
      const more = stepButton(`more-${id}`, "+", `Add one ${title}`, () => onChange(id, 1));
      item.append(icon(id), text, fewer, count, more);
      return item;
    }),
  );
  showCart({});
}

/**
 * @param {string} id
 * @param {string} sign
 * @param {string} label
 * @param {() => void} onClick
 */
function stepButton(id, sign, label, onClick) {
  const button = document.createElement("button");
  button.id = id;
  button.type = "button";
  button.textContent = sign;
  button.ariaLabel = label;
  // Not `disabled`, which would take the keyboard's focus away in the middle of counting down.
  button.addEventListener("click", () => button.ariaDisabled !== "true" && onClick());
  return button;
}

/** @param {string} id */
export function icon(id) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  const use = document.createElementNS(namespace, "use");
  svg.setAttribute("class", `icon ${id}`);
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${id}`);
  svg.append(use);
  return svg;
}

/** @param {string} name */
function showName(name) {
  const login = byId("login");
  const logout = byId("logout");
  const hadFocus = login.contains(document.activeElement) || document.activeElement === logout;
  setText("greeting", name === "" ? "Welcome" : `Hello, ${name}`);
  login.hidden = name !== "";
  logout.hidden = name === "";
  if (hadFocus) (name === "" ? byId("name") : logout).focus({ preventScroll: true });
}

/** @param {import("./shop.js").Cart} cart */
function showCart(cart) {
  let cents = 0;
  for (const product of PRODUCTS) {
    const count = cart[product.id] ?? 0;
    cents += count * product.cents;
    setText(`count-${product.id}`, String(count));
    byId(`fewer-${product.id}`).ariaDisabled = String(count === 0);
    byId(`more-${product.id}`).ariaDisabled = String(count >= MOST_OF_ONE);
  }
  setText("total", money.format(cents / 100));
}

/**
 * @param {string} id
 * @param {string} text
 */
function setText(id, text) {
  byId(id).textContent = text;
}
