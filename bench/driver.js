// @ts-check
// The load: real clients on websocket, each with one request under way at a time. Every answer is checked;
// one that is wrong, missing or late fails the question.
import { setTimeout as delay } from "node:timers/promises";
import { Client, dial } from "./driver/client.js";
import { answer } from "./program.js";

/** @typedef {import("./sessions.js").Holder} Holder */
/** @typedef {{ seconds: number, warmUp?: number }} Time */
/** @typedef {{ answered: number, seconds: number, perSecond: number }} Rate */

const drainTimeoutMs = 60_000;

/** @type {Client[]} */
let clients = [];
let lastValue = 0;

/**
 * Lets every client ask again as soon as it is answered, and counts the answers within the time.
 * @param {Time} time `warmUp` seconds come before it
 * @param {(client: Client) => Promise<void>} ask
 * @returns {Promise<Rate>}
 */
async function measure({ seconds, warmUp = 1 }, ask) {
  let counting = false;
  let stopped = false;
  let answered = 0;
  const running = Promise.all(
    clients.map(async (client) => {
      while (!stopped) {
        await ask(client);
        if (counting) answered += 1;
      }
    }),
  );
  const window = async () => {
    await delay(warmUp * 1000);
    counting = true;
    const begun = performance.now();
    await delay(seconds * 1000);
    counting = false;
    return (performance.now() - begun) / 1000;
  };
  // A client that fails ends the measurement at once.
  const failed = new Promise((_, reject) => running.catch(reject));
  try {
    const taken = await Promise.race([window(), /** @type {Promise<never>} */ (failed)]);
    return { answered, seconds: taken, perSecond: answered / taken };
  } finally {
    stopped = true;
    await within(drainTimeoutMs, running, "Some requests were never answered.");
  }
}

/**
 * @template T
 * @param {number} timeoutMs
 * @param {Promise<T>} promise
 * @param {string} text
 * @returns {Promise<T>}
 */
async function within(timeoutMs, promise, text) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const tooLate = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(text)), timeoutMs);
  });
  try {
    return await Promise.race([promise, /** @type {Promise<never>} */ (tooLate)]);
  } finally {
    clearTimeout(timer);
  }
}

answer({
  /**
   * Connects a client for each holder, and has each get its session by event.
   * @param {{ port: number, holders: Holder[] }} content
   */
  async connect({ port, holders }) {
    clients = holders.map((holder) => new Client(port, holder));
    await dial(clients, 200, async (client) => {
      await client.connected;
      await client.resume();
    });
    return { clients: clients.length };
  },

  /** @param {Time} time */
  resume: (time) => measure(time, (client) => client.resume()),

  /**
   * Every set has a value of its own, and afterwards each client gets the last of its values. The answer has
   * them too, in the order of the holders, to be compared with the table.
   * @param {Time & { ownKeys?: boolean }} content `ownKeys`: each client has a key of its own (`last0`,
   * `last1`, …), for several of one session
   */
  async set({ ownKeys = false, ...time }) {
    const keys = new Map(clients.map((client, index) => [client, ownKeys ? `last${index}` : "last"]));
    const keyOf = (/** @type {Client} */ client) => keys.get(client) ?? "last";
    const rate = await measure(time, (client) => {
      lastValue += 1;
      return client.set(keyOf(client), String(lastValue).padStart(20, "0"));
    });
    await Promise.all(clients.map((client) => client.checkLast(keyOf(client))));
    return { ...rate, last: clients.map((client) => client.last) };
  },

  /**
   * Everybody connects at once, on the handshake path; answered when all are ready: when they have their own
   * session, or, where there are none, are connected.
   * @param {{ port: number, holders: Holder[], concurrent: number, sessions: boolean }} content
   */
  async storm({ port, holders, concurrent, sessions }) {
    const begun = performance.now();
    await dial(holders, concurrent, async (holder) => {
      const client = new Client(port, holder, { handshake: true });
      clients.push(client);
      await (sessions ? client.session : client.connected);
    });
    return { clients: clients.length, seconds: (performance.now() - begun) / 1000 };
  },

  close() {
    for (const client of clients) client.close();
    clients = [];
  },
});
