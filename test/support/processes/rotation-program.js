// @ts-check
// A server in a process of its own, on the built package, that a test may kill at any step. Its first message
// comes from its parent (test/support/processes/child-node.ts): there is a password in it.
import { once } from "node:events";
import { createServer } from "node:http";
import { createPool } from "mysql2/promise";
import { Server } from "socket.io";
import { tokenSession } from "../../../dist/index.js";
import { builtPlaceFor } from "../stores/crowded-store.js";

const [{ database }] = await once(process, "message");
const pool = createPool({ ...database, connectionLimit: 3 });
const sessions = tokenSession({
  ...(await builtPlaceFor(pool)),
  logger: false,
  prune: false,
  revalidate: 21_600,
});
const http = createServer();
const io = new Server(http);
sessions.attach(io);
io.on("connection", (socket) => {
  socket.on("set", async (values, done) => done(await socket.session.set(values)));
  socket.on("login", async (userId, done) => done(await socket.session.login(userId)));
});
// Its test is over, or has died.
process.on("disconnect", () => process.exit());
http.listen(0, "127.0.0.1");
await once(http, "listening");
process.send?.({ port: /** @type {import("node:net").AddressInfo} */ (http.address()).port });
