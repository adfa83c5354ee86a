// @ts-check
// The server of the phone apps: token sessions in MySQL, and nothing else. Needs DATABASE_URL; PORT, HOST and
// ORIGINS if you like.
import { createServer } from "node:http";
import process from "node:process";
import { createPool } from "mysql2/promise";
import { Server } from "socket.io";
import { SessionError, tokenSession } from "socket.io-token-session";
import { serve } from "./handlers.js";

/** Where the pages of the apps come from, as their WebViews have it. */
const WEB_VIEWS = [
  "https://localhost", // Capacitor and Cordova on Android
  "capacitor://localhost", // Capacitor on iOS
  "app://localhost", // Cordova on iOS, with the preferences of its config.xml
  "http://localhost", // Capacitor on Android with androidScheme "http", and before version 6
  "ionic://localhost", // Ionic's WebView for Cordova
  "http://localhost:5173", // Vite's server for development
];

const {
  DATABASE_URL: databaseUrl,
  HOST: host = "127.0.0.1",
  PORT: wantedPort = "3000",
  ORIGINS: origins = "",
} = process.env;
if (!databaseUrl)
  fail("DATABASE_URL is not set; it names the database: mysql://account:password@host/database");
if (!/^\d{1,5}$/.test(wantedPort) || Number(wantedPort) > 65_535) fail("PORT must be a number up to 65535");

const pool = openPool(databaseUrl);
const sessions = tokenSession({ db: pool, logger: { log: say } });
try {
  await sessions.check();
} catch (error) {
  // Messages of the library have no URL in them.
  fail(error instanceof SessionError ? error.message : "the session table could not be checked");
}

const server = createServer((_request, response) => void response.writeHead(404).end());
const io = new Server(server, {
  maxHttpBufferSize: 16_384,
  // Without this the WebView keeps the answers of another origin from the app.
  cors: { origin: [...WEB_VIEWS, ...origins.split(",").filter(Boolean)] },
});
sessions.attach(io);
serve(io, sessions);

server.on("error", (error) => fail(error.message));
server.listen(Number(wantedPort), host, () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : Number(wantedPort);
  console.log(`Server: http://${host.includes(":") ? `[${host}]` : host}:${port}`);
  process.send?.({ listening: port });
});

let closing = false;
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, close);

/** Clients first, then what is still on its way to the table, then the database. */
async function close() {
  if (closing) return;
  closing = true;
  try {
    const closed = io.close();
    // Browsers open connections ahead of need, and a server waits for those too.
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
  console.error(`The server cannot run: ${text}`);
  process.exit(1);
}
