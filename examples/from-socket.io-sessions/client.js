// @ts-check
// node client.js [url]: an app without cookies, by the function of Socket.IO-sessions. It is known when it
// runs again: its token is kept in TOKEN_FILE, tokens.json beside this file if that is not set. In a page the
// script of the server has the function ready.
import process from "node:process";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";
import { tokenSession } from "socket.io-token-session/client";
import { addConnectWithSession } from "socket.io-token-session/client/connect-with-session";
import { nodeFile } from "socket.io-token-session/client/node-file";

const [, , url = "http://127.0.0.1:3000"] = process.argv;
const file = process.env["TOKEN_FILE"] ?? fileURLToPath(new URL("tokens.json", import.meta.url));

addConnectWithSession(io, { storage: nodeFile(file) });
const socket = io.connectWithSession(url);

await tokenSession(socket).ready;
console.log(`Messages in this session: ${await socket.emitWithAck("message", "hello")}.`);
socket.disconnect();
