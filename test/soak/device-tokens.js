// @ts-check
// What a device does to its token: logs in and out, gets another, ends its session, presents tokens that are
// over.
import { chance } from "./random.js";
import { withToken } from "./requests.js";
import { pause } from "./world.js";

/** @typedef {import("./device.js").Device} Device */
/** @typedef {import("./world.js").World} World */

/** After these a logout was surely not done. */
const NOT_DONE = [
  "SESSION_STORE_UNAVAILABLE",
  "SESSION_STORE_FAILED",
  "SESSION_TOKEN_CHANGED",
  "SESSION_MISSING",
];

/** @param {Device} device @param {World} world @param {"login" | "regenerate" | "logout"} kind */
export async function rotate(device, world, kind) {
  try {
    await rotateAlone(device, world, kind);
  } finally {
    device.alone = false;
  }
}

/** @param {Device} device @param {World} world @param {"login" | "regenerate" | "logout"} kind */
async function rotateAlone(device, world, kind) {
  const { ledger, token } = device;
  const user = `user-${device.name}`;
  const isLogout = kind === "logout";
  if (isLogout) await device.getAlone();
  ledger.clearing = isLogout;
  device.rotation++;
  if (kind === "login") ledger.users.add(user);
  const answer = await device.ask(kind, user);
  device.rotation++;
  const code = answer?.code;
  if (kind === "login") {
    if (code !== undefined) ledger.loggedIn(user, code);
    // It may have been refused in the end, or done, by a node that nobody hears any more.
    if (code !== "" && code !== undefined) ledger.loggedIn(user, "gone");
  } else if (isLogout && code === "") ledger.loggedOut();
  else if (isLogout && code && NOT_DONE.includes(code)) ledger.notLoggedOut(code);
  ledger.clearing = false;
  if (code === "SESSION_ENDED") return device.ended(`told SESSION_ENDED by ${kind}`);
  if (code === "" && device.token !== token && device.ledger === ledger) device.retired.push(token);
  // Nobody knows what is there now, or will be.
  if (isLogout && code !== "" && code !== undefined && !NOT_DONE.includes(code)) await replace(device, world);
}

/**
 * Presents a token that is over: of this session before it got a newer one, or of one that has ended. @param
 * {Device} device @param {World} world
 */
export async function probe(device, world) {
  const node = world.anyNode();
  const retired = device.retired.length > 0 ? chance.pick(device.retired) : undefined;
  const ended = world.ended.length > 0 ? chance.pick(world.ended) : undefined;
  for (const [token, kind] of /** @type {const} */ ([
    [retired, "oldToken"],
    [ended?.token, "revived"],
  ])) {
    if (!token) continue;
    const { status } = await withToken(`${node.url}/me`, token);
    if (status === 200) world.findings.add(kind, `${token.split(".")[0]} opened on ${node.name}`);
  }
}

/**
 * Ends the session on purpose, while its other socket goes on, and begins another. @param {Device} device
 * @param {World} world
 */
export async function replace(device, world) {
  const { ledger, token } = device;
  ledger.phase = "ending";
  const until = performance.now() + 30_000;
  while (performance.now() < until && !world.over) {
    const code = (await device.ask("destroy"))?.code;
    if (code === "" || code === "SESSION_ENDED") {
      if (ledger.id) world.ended.push({ id: ledger.id, token });
      break;
    }
    // Its sockets are told of the end, too, and stay away then.
    if (device.workers.every((tab) => tab.session.state === "ended")) break;
    await pause(200);
  }
  await device.begin();
}
