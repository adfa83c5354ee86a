import type { Server } from "socket.io";
import type { Socket } from "socket.io-client";
import { type ClientSession, type TokenStorage, tokenSession } from "../../client/index.js";
import type { SessionHandle } from "../../src/index.js";
import { serverSideOf } from "./rig.js";

/** A storage as a device has it, shared by its tabs. */
export function device(): TokenStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
  };
}

/** A tab of a device: the shipped client script, and what the server holds of it. */
export interface Tab {
  readonly client: Socket;
  readonly session: ClientSession;
  /** `socket.session` of the connection that it has now. */
  handle(on?: Server): SessionHandle;
}

/** Opens a tab by this socket; resolves when it has its session. */
export async function openTab(io: Server, client: Socket, storage = device()): Promise<Tab> {
  const session = tokenSession(client, { storage });
  await session.ready;
  return { client, session, handle: (on = io) => serverSideOf(on, client).session };
}
