// @ts-check
// A server in a process of its own, on the built package, that counts what it has not let go of. Run with
// `--expose-gc`, by test/support/processes/child-node.ts.
import { once } from "node:events";
import { createServer } from "node:http";
import { createPool } from "mysql2/promise";
import { Server } from "socket.io";
import { systemClock } from "../../../dist/base/clock.js";
import { registryOf } from "../../../dist/registry/registry-of.js";
import { parseToken } from "../../../dist/token/token.js";
import { tokenSession } from "../../../dist/token-session.js";

const [{ database }] = await once(process, "message");
const pool = createPool({ ...database, connectionLimit: 10 });
/** By how much time has been moved on. */
let movedMs = 0;
const clock = {
  ...systemClock,
  now: () => systemClock.now() + movedMs,
  wallNow: () => systemClock.wallNow() + movedMs,
};
const options = { db: pool, logger: /** @type {const} */ (false), prune: false, revalidate: 21_600, clock };
const sessions = tokenSession(options);
const registry = /** @type {NonNullable<ReturnType<typeof registryOf>>} */ (registryOf(sessions));
const http = createServer();
const io = new Server(http);
sessions.attach(io);
const rooms = io.of(/^\/room-\d+$/);
sessions.attach(rooms);

/** What should be gone once nobody uses it, by kind. @type {Map<string, WeakRef<object>[]>} */
const watched = new Map();
/** @type {WeakSet<object>} */
let known = new WeakSet();
/** What a leak holds on to, where a test wants one. @type {unknown[]} */
const leaked = [];

// After our own middleware: one that refuses, so that the socket never connects.
for (const namespace of [io, rooms])
  namespace.use((socket, next) => {
    watch("socket", socket);
    next(socket.handshake.auth["refuse"] ? new Error("refused") : undefined);
  });
for (const namespace of [io.of("/"), rooms])
  namespace.on("connection", (socket) => {
    watch("handle", socket.session);
    watchSession(socket.session.id);
    socket.on("use", async (done) => {
      const { session } = socket;
      await session.set("n", 1);
      await socket.withSession((context) => {
        context.session["n"] = 2;
      });
      await session.update((draft) => {
        draft["n"] = 3;
      });
      await session.reload();
      done();
    });
    socket.on("destroy", () => socket.session.destroy());
  });
sessions.on("sessionStart", ({ sessionId }) => watchSession(sessionId));

/** @param {string | undefined} id */
function watchSession(id) {
  for (const session of registry.live()) if (session.id === id) watch("session", session);
}

/** @param {string} kind @param {object} object */
function watch(kind, object) {
  if (known.has(object)) return;
  known.add(object);
  const list = watched.get(kind) ?? [];
  watched.set(kind, list);
  list.push(new WeakRef(object));
}

/** Opens, uses and lets go of one session, as a socket does. @param {string} token @param {boolean} leak */
async function useOne(token, leak) {
  const opened = await registry.open(
    /** @type {import("../../../dist/token/token.js").PresentedToken} */ (parseToken(token)),
  );
  if (opened.found !== "session") throw new Error(`${opened.found} instead of a session`);
  const { session } = opened;
  watch("session", session);
  const watcher = { onEnd() {}, onTokenChange() {}, onLoginEnd() {} };
  session.watchers.add(watcher);
  if (Number.parseInt(session.id, 16) % 10 === 0) await session.set([["n", "1"]]);
  session.watchers.delete(watcher);
  if (leak) leaked.push(session);
  else registry.release(session);
}

/** @type {Record<string, (...args: any[]) => unknown>} */
const commands = {
  /** Opens these sessions and lets them go, some at a time. */
  async use(tokens, leak = false) {
    for (let at = 0; at < tokens.length; at += 100)
      await Promise.all(tokens.slice(at, at + 100).map((/** @type {string} */ token) => useOne(token, leak)));
  },
  /** Makes sessions and lets them go; every other one is destroyed. */
  async mint(count) {
    for (let n = 0; n < count; n++) {
      const { session } = await registry.mint(null);
      watch("session", session);
      if (n % 2) await registry.destroy(session.id);
      registry.release(session);
    }
  },
  connected: () => io.engine.clientsCount,
  /** What is left, after the collector has run twice with a rest for what the first run set free. */
  async left() {
    for (let run = 0; run < 2; run++) {
      await new Promise((resolve) => setImmediate(resolve));
      global.gc?.();
    }
    const alive = [...watched].map(([kind, list]) => [kind, list.filter((each) => each.deref()).length]);
    const seen = [...watched].map(([kind, list]) => [kind, list.length]);
    return {
      live: [...registry.live()].length,
      alive: Object.fromEntries(alive),
      seen: Object.fromEntries(seen),
      timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
      heapUsed: process.memoryUsage().heapUsed,
    };
  },
  /**
   * Begins to count anew. What is remembered for a moment of sessions that were let go is forgotten by then.
   */
  forget() {
    movedMs += 60_000;
    registry.recentRows.age();
    watched.clear();
    known = new WeakSet();
  },
  async close() {
    await io.close();
    await sessions.close();
    await pool.end();
  },
};

process.on("message", async (/** @type {{ call: number, command: string, args: unknown[] }} */ message) => {
  const { call, command, args } = message;
  try {
    process.send?.({ call, result: await commands[command]?.(...args) });
  } catch (error) {
    process.send?.({ call, error: String(error) });
  }
});

http.listen(0, "127.0.0.1");
await once(http, "listening");
process.send?.({ port: /** @type {import("node:net").AddressInfo} */ (http.address()).port });
