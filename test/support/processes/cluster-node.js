// @ts-check
// One server of a cluster, in a process of its own, on the built package. Everything it needs comes in the
// first message of its parent (test/support/processes/child-node.ts), and nothing by the command line: there
// are passwords in it.
import { once } from "node:events";
import { createServer } from "node:http";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { createPool } from "mysql2/promise";
import { pino } from "pino";
import { createClient } from "redis";
import { Server } from "socket.io";
import { SessionError, tokenSession } from "socket.io-token-session";
import { builtPlaceFor } from "../stores/crowded-store.js";

/** @typedef {import("./child-node.js").ChildSettings} ChildSettings */

const [settings] = /** @type {[ChildSettings]} */ (await once(process, "message"));
const { database, redis, adapter, redisPackage, prefix, options, port } = settings;

const keeper = await connected();
const logger = pino({ level: "trace" });
const pool = createPool({ ...database, connectionLimit: 5 });
const sessions = tokenSession({ ...(await builtPlaceFor(pool)), logger, ...options });
const http = createServer();
const io = new Server(http, { ...settings.io, adapter: await makeAdapter() });
sessions.attach(io);
sessions.on("sessionChange", (content) => tell({ event: "sessionChange", content }));
sessions.on("sessionEnd", (content) => tell({ event: "sessionEnd", content }));

/** The keys that handlers were asked for, to see what never reached them. @type {string[]} */
const handled = [];

io.on("connection", (socket) => {
  // Gives a client something to recover from, as any event of an application does. With recovery on it is
  // published.
  if (settings.welcomes !== false)
    socket.emit("welcome", { recovered: socket.recovered, active: socket.session.active });
  socket.on("get", (key, done) => {
    handled.push(key);
    done({ value: socket.session.get(key), active: socket.session.active });
  });
  answers(socket, "set", (key, value) => socket.session.set(key, value));
  answers(socket, "add", (key) =>
    socket.session.update((draft) => {
      draft[key] = Number(draft[key] ?? 0) + 1;
    }),
  );
  answers(socket, "put", (key, value) =>
    socket.withSession(({ session }) => {
      session[key] = value;
    }),
  );
  answers(socket, "destroy", () => socket.session.destroy());
  answers(socket, "login", (userId) => socket.session.login(userId));
  answers(socket, "logout", () => socket.session.logout());
  answers(socket, "join", async (room) => socket.join(room));
});

/** @type {Record<string, (...args: any[]) => unknown>} */
const commands = {
  /** Resolves when so many servers hear each other. */
  async hear(servers) {
    let count = 0;
    while (count < servers) count = await io.of("/").adapter.serverCount();
  },
  destroy: (id) => sessions.destroy(id),
  devices: (userId) => sessions.forUser(userId),
  toUser: (userId) => void sessions.toUser(userId).emit("news"),
  /** Nobody waits for the answers. */
  askUser: (userId) =>
    void sessions
      .toUser(userId)
      .timeout(1_000)
      .emit("news", () => {}),
  /** What an application may do itself, and nobody of ours sees. */
  serverSideEmit: (event) => void io.serverSideEmit(event),
  handled: () => handled,
  log: (text) => logger.trace(text),
  /** Every socket of the cluster as this node sees it. */
  async sockets() {
    const sockets = await io.fetchSockets();
    return sockets.map(({ id, data, handshake, rooms }) => ({ id, data, handshake, rooms: [...rooms] }));
  },
  /** What Redis keeps for the nodes of this prefix. */
  async kept() {
    const found = [];
    for await (const keys of keeper.scanIterator({ MATCH: `${prefix}*` })) {
      for (const key of keys) {
        const isStream = (await keeper.type(key)) === "stream";
        found.push([key, isStream ? await keeper.xRange(key, "-", "+") : await keeper.get(key)]);
      }
    }
    return found;
  },
  /** Puts a text where none of ours may be. */
  plant(text) {
    for (const socket of io.sockets.sockets.values()) socket.data.planted = text;
    logger.trace({ planted: text }, "planted");
  },
  /** Cuts every connection without a farewell, and accepts no more. */
  cut() {
    http.close();
    for (const socket of io.sockets.sockets.values()) socket.conn.close();
  },
  closeSessions: () => sessions.close(),
  async close() {
    await io.close();
    await sessions.close();
    await pool.end();
  },
};

process.on("message", async (/** @type {{ call: number, command: string, args: unknown[] }} */ message) => {
  const { call, command, args } = message;
  try {
    tell({ call, result: await commands[command]?.(...args) });
  } catch (error) {
    tell({ call, error: codeOf(error) });
  }
});

http.listen(port, "127.0.0.1");
await once(http, "listening");
tell({ port: /** @type {import("node:net").AddressInfo} */ (http.address()).port });

/** @param {object} message */
function tell(message) {
  process.send?.(message);
}

/**
 * Runs what a client asks for, and acknowledges it with the code of its error, if any.
 * @param {import("socket.io").Socket} socket
 * @param {string} event
 * @param {(...args: any[]) => Promise<unknown>} run
 */
function answers(socket, event, run) {
  socket.on(event, async (...args) => {
    const done = args.pop();
    try {
      await run(...args);
      done("");
    } catch (error) {
      done(codeOf(error));
    }
  });
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof SessionError ? error.code : String(error);
}

async function makeAdapter() {
  if (adapter === "streams") {
    await keeper.xAdd(prefix, "*", { begin: "" });
    // Not deleted on closing: another node may still recover from it.
    await keeper.expire(prefix, 600);
    return createStreamsAdapter(redisPackage === "ioredis" ? newIoredis() : keeper, {
      streamName: prefix,
      channelPrefix: prefix,
      sessionKeyPrefix: `${prefix}:session:`,
    });
  }
  const [publisher, subscriber] =
    redisPackage === "ioredis" ? [newIoredis(), newIoredis()] : [keeper, await connected()];
  return adapter === "sharded"
    ? createShardedAdapter(publisher, subscriber, { channelPrefix: prefix })
    : createAdapter(publisher, subscriber, { key: prefix });
}

async function connected() {
  const client = createClient({ url: redis });
  client.on("error", () => {});
  await client.connect();
  return client;
}

function newIoredis() {
  const client = new Redis(redis);
  client.on("error", () => {});
  return client;
}
