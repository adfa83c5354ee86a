// @ts-check
// A node in a process of its own: the built package, told by messages what to do.
// test/support/processes/node-process.ts starts it.
import { once } from "node:events";
import { createServer } from "node:http";
import { builtPlaceFor } from "../stores/crowded-store.js";
import { take } from "./steps.js";

/** @typedef {import("./node-process.ts").Change} Change */
/** @typedef {import("./node-process.ts").StartMessage} StartMessage */
/** @typedef {import("./node-process.ts").Report} Report */
/** @typedef {import("../../../dist/index.js").SessionHandle} SessionHandle */
/** @typedef {import("socket.io").Socket} ServerSocket */
/** @typedef {import("socket.io-client").Socket} ClientSocket */
/** @typedef {{ handle: SessionHandle, socket?: ServerSocket, client?: ClientSocket }} Opened */

/** @type {Map<number, Opened>} */
const opened = new Map();
let lastKey = 0;
/** @type {Awaited<ReturnType<typeof start>>} */
let node;

/**
 * Before anything else is imported, so that nothing has looked at the clock yet. @param {number} bySeconds
 */
function shiftClock(bySeconds) {
  const RealDate = Date;
  const now = () => RealDate.now() + bySeconds * 1000;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given) => Reflect.construct(target, given.length > 0 ? given : [now()]),
    apply: () => new Date().toString(),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
  });
}

/** @param {StartMessage} message */
async function start({ pool: poolOptions, options, clockShiftSeconds }) {
  if (clockShiftSeconds) shiftClock(clockShiftSeconds);
  const { createPool } = await import("mysql2/promise");
  const { Server } = await import("socket.io");
  const { io: connect } = await import("socket.io-client");
  const { tokenSession } = await import("../../../dist/index.js");
  const pool = createPool(poolOptions);
  const sessions = tokenSession({ ...(await builtPlaceFor(pool)), logger: false, ...options });
  sessions.on("sessionEnd", (event) => process.send?.({ event: "sessionEnd", ...event }));
  const http = createServer();
  const io = new Server(http);
  sessions.attach(io);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (http.address());
  return { pool, sessions, io, connect, url: `http://127.0.0.1:${port}` };
}

/** @param {Opened} entry */
function keep(entry) {
  opened.set(++lastKey, entry);
  return lastKey;
}

/** @param {number} key */
function entryOf(key) {
  const entry = opened.get(key);
  if (!entry) throw new Error("nothing is open under this key");
  return entry;
}

/**
 * What `update` and `withSession` resolve to is the draft as they were given it. @param {Opened} entry @param
 * {Change} change
 */
async function make({ handle, socket }, change) {
  switch (change.kind) {
    case "set":
      return handle.set(change.values);
    case "delete":
      return handle.delete(change.key);
    case "clear":
      return handle.clearSession();
    case "update":
      return handle.update((draft) => {
        const before = structuredClone(draft);
        take(draft, change.steps);
        return before;
      });
    case "withSession":
      if (!socket) throw new Error("withSession needs a socket: open the session by its token");
      return socket.withSession(async ({ session }) => {
        const before = structuredClone(session);
        for (let turn = 0; turn < (change.turns ?? 0); turn++) await new Promise(setImmediate);
        take(session, change.steps);
        return before;
      });
    case "destroy":
      return handle.destroy();
    case "reload":
      return handle.reload();
  }
}

/** @param {Opened} entry @param {Change} change @returns {Promise<Report>} */
async function report(entry, change) {
  // Of the machine's monotonic clock, which all its processes share.
  const began = Number(process.hrtime.bigint());
  let outcome = "done";
  /** @type {unknown} */
  let result;
  try {
    result = await make(entry, change);
  } catch (error) {
    const { code, message } = /** @type {{ code?: string, message: string }} */ (error);
    outcome = code ?? message;
  }
  return { outcome, result, began, ended: Number(process.hrtime.bigint()) };
}

/** What the other side may ask for. */
const commands = {
  /** @param {StartMessage} message */
  async start(message) {
    node = await start(message);
    return { url: node.url };
  },
  /** By a real socket. @param {{ token: string }} message */
  async open({ token }) {
    const client = node.connect(node.url, { forceNew: true, transports: ["websocket"], auth: { token } });
    const received = new Promise((resolve) => client.once("gotToken", resolve));
    const answer = /** @type {{ token: string, errors: string }} */ (await received);
    const socket = node.io.sockets.sockets.get(client.id ?? "");
    if (!socket) throw new Error("the socket has gone");
    const { session: handle } = socket;
    return {
      key: keep({ handle, socket, client }),
      id: handle.id,
      token: answer.token,
      errors: answer.errors,
    };
  },
  /** Without a socket. @param {{ id: string }} message */
  async find({ id }) {
    const handle = await node.sessions.find(id);
    return handle && { key: keep({ handle }), id, token: "", errors: "" };
  },
  /** @param {{ key: number, change: Change }} message */
  change: ({ key, change }) => report(entryOf(key), change),
  /**
   * Answers how many came to which end. @param {{ key: number, change: Change, times: number, atOnce: number
   * }} message
   */
  async repeat({ key, change, times, atOnce }) {
    const entry = entryOf(key);
    /** @type {Record<string, number>} */
    const counts = {};
    let left = times;
    const loop = async () => {
      while (left-- > 0) {
        const { outcome } = await report(entry, change);
        counts[outcome] = (counts[outcome] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, loop));
    return counts;
  },
  /** @param {{ key: number }} message */
  async facts({ key }) {
    const { handle } = entryOf(key);
    const { active, createdAt, visitedAt, previousVisitAt, expiresAt } = handle;
    return { active, createdAt, visitedAt, previousVisitAt, expiresAt, values: handle.toJSON() };
  },
  /** @param {{ key: number }} message */
  async leave({ key }) {
    const { socket, client } = entryOf(key);
    opened.delete(key);
    const gone = socket?.connected && once(/** @type {never} */ (socket), "disconnect");
    client?.disconnect();
    await gone;
  },
  /** @param {{ id: string }} message */
  destroy: ({ id }) => node.sessions.destroy(id),
  prune: () => node.sessions.prune(),
  now: async () => Date.now(),
  async close() {
    for (const { client } of opened.values()) client?.disconnect();
    await node.io.close();
    await node.sessions.close();
    await node.pool.end();
  },
};

process.on(
  "message",
  async (/** @type {{ id: number, name: keyof typeof commands, given: never }} */ message) => {
    const { id, name, given } = message;
    try {
      process.send?.({ id, result: await commands[name](given) });
    } catch (error) {
      const { code, message } = /** @type {{ code?: string, message: string }} */ (error);
      process.send?.({ id, error: { code, message } });
    }
  },
);
// Its test is over, or has died.
process.on("disconnect", () => process.exit());
