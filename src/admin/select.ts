import { askStore } from "../registry/ask-store.js";
import type { SessionRegistry } from "../registry/registry.js";
import { PAGE, unexpiredRows } from "../registry/unexpired-rows.js";
import type { Session } from "../session/session.js";
import type { SessionRow, UnixSeconds } from "../store.js";
import { firstIdAt, isSessionId } from "../token/token.js";
import type { ClientDescription } from "../wire.js";
import type { Filter } from "./filter.js";

/** A session as an administrator sees it: never its values, its secrets or its token. */
export interface ListedSession {
  /** Its public id. */
  readonly sessionId: string;
  /** Who is logged in; `null` for nobody. */
  readonly userId: string | null;
  /** What the client said of itself when the session began; anybody can claim anything there. */
  readonly client: ClientDescription | null;
  /** When it began, Unix seconds of the database's clock, as all times here. */
  readonly createdAt: UnixSeconds;
  /** Last known use; right to `touchEvery` seconds. */
  readonly visitedAt: UnixSeconds;
  /** Last use before this visit; 0 on the first. */
  readonly previousVisitAt: UnixSeconds;
  /** When it ends unless it is used. */
  readonly expiresAt: UnixSeconds;
  /** Whether a socket of this server has it open now. */
  readonly live: boolean;
}

/** An id has the time at which it was made, and its row may have been inserted so much earlier or later. */
const OUT_OF_TIME: UnixSeconds = 60;

type Facts = Omit<ListedSession, "live" | "expiresAt"> & Pick<SessionRow, "expires">;

/**
 * The sessions that a filter means, in the order of their ids, in pages that may be empty. Errors:
 * `SESSION_UNSUPPORTED` where the store keeps no such list, `SESSION_STORE_UNAVAILABLE`,
 * `SESSION_STORE_FAILED`, `SESSION_CLOSED`.
 */
export async function* selectSessions(
  registry: SessionRegistry,
  filter: Filter,
  { after, size = PAGE }: { after?: string | undefined; size?: number } = {},
): AsyncGenerator<ListedSession[]> {
  registry.throwIfClosed();
  if (filter.live) {
    const all = openHere(registry, filter).filter(
      ({ sessionId }) => after === undefined || sessionId > after,
    );
    for (let at = 0; at < all.length; at += PAGE) yield all.slice(at, at + PAGE);
    return;
  }
  const pages =
    filter.userId === undefined
      ? rowsByKey(registry, filter, after, Math.min(size, PAGE))
      : rowsOfUser(registry, filter.userId, after, Math.min(size, PAGE));
  for await (const rows of pages)
    yield rows
      .map((row) => toListed(registry, row))
      .filter((session) => isMeant(session, filter) && (filter.live === undefined || !session.live));
}

/** Those that are open here and known to be alive, without a look at their rows. */
export function openHere(registry: SessionRegistry, filter: Filter): ListedSession[] {
  const open: ListedSession[] = [];
  for (const session of registry.live()) {
    const facts = factsOf(session);
    if (!facts) continue;
    const listed = toListed(registry, facts);
    if (listed.live && isMeant(listed, filter)) open.push(listed);
  }
  return open.sort((one, other) => (one.sessionId < other.sessionId ? -1 : 1));
}

function factsOf({ id: sessionId, row, saved, ended, databaseNow }: Session): Facts | undefined {
  if (!row || ended || row.expires <= databaseNow) return undefined;
  const { client, createdAt, visitedAt, previousVisitAt, expires } = row;
  const { userId } = saved.compactIdentity;
  return { sessionId, userId, client, createdAt, visitedAt, previousVisitAt, expires };
}

function toListed(registry: SessionRegistry, facts: Facts): ListedSession {
  const { sessionId, userId, client, createdAt, visitedAt, previousVisitAt, expires } = facts;
  const live = registry.filterOpen([sessionId]).length > 0;
  return {
    sessionId,
    userId,
    client: client && { ...client },
    createdAt,
    visitedAt,
    previousVisitAt,
    expiresAt: expires,
    live,
  };
}

function isMeant(
  { userId, createdAt }: ListedSession,
  { since = 0, before = Number.POSITIVE_INFINITY, ...filter }: Filter,
): boolean {
  return (
    createdAt >= since && createdAt < before && (filter.userId === undefined || filter.userId === userId)
  );
}

/** By primary key, from the time in ids on at which the filter begins to that at which it ends. */
function rowsByKey(
  registry: SessionRegistry,
  { since, before }: Filter,
  from: string | undefined,
  limit: number,
): AsyncGenerator<Facts[]> {
  const first = since === undefined ? undefined : idAt(since - OUT_OF_TIME);
  const last = before === undefined ? undefined : idAt(before + OUT_OF_TIME);
  const after = from === undefined || (first !== undefined && first > from) ? first : from;
  return unexpiredRows(registry, { values: false, after, before: last, limit });
}

/** By the index on `userId`, and by key among these. */
async function* rowsOfUser(
  registry: SessionRegistry,
  userId: string,
  from: string | undefined,
  limit: number,
): AsyncGenerator<Facts[]> {
  let after = from;
  for (;;) {
    const page = { after, limit };
    const found = await askStore(registry, () => registry.store.forUser(userId, page));
    // A store need not heed the page.
    const behind = found.filter(({ sessionId }) => after === undefined || sessionId > after);
    const rows = behind.sort((one, other) => (one.sessionId < other.sessionId ? -1 : 1)).slice(0, limit);
    yield rows.filter(({ sessionId }) => isSessionId(sessionId)).map((row) => ({ ...row, userId }));
    if (behind.length < limit) return;
    after = rows.at(-1)?.sessionId;
  }
}

function idAt(second: UnixSeconds): string {
  return firstIdAt(Math.max(0, second) * 1000);
}
