// @ts-check
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A port of 127.0.0.1 that nobody listens on now. @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {net.AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}

/**
 * The first port from `first` on that nobody listens on.
 * @param {number} first
 * @returns {Promise<number>}
 */
export async function freePortFrom(first) {
  for (let port = first; port < first + 100; port += 1) {
    if (await isFree(port)) return port;
  }
  throw new Error(`Every port from ${first} to ${first + 99} is taken; set PORT to a free one.`);
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    // Without a host, as servers usually listen: a port is taken when either IPv4 or IPv6 has it.
    const probe = net.createServer().once("error", () => resolve(false));
    probe.listen(port, () => probe.close(() => resolve(true)));
  });
}

/**
 * Waits until a database server greets whoever connects; its port is open a little earlier.
 * @param {{ port: number, timeoutMs: number, gaveUp: () => boolean }} options `gaveUp` says that waiting is in vain
 */
export async function waitForGreeting({ port, timeoutMs, gaveUp }) {
  const until = Date.now() + timeoutMs;
  while (!(await greets(port))) {
    if (gaveUp()) throw new Error("it ended while starting");
    if (Date.now() > until) throw new Error(`no answer within ${timeoutMs / 1000} s`);
    await delay(50);
  }
  if (gaveUp()) throw new Error("somebody else answers on its port");
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function greets(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    const answer = (/** @type {boolean} */ greeted) => {
      socket.destroy();
      resolve(greeted);
    };
    socket.once("data", () => answer(true));
    socket.once("error", () => answer(false));
    socket.once("close", () => answer(false));
    socket.setTimeout(1000, () => answer(false));
  });
}
