import { type ClientOptions, tokenSession } from "../../../client/index.js";
import type { Node } from "../servers/nodes.js";
import { next } from "../servers/server.js";
import { hear } from "./client-events.js";
import { TOKEN_KEY } from "./device.js";
import { FaultyStorage } from "./faulty-storage.js";

/** A client with a storage of its own, and what its session tells. */
export function opened(node: Node, options: ClientOptions = {}, auth = {}) {
  const storage = new FaultyStorage();
  const socket = node.client({ auth });
  const session = tokenSession(socket, { storage, key: TOKEN_KEY, ...options });
  return { storage: (options.storage as FaultyStorage) ?? storage, socket, session, heard: hear(session) };
}

/** Cuts the connection, and resolves when the client knows. */
export async function cut(socket: ReturnType<typeof opened>["socket"]): Promise<void> {
  const gone = next(socket, "disconnect");
  socket.io.engine.close();
  await gone;
}
