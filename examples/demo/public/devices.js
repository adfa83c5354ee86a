// @ts-check
// The card “Your devices”. A client can say anything of itself: it goes in as text, and not too much of it.
import { byId, icon, time } from "./view.js";

/** @typedef {import("socket.io-token-session").Device} Device */

const LONGEST_TITLE = 40;
const LONGEST_REST = 100;

const BROWSERS = [
  ["Edg", "Edge"],
  ["OPR/", "Opera"],
  ["SamsungBrowser/", "Samsung Internet"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
];
const SYSTEMS = [
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Windows", "Windows"],
  ["Mac OS", "macOS"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
];

/**
 * What this page says of its device when its session begins.
 * @param {string} userAgent
 */
export function thisDevice(userAgent) {
  const nameIn = (/** @type {string[][]} */ names, /** @type {string} */ otherwise) =>
    names.find(([word = ""]) => userAgent.includes(word))?.[1] ?? otherwise;
  return `${nameIn(BROWSERS, "A browser")} on ${nameIn(SYSTEMS, "a device")}`;
}

/** @param {Pick<Device, "client">} device */
export function titleOf({ client }) {
  const said = client?.["device"];
  return typeof said === "string" && said.trim() !== ""
    ? shortened(said.trim(), LONGEST_TITLE)
    : "Some device";
}

/**
 * @param {readonly Device[]} devices empty: nobody is logged in
 * @param {string} ownId
 * @param {(sessionId: string) => void} onSignOut
 */
export function showDevices(devices, ownId, onSignOut) {
  const card = byId("devices");
  const focused = card.contains(document.activeElement) ? document.activeElement : null;
  // This one first, then the newest.
  const own = devices.filter(({ sessionId }) => sessionId === ownId);
  const others = devices.filter(({ sessionId }) => sessionId !== ownId);
  byId("device-list").replaceChildren(
    ...[...own, ...others].map((device) => makeItem(device, device.sessionId === ownId, onSignOut)),
  );
  byId("sign-out-others").hidden = others.length === 0;
  card.hidden = devices.length === 0;
  // The button that was used may have gone with its device; the keyboard stays in the card.
  if (!focused || card.hidden) return;
  const again = focused.id === "" ? null : document.getElementById(focused.id);
  (again && !again.hidden ? again : byId("devices-title")).focus({ preventScroll: true });
}

/**
 * @param {Device} device
 * @param {boolean} isOwn
 * @param {(sessionId: string) => void} onSignOut
 */
function makeItem(device, isOwn, onSignOut) {
  const { sessionId, client, createdAt, visitedAt, live } = device;
  const title = titleOf(device);
  const item = document.createElement("li");
  item.dataset["session"] = sessionId;
  const text = document.createElement("div");
  const name = document.createElement("b");
  name.textContent = title;
  // So that letters of another direction do not turn what stands beside them.
  name.dir = "auto";
  text.append(line("live", live ? "Online" : "Offline", live));
  const rest = restOf(client);
  if (rest !== "") text.append(line("said", rest));
  text.append(line("created", `Created ${time.format(createdAt * 1000)}`));
  text.append(line("seen", `Last seen ${time.format(visitedAt * 1000)}`));
  item.append(icon("device"), name);
  if (isOwn) {
    const mark = document.createElement("span");
    mark.className = "own";
    mark.textContent = "This device";
    item.append(mark);
  } else {
    const button = document.createElement("button");
    button.id = `sign-out-${sessionId}`;
    button.type = "button";
    button.textContent = "Sign out";
    // Two devices may say the same of themselves.
    button.ariaLabel = `Sign out ${title}, created ${time.format(createdAt * 1000)}`;
    button.addEventListener("click", () => onSignOut(sessionId));
    item.append(button);
  }
  item.append(text);
  return item;
}

/**
 * @param {string} name
 * @param {string} text
 * @param {boolean} [isOn]
 */
function line(name, text, isOn) {
  const small = document.createElement("small");
  small.className = name;
  small.dir = "auto";
  small.textContent = text;
  if (isOn !== undefined) small.dataset["on"] = String(isOn);
  return small;
}

/** @param {Device["client"]} client */
function restOf(client) {
  const rest = Object.entries(client ?? {}).filter(([key]) => key !== "device");
  return shortened(rest.map(([key, value]) => `${key}: ${value}`).join(" · "), LONGEST_REST);
}

/**
 * @param {string} text
 * @param {number} longest
 */
function shortened(text, longest) {
  const characters = [...text];
  return characters.length > longest ? `${characters.slice(0, longest - 1).join("")}…` : text;
}
