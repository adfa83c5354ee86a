// @ts-check
// Any Connect store: that of Redis where there is a Redis, and express-session's own in memory where there is
// none.
import { RedisStore } from "connect-redis";
import session from "express-session";
import { createClient } from "redis";

/** @param {NodeJS.ProcessEnv} environment */
export async function openConnectStore({ REDIS_URL: url, REDIS_PREFIX: prefix = "colours:" }) {
  if (!url) return { connectStore: new session.MemoryStore(), close: async () => {} };
  const client = createClient({ url });
  // It connects again by itself; without a listener the process would end.
  client.on("error", ({ code }) => console.error(`Redis: ${code}`));
  await client.connect();
  return { connectStore: new RedisStore({ client, prefix }), close: () => client.close() };
}
