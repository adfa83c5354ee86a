// @ts-check
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";

// get-port is loaded when it is called for: the command that installs it imports this file first.

/**
 * A port that nobody listens on now; this process is not given it again for a while.
 * @returns {Promise<number>}
 */
export async function freePort() {
  const { default: getPort } = await import("get-port");
  return getPort();
}

/**
 * The first port from `first` on that nobody listens on; any other where a hundred are taken.
 * @param {number} first
 * @returns {Promise<number>}
 */
export async function freePortFrom(first) {
  const { default: getPort, portNumbers } = await import("get-port");
  return getPort({ port: portNumbers(first, first + 99) });
}

/**
 * Calls `start` with a free port, which may be taken by the time a server asks for it: hence three tries.
 * @template T
 * @param {(port: number) => Promise<T>} start
 * @param {number} [wanted] this port or none
 * @returns {Promise<T>}
 */
export async function onFreePort(start, wanted) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(wanted ?? (await freePort()));
    } catch (error) {
      const taken = error instanceof Error && /address already in use|port .* in use/i.test(error.message);
      if (!taken || wanted || attempt === 3) throw error;
    }
  }
}

/**
 * How a server shows that it is there: by what it says to `send`, or to whoever connects.
 * @typedef {{ send?: string, answer: RegExp }} Greeting
 */

/**
 * Waits until a server answers; its port is open a little earlier.
 * @param {object} options
 * @param {number} options.port
 * @param {Greeting | undefined} [options.greeting] as a database server does it, with anything at all, when
 * left out
 * @param {number} options.timeoutMs
 * @param {() => boolean} options.gaveUp says that waiting is in vain
 */
export async function waitForGreeting({ port, greeting = { answer: /./s }, timeoutMs, gaveUp }) {
  const until = Date.now() + timeoutMs;
  while (!(await greets(port, greeting))) {
    if (gaveUp()) throw new Error("it ended while starting");
    if (Date.now() > until) throw new Error(`no answer within ${timeoutMs / 1000} s`);
    await delay(50);
  }
  if (gaveUp()) throw new Error("somebody else answers on its port");
}

/**
 * @param {number} port
 * @param {Greeting} greeting
 * @returns {Promise<boolean>}
 */
function greets(port, { send, answer }) {
  return new Promise((resolve) => {
    let said = "";
    const socket = net.connect(port, "127.0.0.1", () => send && socket.write(send));
    const done = (/** @type {boolean} */ greeted) => {
      socket.destroy();
      resolve(greeted);
    };
    // As bytes, one character each: the greeting of a database server is no text.
    socket.setEncoding("latin1").on("data", (/** @type {string} */ text) => {
      said += text;
      if (answer.test(said)) done(true);
    });
    socket.once("error", () => done(false));
    socket.once("close", () => done(false));
    socket.setTimeout(1000, () => done(false));
  });
}
