// @ts-check
// What it costs that a session never ends before its idle time: writes of its use, over a day that passes by
// hand. Nothing of it depends on the database or the machine.
import { createServer } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import { ConnectStore } from "../../dist/cookie-sessions/express-session-store.js";
import { memoryStore, tokenSession } from "../../dist/index.js";
import { figure } from "../figures.js";

const SESSIONS = 20;
const STEP_SECONDS = 10;

/** A clock that stands still until it is moved. */
class HandClock {
  #nowMs = 0;
  /** @type {Set<{ atMs: number, run: () => void }>} */
  #timers = new Set();

  now() {
    return this.#nowMs;
  }

  wallNow() {
    return this.#nowMs;
  }

  /**
   * @param {number} delayMs
   * @param {() => void} run
   */
  after(delayMs, run) {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** @param {number} byMs */
  async advance(byMs) {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const [due] = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
      if (!due) break;
      this.#timers.delete(due);
      this.#nowMs = due.atMs;
      due.run();
      for (let turns = 0; turns < 4; turns++) await turn();
    }
    this.#nowMs = untilMs;
  }
}

/** @typedef {import("../../dist/index.js").TokenSessions} TokenSessions */
/**
 * @typedef {(sessions: TokenSessions) => Promise<{ use: () => unknown, end: () => Promise<unknown> }>} Begin
 */

/**
 * Requests of cookie sessions, as express-session makes them.
 * @param {number} maxAge of the cookie, ms
 * @returns {Begin}
 */
const requests = (maxAge) => async (sessions) => {
  const store = new ConnectStore(sessions);
  const cookie = { originalMaxAge: maxAge, httpOnly: true, path: "/" };
  const ids = Array.from({ length: SESSIONS }, (_, n) => `the cookie of visitor ${n}`);
  await Promise.all(ids.map((id) => store.set(id, /** @type {any} */ ({ cookie }))));
  const use = async (/** @type {string} */ id) => {
    const data = await store.get(id);
    if (!data) throw new Error("a session in use has ended");
    await store.touch(id, data);
  };
  return { use: () => Promise.all(ids.map(use)), end: async () => {} };
};

/**
 * Sockets that stay connected.
 * @param {boolean} areBusy whether they send something all the time
 * @returns {Begin}
 */
const sockets = (areBusy) => async (sessions) => {
  const server = createServer();
  const io = new Server(server, { transports: ["websocket"] });
  sessions.attach(io);
  io.on("connection", (socket) => socket.on("hello", (done) => done()));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const options = { transports: ["websocket"], forceNew: true, auth: { token: "" } };
  const clients = Array.from({ length: SESSIONS }, () => connect(`http://127.0.0.1:${port}`, options));
  await Promise.all(clients.map((client) => new Promise((resolve) => client.once("gotToken", resolve))));
  return {
    use: () => areBusy && Promise.all(clients.map((client) => client.emitWithAck("hello"))),
    async end() {
      for (const client of clients) client.disconnect();
      await io.close();
    },
  };
};

/**
 * Touches of a session in an hour.
 * @param {Begin} begin
 * @param {number} hours
 * @param {Partial<import("../../dist/index.js").TokenSessionOptions>} [options]
 */
async function touchesAnHour(begin, hours, options = {}) {
  const clock = new HandClock();
  const given = {
    store: memoryStore(/** @type {any} */ ({ clock })),
    logger: false,
    prune: false,
    ...options,
  };
  const sessions = tokenSession(/** @type {any} */ ({ clock, ...given }));
  let touches = 0;
  const { store } = sessions;
  const touch = store.touch.bind(store);
  store.touch = (ids, how) => {
    touches += ids.length;
    return touch(ids, how);
  };
  const { use, end } = await begin(sessions);
  for (let second = 0; second < hours * 3600; second += STEP_SECONDS) {
    await clock.advance(STEP_SECONDS * 1000);
    await use();
  }
  await end();
  await sessions.close();
  return touches / SESSIONS / hours;
}

/** @type {import("../context.js").Goal} */
export default {
  name: "touches",
  title:
    "how often the use of a session is written, in an hour, with `expiration` a day and `touchEvery` 900 s",
  async run({ quick, rounds }) {
    const hours = quick ? 2 : 24;
    const day = 86_400_000;
    /** @type {[string, Begin, object?][]} */
    const ways = [
      ["a request every 10 s", requests(day)],
      ["a request every 10 s, `maxAge` an hour", requests(day / 24)],
      ["a connected socket", sockets(false)],
      ['an event every 10 s, `idle: "events"`', sockets(true), { idle: "events" }],
    ];
    const figures = [];
    for (const [label, begin, options] of ways) {
      const counted = [];
      for (let round = 0; round < rounds; round++) counted.push(await touchesAnHour(begin, hours, options));
      figures.push(figure(label, "", counted));
    }
    return { figures };
  },
};
