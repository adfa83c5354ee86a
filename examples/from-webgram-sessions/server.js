// @ts-check
// Plus one: whoever comes back is greeted with the last value, on any connection, before and after a restart
// of this server.
import { createServer } from "node:http";
import process from "node:process";
import { fileURLToPath } from "node:url";
import express from "express";
import { createPool } from "mysql2/promise";
import { Server } from "socket.io";
import { tokenSession } from "socket.io-token-session";

/** @param {string} file */
const pathTo = (file) => fileURLToPath(new URL(file, import.meta.url));

const { DATABASE_URL: databaseUrl = "", PORT: port = "3000" } = process.env;
const pool = createPool(databaseUrl);
// Events wait until their socket has its session, so no handler needs to ask whether it is there.
const sessions = tokenSession({ db: pool, required: true, logger: { log: say } });
await sessions.check();

const app = express();
app.use((_request, response, next) => {
  // Socket.IO's script, and ours beside it, come from here too.
  response.set("Content-Security-Policy", "default-src 'self'; img-src data:");
  next();
});
app.use(express.static(pathTo("public")));
const http = createServer(app);
const io = new Server(http);
sessions.attach(io);

io.on("connection", (socket) => {
  answer(socket, "hello", () => {
    const { session } = socket;
    return {
      lastValue: session.get("lastValue", null),
      firstVisit: session.createdAt,
      previousVisit: session.previousVisitAt,
      visit: session.visitedAt,
      from: session.client,
    };
  });

  answer(socket, "add-one", async (x) => {
    if (!Number.isSafeInteger(x)) return { error: "Please send a whole number." };
    await socket.session.set("lastValue", x + 1);
    return { value: x + 1 };
  });
});

// Every change of a session, whoever made it: all connections of that session hear of it.
sessions.on("sessionChange", ({ sessionId, keys }) => {
  for (const socket of io.sockets.sockets.values()) {
    const { session } = socket;
    if (session.active && session.id === sessionId) {
      socket.emit("saved", { keys, lastValue: session.get("lastValue", null) });
    }
  }
});

/**
 * Answers an event with what `handle` returns; where that rejects, `sessions.handler` answers `{ error: code
 * }`.
 * @param {import("socket.io").Socket} socket
 * @param {string} event
 * @param {(content: any) => unknown} handle
 */
function answer(socket, event, handle) {
  const run = async (/** @type {any[]} */ ...content) => {
    const done = content.pop();
    // Clients may send anything.
    if (typeof done !== "function") return;
    done(await handle(content[0]));
  };
  socket.on(event, sessions.handler(run));
}

/** @param {string} level @param {string} text */
function say(level, text) {
  if (level !== "debug") console.log(`${level}: ${text}`);
}

http.listen(Number(port), "127.0.0.1", () => {
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  console.log(`Plus one: http://127.0.0.1:${address.port}/`);
});

/** Clients first, then what is still on its way to the table, then the database. */
async function close() {
  // Not waited for: a page that is just connecting again would keep the HTTP server open.
  void io.close();
  await sessions.close();
  await pool.end();
  process.exit();
}
process.once("SIGINT", close).once("SIGTERM", close);
