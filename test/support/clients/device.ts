import type { Server } from "socket.io";
import type { Socket } from "socket.io-client";
import { type ClientSession, type TokenStorage, tokenSession } from "../../../client/index.js";
import type { SessionHandle } from "../../../src/index.js";
import { serverSideOf } from "../servers/rig.js";

/** Where tabs of {@link openTab} keep their token, whichever server of a cluster they connect to. */
export const TOKEN_KEY = "token";

export interface Device extends TokenStorage {
  readonly items: Map<string, string>;
}

/** A storage as a device has it, shared by its tabs and outliving them. */
export function device(items = new Map<string, string>()): Device {
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    getKeys: () => items.keys(),
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
  const session = tokenSession(client, { storage, key: TOKEN_KEY });
  await session.ready;
  return { client, session, handle: (on = io) => serverSideOf(on, client).session };
}
