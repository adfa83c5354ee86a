import type { Clock } from "../../base/clock.js";
import { complete, flag, type OptionsOf, unchecked } from "../../base/option-table.js";
import type { StoreFactory } from "../../store.js";
import { ExpressSessionBackend, wallClock } from "./backend.js";
import { type ConnectStoreLike, checkConnectStore } from "./store-like.js";

/** Options of {@link fromConnectStore}. */
export interface ConnectBackendOptions {
  /**
   * Several processes may use the store: where two of them change one session at the same moment, the later
   * one wins, and what the other wrote is lost. Without it a server with a cluster adapter is refused.
   * @default false
   */
  lastWriteWins?: boolean;
  /** Time itself. For tests. @internal */
  clock?: Clock;
}

export const connectBackendOptions = {
  lastWriteWins: flag(false),
  clock: unchecked<Clock>(wallClock),
} satisfies OptionsOf<ConnectBackendOptions>;

/**
 * Keeps sessions in any store of express-session: connect-redis, its `MemoryStore`, and so on. In one process
 * everything is as exact as on MySQL. A Connect store has no conditional writes and no lists, though: what
 * would need them is refused with `SESSION_UNSUPPORTED` (`sessions.forUser`, `destroyForUser`, `prune`, and a
 * server with a cluster adapter, unless `lastWriteWins` is set). The store stays yours: it is never closed.
 * docs/stores.md has the rest.
 *
 * Errors: `SESSION_OPTION_INVALID` for anything that is no such store.
 *
 * @example
 * import { RedisStore } from "connect-redis";
 * import { createClient } from "redis";
 *
 * const client = createClient({ url: process.env.REDIS_URL });
 * await client.connect();
 * const sessions = tokenSession({ store: fromConnectStore(new RedisStore({ client })) });
 */
export function fromConnectStore(store: ConnectStoreLike, options: ConnectBackendOptions = {}): StoreFactory {
  checkConnectStore(store);
  const settled = complete(connectBackendOptions, options, "fromConnectStore: ");
  return (settings) => new ExpressSessionBackend(store, settings, settled);
}
