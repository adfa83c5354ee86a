import type { Server } from "socket.io";

/** What clients of a server have sent: the token of each CONNECT, by connection. */
export interface Handshakes {
  /** One entry for each connection so far, in order. */
  readonly connections: string[][];
}

/**
 * Writes down the token of each CONNECT packet that comes to a server; `undefined` as text where there was
 * none.
 */
export function watchHandshakes(io: Server): Handshakes {
  const connections: string[][] = [];
  io.engine.on("connection", (connection: NodeJS.EventEmitter) => {
    const tokens: string[] = [];
    connections.push(tokens);
    connection.on("packet", ({ type, data }: { type: string; data?: string }) => {
      // "0": CONNECT, perhaps with a namespace.
      if (type !== "message" || !data?.startsWith("0")) return;
      const auth = data.includes("{") ? JSON.parse(data.slice(data.indexOf("{"))) : {};
      tokens.push(String(auth.token));
    });
  });
  return { connections };
}
