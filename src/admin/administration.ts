import { askStore } from "../registry/ask-store.js";
import type { SessionRegistry } from "../registry/registry.js";
import { countUnexpiredRows } from "../registry/unexpired-rows.js";
import type { StoreStats } from "../store.js";
import { type DestroyManyOptions, destroyMany } from "./destroy-many.js";
import {
  type DestroyFilter,
  type Filter,
  type ListSessionsOptions,
  type SessionFilter,
  toCursor,
  toFilter,
  toListOptions,
} from "./filter.js";
import { type ListedSession, selectSessions } from "./select.js";

/** One page of {@link Administration.list}. */
export interface SessionPage {
  /** In the order of their ids: mostly, the oldest first. */
  readonly sessions: ListedSession[];
  /** Where the next page begins; `null` after the last. No secret, and fit for a URL as it is. */
  readonly cursor: string | null;
}

/**
 * What {@link TokenSessions} offers to an administrator. Let nobody else call it: it asks nobody for rights.
 */
export interface Administration {
  /**
   * This server in audit events: 16 hex digits, made anew at each start of the process. No secret. Write it
   * into a log when the server starts.
   */
  readonly nodeId: string;
  /**
   * The sessions that are alive, a page at a time, in the order of their ids. A session that is there all the
   * time comes exactly once, whatever begins and ends between the pages. Reads by primary key, with `userId`
   * by the index on that; `live: true` needs no statement.
   *
   * Errors: `SESSION_OPTION_INVALID` for a wrong option, a filter for which the table has no index, and a
   * cursor of another filter; `SESSION_USER_INVALID`; `SESSION_UNSUPPORTED` (a store without lists),
   * `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_CLOSED`.
   *
   * @example
   * let cursor: string | null = null;
   * do {
   *   const page = await sessions.list({ userId: 7, limit: 100, cursor });
   *   for (const { sessionId, visitedAt } of page.sessions) console.log(sessionId, visitedAt);
   *   cursor = page.cursor;
   * } while (cursor);
   */
  list(options?: ListSessionsOptions): Promise<SessionPage>;
  /**
   * How many sessions are alive, of all or of those that a filter means. Without a filter the database counts
   * the entries of one index; with one, its rows are read, a page at a time. Errors: as {@link list}.
   *
   * @example
   * const online = await sessions.count({ live: true });
   */
  count(filter?: SessionFilter): Promise<number>;
  /**
   * How many rows are alive, have expired and are logged in, how long their values are, and when the oldest
   * session began. In bounded time: up to 2000 sessions and 100 000 expired rows everything is exact; beyond
   * that it has `sampled: true`, `rows` says from how many rows it estimates `loggedIn`, `bytes` and
   * `oldest`, and numbers of rows above 100 000 are the database's own estimate. Errors:
   * `SESSION_UNSUPPORTED` (a store that does not count), `SESSION_STORE_UNAVAILABLE`,
   * `SESSION_STORE_FAILED`, `SESSION_CLOSED`.
   *
   * @example
   * const { alive, expired, bytes } = await sessions.stats();
   * console.log(`${alive} sessions, ${expired} to be pruned, largest ${bytes.max} bytes`);
   */
  stats(): Promise<StoreStats>;
  /**
   * Ends the sessions that a filter means, in steps of up to 256, and resolves to how many. Their clients are
   * told `sessionEnd` with the reason `"revoked"`. Sessions that begin after the call are left alone. A
   * filter that says nothing is refused: all of them are `{ all: true }`.
   *
   * Errors: as {@link list}, and `SESSION_WRITE_UNCERTAIN` where some have ended, or may have, and others
   * have not: call it again. Where `signal` is aborted, its reason; what was ended stays so.
   *
   * @example
   * const leakedAt = 1_780_000_000;
   * const ended = await sessions.destroyMany(
   *   { before: leakedAt },
   *   { onProgress: ({ ended }) => console.log(ended) },
   * );
   */
  destroyMany(filter: DestroyFilter, options?: DestroyManyOptions): Promise<number>;
}

/** What an administrator gets of a registry. */
export function administration(registry: SessionRegistry): Administration {
  return {
    nodeId: registry.processId.toString("hex"),
    list: async (options = {}) => listPage(registry, options),
    count: async (filter = {}) => countSessions(registry, toFilter(filter, "count: ")),
    stats: () => askStore(registry, () => registry.store.stats()),
    destroyMany: async (filter, options) => destroyMany(registry, filter, options),
  };
}

async function listPage(registry: SessionRegistry, options: unknown): Promise<SessionPage> {
  const { filter, limit, after } = toListOptions(options);
  const found: ListedSession[] = [];
  // One more than a page has tells whether there is another.
  for await (const some of selectSessions(registry, filter, { after, size: limit + 1 })) {
    found.push(...some);
    if (found.length > limit) break;
  }
  const sessions = found.slice(0, limit);
  const last = sessions.at(-1);
  return { sessions, cursor: found.length > limit && last ? toCursor(last.sessionId, filter) : null };
}

async function countSessions(registry: SessionRegistry, filter: Filter): Promise<number> {
  if (Object.values(filter).every((value) => value === undefined)) return countUnexpiredRows(registry);
  let count = 0;
  for await (const some of selectSessions(registry, filter)) count += some.length;
  return count;
}
