import { io } from "socket.io-client";
import { tokenSession } from "socket.io-token-session/client";
import { addConnectWithSession } from "socket.io-token-session/client/connect-with-session";
import { nodeFile } from "socket.io-token-session/client/node-file";

const connect: typeof io = io;

const socket = io("https://your.server");
// As in README.md.
socket.emit("name", "Ada", (failed?: { error: string }) => failed && console.error(failed.error));

const session = tokenSession(socket, {
  key: "token",
  client: { device: "Pixel 9", version: 3 },
});
await session.ready;
const token: string = session.token;
console.log(token.length, session.id);

const kept = new Map<string, string>();
tokenSession(io(), {
  storage: {
    getItem: async (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  },
  identity: "work",
  migrateFrom: { storage: localStorage, key: "token" },
  restart: false,
  origins: ["https://api.your.server"],
});

const stop: () => void = session.on("end", ({ reason }) => {
  if (reason === "expired" || reason === "Session Expired") stop();
  // @ts-expect-error no such reason
  console.log(reason === "tired");
});
session.on("start", ({ id, created }) => console.log(id.length, created === true));
session.on("error", ({ code, cause }) => console.error(code === "storage", cause));
// @ts-expect-error no such event
session.on("stop", () => {});
const state: "opening" | "open" | "waiting" | "ended" = session.state;
const response: Response = await session.fetch("https://your.server/me", { method: "POST" });
const identities: string[] = await session.identities();
console.log(state, response.ok, identities);

tokenSession(io(), { storage: nodeFile("session.json") });

addConnectWithSession(connect);
connect.connectWithSession("https://your.server", { transports: ["websocket"] }).emit("hello");

// @ts-expect-error a description is flat
tokenSession(io(), { client: { device: { name: "Pixel 9" } } });
