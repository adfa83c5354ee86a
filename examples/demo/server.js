// @ts-check
// The demo's server: token sessions in MySQL, a page to try them, nothing else. Needs DATABASE_URL; PORT and
// HOST if you like.
import { createServer } from "node:http";
import process from "node:process";
import { createPool } from "mysql2/promise";
import { Server } from "socket.io";
import { SessionError, tokenSession } from "socket.io-token-session";
import { serveFile } from "./files.js";
import { serve } from "./handlers.js";

/** Sent to us, these end the server in good order. */
const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM"]);

const { DATABASE_URL: databaseUrl, HOST: host = "127.0.0.1", PORT: wantedPort = "3000" } = process.env;
if (!databaseUrl)
  fail("DATABASE_URL is not set; it names the database: mysql://account:password@host/database");
if (!/^\d{1,5}$/.test(wantedPort) || Number(wantedPort) > 65_535) fail("PORT must be a number up to 65535");

const pool = openPool(databaseUrl);
const sessions = tokenSession({ db: pool, storeTimeout: 5, logger: { log: say } });
try {
  await sessions.check();
} catch (error) {
  // Messages of the library name the difference and quote the CREATE TABLE; none of them has the URL in it.
  fail(error instanceof SessionError ? error.message : "the session table could not be checked");
}

const server = createServer(serveFile);
// What a client may send here is small.
const io = new Server(server, { maxHttpBufferSize: 16_384 });
sessions.attach(io);
serve(io, sessions);

server.on("error", (error) => fail(error.message));
server.listen(Number(wantedPort), host, () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : Number(wantedPort);
  console.log(`Demo: http://${host.includes(":") ? `[${host}]` : host}:${port}/`);
  process.send?.({ listening: port });
});

let closing = false;
for (const signal of SIGNALS) process.on(signal, close);

/** Clients first, then what is still on its way to the table, then the database. */
async function close() {
  if (closing) return;
  closing = true;
  try {
    const closed = io.close();
    // Browsers open connections ahead of need, and a server waits for those too, minutes perhaps.
    setImmediate(() => server.closeAllConnections());
    await closed;
    await sessions.close();
    await pool.end();
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  process.exit(0);
}

/** @param {string} url */
function openPool(url) {
  // Said without the driver, whose own message may quote the URL, password and all.
  if (!/^mysql:\/\//.test(url) || !URL.canParse(url)) {
    fail("DATABASE_URL is not a URL like mysql://account:password@host/database");
  }
  return createPool(url);
}

/**
 * @param {string} level
 * @param {string} text
 */
function say(level, text) {
  if (level !== "debug") console.log(`${level}: ${text}`);
}

/**
 * @param {string} text
 * @returns {never}
 */
function fail(text) {
  console.error(`The demo cannot run: ${text}`);
  process.exit(1);
}
