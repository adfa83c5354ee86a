// @ts-check
// The load: real clients on websocket, each with one request under way at a time. Every answer is checked;
// one that is wrong, missing or late fails the question.
import { setTimeout as delay } from "node:timers/promises";
import { Client, dial } from "./driver/client.js";
import { pace } from "./driver/pace.js";
import { answer } from "./program.js";

/** @typedef {import("./sessions.js").Holder} Holder */
/** @typedef {import("./driver/pace.js").Pace} Pace */
/** @typedef {{ seconds: number, warmUp?: number, crowd?: number }} Time `crowd`: only so many of the clients */
/**
 * @typedef {{ answered: number, operations: number, seconds: number, perSecond: number }} Rate `operations`:
 * with those before and after the time that counts
 */

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
async function measure({ seconds, warmUp = 1, crowd }, ask) {
  let counting = false;
  let stopped = false;
  let answered = 0;
  let operations = 0;
  const running = Promise.all(
    clients.slice(0, crowd).map(async (client) => {
      while (!stopped) {
        await ask(client);
        operations += 1;
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
  let taken = 0;
  try {
    taken = await Promise.race([window(), /** @type {Promise<never>} */ (failed)]);
  } finally {
    stopped = true;
    await within(drainTimeoutMs, running, "Some requests were never answered.");
  }
  return { answered, operations, seconds: taken, perSecond: answered / taken };
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

/** @param {Client} client */
function setNext(client) {
  lastValue += 1;
  return client.set(String(lastValue).padStart(20, "0"));
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
   * Every set has a value of its own. The answer has the last of each client, in the order of the holders, to
   * be compared with the table; `check` compares it with what each gets.
   * @param {Time & { ownKeys?: boolean }} content `ownKeys`: each client has a key of its own (`last0`,
   * `last1`, …), for several of one session
   */
  async set({ ownKeys = false, ...time }) {
    clients.forEach((client, index) => {
      client.key = ownKeys ? `last${index}` : "last";
    });
    const rate = await measure(time, setNext);
    return { ...rate, last: clients.map((client) => client.last) };
  },

  /** Sets that come at a pace, whether or not the ones before are answered. @param {Pace} content */
  pacedSet: (content) => pace(clients, content, setNext),

  async check() {
    await Promise.all(clients.map((client) => client.checkLast()));
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
