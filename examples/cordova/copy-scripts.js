// @ts-check
// Copies the script-tag files of the two packages into www/lib, where index.html has them from.
const fs = require("node:fs");
const path = require("node:path");

const folder = path.join(__dirname, "www", "lib");
const client = path.join(path.dirname(require.resolve("socket.io-client/package.json")), "dist");

fs.mkdirSync(folder, { recursive: true });
fs.copyFileSync(path.join(client, "socket.io.min.js"), path.join(folder, "socket.io.js"));
fs.copyFileSync(
  require.resolve("socket.io-token-session/client/script"),
  path.join(folder, "socket.io-token-session.js"),
);
