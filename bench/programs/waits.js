// @ts-check
// Clients that set as fast as they are answered, and know how long each of them waited. Questions: `connect`
// `{port, holders}`, `begin` `{slowMs}`, `end`.
import { Client, dial } from "../driver/client.js";
import { answer } from "../program.js";

/**
 * @typedef {{ sets: number, slow: number, longestMs: number, last: string | undefined }} Waits of one client
 */

/** @type {Client[]} */
let clients = [];
let going = false;
/** @type {Promise<Waits[]> | undefined} */
let running;

/**
 * @param {Client} client
 * @param {number} slowMs
 * @returns {Promise<Waits>}
 */
async function setOnAndOn(client, slowMs) {
  const waits = { sets: 0, slow: 0, longestMs: 0 };
  while (going) {
    const begun = performance.now();
    await client.set(String(waits.sets).padStart(20, "0"));
    const ms = performance.now() - begun;
    waits.sets += 1;
    waits.longestMs = Math.max(waits.longestMs, ms);
    if (ms > slowMs) waits.slow += 1;
  }
  return { ...waits, last: client.last };
}

answer({
  async connect({ port, holders }) {
    clients = holders.map(
      (/** @type {import("../sessions.js").Holder} */ holder) => new Client(port, holder),
    );
    await dial(clients, 50, async (client) => {
      await client.connected;
      await client.resume();
    });
  },
  begin({ slowMs }) {
    going = true;
    running = Promise.all(clients.map((client) => setOnAndOn(client, slowMs)));
    // Told by `end`.
    running.catch(() => {});
  },
  /** Answered when the last set is. */
  end() {
    going = false;
    return running;
  },
});
