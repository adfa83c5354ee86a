// @ts-check
// Sockets with the sessions of express-session, in any Connect store, fresh per connection or per message: as
// in Socket.IO-sessions.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import process from "node:process";
import { fileURLToPath } from "node:url";
import express from "express";
import session from "express-session";
import { Server } from "socket.io";
import { fromConnectStore, fromCookie, tokenSession } from "socket.io-token-session";
import { ConnectStore } from "socket.io-token-session/express-session";
import { openConnectStore } from "./connect-store.js";
import { cutter } from "./cutter.js";

const { env } = process;
const secret = env["SECRET"] ?? randomUUID(); // without one of your own all cookies are worthless after a restart

const { connectStore, close: closeStore } = await openConnectStore(env);

const app = express();
const http = createServer(app);
const io = new Server(http);

// sio.enable({ socket, store, parser or cutter, per_message })
const sessions = tokenSession({
  store: fromConnectStore(connectStore),
  identify: env["COOKIES"] === "cutter" ? cutter(secret) : fromCookie({ secret }),
  freshness: env["FRESHNESS"] === "event" ? "event" : "connection",
  logger: { log: (level, text) => level !== "debug" && console.log(`${level}: ${text}`) },
});
await sessions.check();
sessions.attach(io);
// sinvalid: somebody has presented what opens nothing, a cookie or a token.
sessions.on("sessionInvalid", ({ reason }) => console.log(`sessionInvalid ${reason}`));
sessions.on("sessionEnd", ({ sessionId, reason }) => console.log(`sessionEnd ${sessionId} ${reason}`));

// Saved at the first visit, as Connect did, so that the page's socket has a session at once.
const store = new ConnectStore(sessions);
app.use(session({ store, secret, resave: false, saveUninitialized: true, cookie: { sameSite: "lax" } }));
app.use(express.static(fileURLToPath(new URL("public", import.meta.url))));
app.post("/colour/:name", (request, response) => {
  Reflect.set(request.session, "colour", request.params.name);
  response.json({ ok: true });
});
app.post("/logout", (request, response) => {
  request.session.destroy((error) => response.json({ ok: !error }));
});

// sconnection (client, session), or sinvalid (client)
io.on("connection", (socket) => {
  if (!socket.session.active) socket.emit("sinvalid");

  // smessage (message, session). To read is enough here, …
  socket.on(
    "colour",
    sessions.handler((res) => res(socket.session.get("colour", "none"))),
  );
  // … and here the session is an object that is saved when the handler is done.
  const message = async (/** @type {unknown} */ text, /** @type {(count: unknown) => void} */ res) => {
    if (typeof text !== "string") return;
    const count = await socket.withSession(({ session }) => {
      session["messages"] = (session["messages"] ?? 0) + 1;
      return session["messages"];
    }, "no session");
    res(count);
  };
  socket.on("message", sessions.handler(message));
});

http.listen(Number(env["PORT"] ?? 3000), "127.0.0.1", () => {
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  console.log(`Colours: http://127.0.0.1:${address.port}/`);
});

async function close() {
  await io.close();
  await sessions.close();
  await closeStore();
  process.exit();
}
process.once("SIGINT", close).once("SIGTERM", close);
