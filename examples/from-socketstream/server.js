// @ts-check
// A basket that an HTTP route and RPC calls fill, in one session, as SocketStream had it: on memory, Redis or
// MySQL.
import { createServer } from "node:http";
import process from "node:process";
import { fileURLToPath } from "node:url";
import express from "express";
import { Server } from "socket.io";
import { tokenSession } from "socket.io-token-session";
import { called, checked, failed, put, sessionOf, show } from "./basket.js";
import { openStore } from "./store.js";

const { options, close: closeStore } = await openStore(process.env); // ss.session.store.use(…)
const sessions = tokenSession({
  ...options,
  expiration: 30 * 24 * 3600, // ss.session.options.maxAge, in seconds
  required: true, // an RPC call waits until its socket has the session
  logger: { log: (level, text) => level !== "debug" && console.log(`${level}: ${text}`) },
  // ss.session.options.secret: none. It signed ids, so that nobody could make one up. A token has a secret of
  // its own.
});
await sessions.check();

const app = express();
// Nothing is read for requests that do not ask, those for the page's files for one.
app.use(sessions.express({ lazy: true }));
app.use(express.static(fileURLToPath(new URL("public", import.meta.url))));

app.all("/basket", async (request, response) => {
  const session = sessionOf(request);
  await session.ready; // req.use("session"): it is read now
  if (request.method === "POST") {
    const item = checked(request.query["item"]); // first, so that nonsense makes no session
    await session.start(); // ss.session.create(), where there is none
    await put(session, item);
  }
  response.json(show(session));
});

app.use(failed);

const http = createServer(app);
const io = new Server(http);
sessions.attach(io);

io.on("connection", (socket) => {
  // Whoever calls may send anything.
  const rpc = (/** @type {string} */ name, /** @type {(content: any, res: any) => void} */ run) =>
    socket.on(
      name,
      sessions.handler((content, res) => typeof res === "function" && run(content, res)),
    );

  // ss.rpc("basket.show", callback)
  rpc("basket.show", (_, res) => res(show(socket.session)));
  // There: req.session.basket.push(item); req.session.save(res);
  rpc("basket.put", (item, res) => called(put(socket.session, item), res));
  // There: req.session.setUserId(id, res). The client gets a new token with it.
  rpc("user.set", (id, res) => called(socket.session.login(id), res));
});

http.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  console.log(`Basket: http://127.0.0.1:${address.port}/`);
});

async function close() {
  await io.close();
  await sessions.close();
  await closeStore();
  process.exit();
}
process.once("SIGINT", close).once("SIGTERM", close);
