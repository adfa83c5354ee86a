// @ts-check
// A server as the README of socket.io-mysql-session has it: one connection, a filelogger, `new`, `require`. It moved here by its
// first line.
const { tokenSession: socketSession } = require("socket.io-token-session"); // was: require("socket.io-mysql-session")
const http = require("node:http");
const path = require("node:path");
const express = require("express");
const mysql = require("mysql2");
const { Server } = require("socket.io");
const Logger = require("./logger.cjs"); // or filelogger from npm: it has the same arguments and method

const { DATABASE_URL = "", PORT = "3000", LOG_FILE = path.join(__dirname, "my.log") } = process.env;

const app = express();
const server = http.createServer(app);
// Clients of socket.io-client 1 and 2, which old apps carry, need allowEIO3.
const io = new Server(server, { allowEIO3: true });
const logger = new Logger("error", "info", LOG_FILE);
const db = mysql.createConnection(DATABASE_URL);

const sessions = new socketSession({
  db: db,
  logger: logger,
  expiration: 3600, // seconds
  legacyTokens: true, // new: whoever has a token of the old package stays logged in
});
io.use(sessions);

io.on("connection", (socket) => {
  socket.on("user:login", (params, done) => {
    const name = params?.name;
    if (typeof name !== "string" || typeof done !== "function") return;
    // Nobody waits for it, as before; `await` would wait until it is in the database.
    socket.session.set("userId", name.slice(0, 40));
    done();
  });

  socket.on("user:securedEvent", (_params, done) => {
    if (typeof done !== "function") return;
    const userId = socket.session.get("userId");
    if (userId !== "") {
      done({ userId });
    } else {
      done({ error: "Please log in." });
    }
  });

  socket.on("user:logout", (done) => {
    if (typeof done !== "function") return;
    socket.session.clearSession();
    done();
  });
});

app.use(express.static(path.join(__dirname, "public")));
server.listen(Number(PORT), "127.0.0.1", () => {
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`Members: http://127.0.0.1:${address.port}/`);
});

async function close() {
  await io.close();
  await sessions.close();
  db.end(() => process.exit());
}
process.once("SIGINT", close).once("SIGTERM", close);
