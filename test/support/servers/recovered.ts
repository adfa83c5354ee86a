import { expect } from "@jest/globals";
import type { ServerOptions } from "socket.io";
import type { Socket } from "socket.io-client";
import { cutOff } from "./cut.js";
import { loggedIn } from "./hearing.js";
import type { Connected, Rig } from "./rig.js";
import { next, type TestServerOptions } from "./server.js";

// Connection state recovery, of what is sent while a client is away.

export function settings(io: Partial<ServerOptions> = {}): TestServerOptions {
  return {
    io: { connectionStateRecovery: {}, ...io },
    // Gives a client an offset to recover from, as any event of an application does.
    handlers: (server) => void server.on("connection", (socket) => void socket.emit("welcome")),
  };
}

/** What a client hears as "news", over all its connections. */
function news(client: Socket): unknown[] {
  const heard: unknown[] = [];
  client.on("news", (word) => heard.push(word));
  return heard;
}

/** A client that is logged in and presents its token by itself; it has something to recover from. */
export async function device(node: Rig, userId: string | number): Promise<Connected & { heard: unknown[] }> {
  const it = await loggedIn(node, userId);
  it.client.auth = { token: it.token };
  const heard = news(it.client);
  const welcome = next(it.client, "welcome");
  it.socket.emit("welcome");
  await welcome;
  return { ...it, heard };
}

/** The connection drops; `meanwhile` runs; and the client comes back. */
export async function away(
  { client, socket }: Connected,
  meanwhile: () => unknown,
  { isRecovered = true } = {},
): Promise<void> {
  await cutOff(socket.nsp.server, client);
  await meanwhile();
  const back = next(client, "connect");
  client.connect();
  await back;
  expect(client.recovered).toBe(isRecovered);
}

/** Resolves when what was sent before has been heard. */
export async function settle(node: Rig, client: Socket): Promise<void> {
  const mark = next(client, "mark");
  // By its own room: who is cut loose hears nothing that is sent to all.
  node.io.to(client.id ?? "").emit("mark");
  await mark;
}

/** What the application sends to everybody, to a user, to a session, and to a room, in that order. */
export function sendAll({ io, sessions }: Rig, { id }: Connected): void {
  io.emit("news", "all");
  sessions.toUser(7).emit("news", "user");
  sessions.toUser(8).emit("news", "another user");
  sessions.toSession(id).emit("news", "session");
  io.emit("news", "all again");
}

/** All of it that the client hears which has that session, of user 7. */
export const EVERYTHING = ["all", "user", "session", "all again"];
