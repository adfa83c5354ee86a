// @ts-check
// A process on the built package that does its work, closes everything in the documented order, and then has
// to end by itself. Everything it needs comes in the first message of its parent, and nothing by the command
// line.
import { once } from "node:events";
import { createServer } from "node:http";
import { createPool } from "mysql2/promise";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import { tokenSession } from "socket.io-token-session";
import { builtPlaceFor } from "../stores/crowded-store.js";

const [{ database, options }] =
  /** @type {[{ database: import("mysql2/promise").PoolOptions, options: object }]} */ (
    await once(process, "message")
  );
/** What a listener throws is logged, and the session goes on. @type {(message: string) => void} */
let onThrown = () => {};
/** @type {Promise<string>} */
const thrown = new Promise((resolve) => {
  onThrown = resolve;
});
/** @param {{ err?: Error }} fields */
function error({ err }) {
  if (err) onThrown(err.message);
}

const pool = createPool({ ...database, connectionLimit: 2 });
const sessions = tokenSession({
  ...(await builtPlaceFor(pool)),
  logger: { error, warn() {}, info() {}, debug() {} },
  storeTimeout: 2,
  revalidate: 1,
  ...options,
});
const http = createServer();
const io = new Server(http);
sessions.attach(io);
/** @type {Promise<import("socket.io").Socket>} */
const connected = new Promise((resolve) => io.once("connection", resolve));
http.listen(0, "127.0.0.1");
await once(http, "listening");
const { port } = /** @type {import("node:net").AddressInfo} */ (http.address());
const client = connect(`http://127.0.0.1:${port}`, { transports: ["websocket"], auth: { token: "" } });
const { session } = await connected;

sessions.once("sessionChange", () => {
  throw new Error("a listener's own");
});
await session.set("n", 1);
process.send?.({ id: session.id, thrown: await thrown });
await once(process, "message");
const last = session.set("n", 2).then(
  () => "resolved",
  (error) => error.code,
);
client.disconnect();
await io.close();
await sessions.close();
await pool.end();
process.send?.({ last: await last });
process.disconnect();
