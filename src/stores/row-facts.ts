import type { StoreStats, UnixSeconds, UserSession } from "../store.js";

/** What statistics look at in a row. */
export interface RowFacts {
  readonly userId: string | null;
  readonly createdAt: UnixSeconds;
  /** Length of the values' text. */
  readonly bytes: number;
}

/** The order of a user's sessions: within one second the ids, which have milliseconds, tell. */
export function newestFirst(one: UserSession, other: UserSession): number {
  return other.createdAt - one.createdAt || (one.sessionId < other.sessionId ? 1 : -1);
}

/** What can be said of these rows together. */
export function factsOf(rows: readonly RowFacts[]): Pick<StoreStats, "loggedIn" | "bytes" | "oldest"> {
  const sizes = rows.map(({ bytes }) => bytes).sort((one, other) => one - other);
  // The smallest size that so many hundredths do not exceed.
  const percentile = (percent: number) => sizes[Math.ceil((sizes.length * percent) / 100) - 1] ?? 0;
  let oldest: UnixSeconds | null = null;
  for (const { createdAt } of rows) if (oldest === null || createdAt < oldest) oldest = createdAt;
  return {
    loggedIn: rows.filter(({ userId }) => userId !== null).length,
    bytes: { p50: percentile(50), p95: percentile(95), max: percentile(100) },
    oldest,
  };
}
