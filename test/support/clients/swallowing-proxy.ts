import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { listen } from "../listen.js";

/**
 * A TCP proxy before a server, for connections that die without a word, as those of a phone do that has
 * changed its network.
 */
export interface SwallowingProxy {
  readonly url: string;
  /**
   * From now on nothing gets through what is open, in neither direction; what is opened later works. Resolves
   * when a client has sent something in vain.
   */
  swallow(): Promise<void>;
  close(): Promise<void>;
}

export async function startSwallowingProxy(port: number): Promise<SwallowingProxy> {
  const pairs = new Set<{ client: Socket; upstream: Socket }>();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    const pair = { client, upstream };
    pairs.add(pair);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
        pairs.delete(pair);
      });
    }
  });
  const own = await listen(server);
  return {
    url: `http://127.0.0.1:${own}`,
    swallow() {
      return new Promise((resolve) => {
        for (const { client, upstream } of pairs) {
          client.unpipe(upstream);
          // Nor does the client hear when the server gives it up.
          upstream.unpipe(client).removeAllListeners("close").resume();
          client.on("data", () => resolve()).resume();
        }
      });
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const { client, upstream } of pairs) {
        client.destroy();
        upstream.destroy();
      }
      await closed;
    },
  };
}
