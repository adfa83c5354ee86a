// @ts-check
// HTTP counts, a socket counts, in one session; a reset over HTTP ends the session of the socket. The quick
// start of koa-io-session.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import process from "node:process";
import Koa from "koa";
import session from "koa-session";
import { createPool } from "mysql2/promise";
import { Server } from "socket.io";
import { fromKoaCookie, tokenSession } from "socket.io-token-session";
import { KoaSessionStore } from "socket.io-token-session/koa-session";
import { count } from "./counter.js";
import { pageFiles } from "./page-files.js";

const { DATABASE_URL: databaseUrl = "", PORT: port = "3000", KEYS: keys = randomUUID() } = process.env;
const DAY = 24 * 3600 * 1000;
const key = "counter.sess";

const app = new Koa();
app.keys = keys.split(","); // without keys of your own all cookies are worthless after a restart
const pool = createPool(databaseUrl);

// bridgeSession(app, io, { key, maxAge }) is these three, and sessions.attach(io) below.
const sessions = tokenSession({
  db: pool,
  identify: fromKoaCookie({ name: key, keys: app.keys }),
  logger: { log: (level, text) => level !== "debug" && console.log(`${level}: ${text}`) },
});
const store = new KoaSessionStore(sessions);
app.use(session({ key, store, maxAge: 30 * DAY, sameSite: "lax" }, app));
await sessions.check();

sessions.on("sessionStart", ({ sessionId }) => console.log(`sessionStart ${sessionId}`));
sessions.on("sessionEnd", ({ sessionId, reason }) => console.log(`sessionEnd ${sessionId} ${reason}`));

app.use(async (ctx, next) => {
  if (ctx.method !== "POST") return next();
  if (ctx.path === "/count") {
    const { session } = /** @type {any} */ (ctx);
    // ctx.clientId: a cookie of your own, and a value of the session, where sockets find it.
    session.clientId = ctx.cookies.get("client") ?? randomUUID();
    ctx.cookies.set("client", session.clientId, { maxAge: 365 * DAY, sameSite: "lax" });
    // ctx.sessionId: not the cookie's key, which opens the session.
    ctx.body = count(session, "httpCount", store.idOf(session.externalKey));
  }
  if (ctx.path === "/reset") {
    ctx["session"] = null;
    ctx.body = { ok: true };
  }
});
app.use(pageFiles);

const http = createServer(app.callback());
const io = new Server(http);
sessions.attach(io);

io.on("connection", (socket) => {
  const answerCount = async (/** @type {(counts: unknown) => void} */ done) => {
    const counts = await socket.withSession(
      ({ session, sessionId }) => count(session, "socketCount", sessionId),
      { error: "There is no session." }, // onMissing
    );
    done(counts);
  };
  // Where `withSession` rejects, the client is answered `{ error: code }`.
  socket.on("count", sessions.handler(answerCount));
});

http.listen(Number(port), "127.0.0.1", () => {
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  console.log(`Counter: http://127.0.0.1:${address.port}/`);
});

async function close() {
  await io.close();
  await sessions.close();
  await pool.end();
  process.exit();
}
process.once("SIGINT", close).once("SIGTERM", close);
