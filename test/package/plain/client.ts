import { io } from "socket.io-client";
import { tokenSession } from "socket.io-token-session/client";

const session = tokenSession(io("https://your.server"), {
  key: "token",
  client: { device: "Pixel 9", version: 3 },
});
await session.ready;
const token: string = session.token;
console.log(token.length, session.id);

const kept = new Map<string, string>();
tokenSession(io(), {
  storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) },
});

// @ts-expect-error a description is flat
tokenSession(io(), { client: { device: { name: "Pixel 9" } } });
