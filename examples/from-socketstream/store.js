// @ts-check
// Where the sessions go: memory by default, as in SocketStream, Redis or MySQL.
import { RedisStore } from "connect-redis";
import { createPool } from "mysql2/promise";
import { createClient } from "redis";
import { fromConnectStore, memoryStore } from "socket.io-token-session";

/**
 * Gives the options for `tokenSession`, and what ends the connection to the store.
 * @param {NodeJS.ProcessEnv} environment STORE, or the URL that is there: REDIS_URL, DATABASE_URL
 * @returns {Promise<{ options: import("socket.io-token-session").TokenSessionOptions, close(): Promise<void>
 * }>}
 */
export async function openStore({
  DATABASE_URL: databaseUrl = "",
  REDIS_URL: redisUrl = "",
  ...environment
}) {
  const store = environment["STORE"] || (redisUrl && "redis") || (databaseUrl && "mysql") || "memory";
  switch (store) {
    // ss.session.store.use("redis", options): it is connect-redis here too, with a client of yours.
    case "redis": {
      const client = createClient({ url: redisUrl });
      // It connects again by itself; without a listener the process would end.
      client.on("error", ({ code }) => console.error(`Redis: ${code}`));
      await client.connect();
      const backend = new RedisStore({ client, prefix: environment["REDIS_PREFIX"] ?? "basket:" });
      return { options: { store: fromConnectStore(backend) }, close: () => client.close() };
    }
    case "mysql": {
      const pool = createPool(databaseUrl);
      return { options: { db: pool }, close: () => pool.end() };
    }
    // ss.session.MemoryStore: gone with the process.
    case "memory":
      return { options: { store: memoryStore() }, close: async () => {} };
    default:
      throw new Error("STORE is memory, redis or mysql");
  }
}
