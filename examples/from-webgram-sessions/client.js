// @ts-check
// node client.js [url] [identity]: sends a number, prints what comes back, and is known when it runs again.
// The token is kept in TOKEN_FILE, tokens.json beside this file if that is not set.
import os from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";
import { tokenSession } from "socket.io-token-session/client";
import { nodeFile } from "socket.io-token-session/client/node-file";

const [url = "http://127.0.0.1:3000", identity = ""] = process.argv.slice(2);
const file = process.env["TOKEN_FILE"] ?? fileURLToPath(new URL("tokens.json", import.meta.url));

const socket = io(url);
const session = tokenSession(socket, {
  storage: nodeFile(file),
  identity,
  client: { program: "plus-one", system: os.platform() },
});
session.on("error", ({ code }) => console.error(`not yet: ${code}`));
await session.ready;

const { lastValue, firstVisit } = await socket.emitWithAck("hello");
if (lastValue === null) console.log("A new visitor.");
else console.log(`Back again: the last value was ${lastValue}, the first visit ${day(firstVisit)}.`);

const x = lastValue ?? 999;
const { value, error } = await socket.emitWithAck("add-one", x);
console.log(error ? `It went wrong: ${error}` : `${x} plus one is ${value}.`);
socket.disconnect();

/** @param {number} seconds Unix seconds */
function day(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
