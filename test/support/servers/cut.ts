import type { Server } from "socket.io";
import type { Socket } from "socket.io-client";
import { serverSideOf } from "./rig.js";
import { next } from "./server.js";

/**
 * Cuts a client's connection from below, as a phone in a tunnel has it, and resolves when its server has
 * noticed: one that comes back earlier finds its old socket still connected, and is not recovered. It stays
 * out until it is told to connect.
 */
export async function cutOff(io: Server, client: Socket): Promise<void> {
  const gone = next(serverSideOf(io, client), "disconnect");
  client.io.reconnection(false);
  client.io.engine.close();
  await gone;
}

/** The same, and the client comes back; resolves when it is connected. */
export async function cutAndComeBack(io: Server, client: Socket): Promise<void> {
  await cutOff(io, client);
  const back = next(client, "connect");
  client.connect();
  await back;
}
