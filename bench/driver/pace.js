// @ts-check
// Requests at a pace of their own: a slow answer does not keep the next ones from coming, so the waiting shows.

/** @typedef {import("./client.js").Client} Client */
/** @typedef {{ perSecond: number, seconds: number }} Pace */

/**
 * Asks so many times a second, each time a client that has nothing under way; while there is none, what is due
 * waits, and the waiting counts.
 * @param {readonly Client[]} clients
 * @param {Pace} pace
 * @param {(client: Client) => Promise<void>} ask
 * @returns {Promise<{ takenMs: number[] }>} how long each took, from when it was due
 */
export async function pace(clients, { perSecond, seconds }, ask) {
  const free = [...clients];
  /** @type {number[]} */
  const due = [];
  /** @type {number[]} */
  const takenMs = [];
  const count = Math.round(perSecond * seconds);
  const begun = performance.now();
  let sent = 0;
  /** @type {(value?: unknown) => void} */
  let finish = () => {};
  /** @type {(error: unknown) => void} */
  let fail = () => {};
  const finished = new Promise((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });

  /** Each when a client is there for it, first come, first served. */
  function serve() {
    while (due.length > 0) {
      const client = free.shift();
      if (!client) return;
      const since = due.shift() ?? 0;
      ask(client).then(() => {
        takenMs.push(performance.now() - since);
        free.push(client);
        if (takenMs.length === count) finish();
        else serve();
      }, fail);
    }
  }

  const timer = setInterval(() => {
    const now = performance.now();
    const until = Math.min(count, Math.floor(((now - begun) / 1000) * perSecond));
    // Due since now, not since between two ticks of this process's own timer.
    for (; sent < until; sent += 1) due.push(now);
    serve();
    if (sent === count) clearInterval(timer);
  }, 1);
  await finished.finally(() => clearInterval(timer));
  return { takenMs };
}
