import type { BatchedStore } from "../gateway/batched-store.js";
import { isExpiryInDoubt, type LateReads, reread } from "../gateway/late-reads.js";
import type { RetryHost } from "../gateway/retry.js";
import { loadRow } from "../gateway/settle.js";
import { isLate } from "../row/row-age.js";
import type { SessionRow } from "../store.js";
import type { EndReason } from "../wire.js";
import type { KnownRow } from "./known-row.js";
import type { RecentRows } from "./recent-rows.js";

/** What a session knows when its row is read. */
export interface Reader {
  readonly id: string;
  readonly row: KnownRow | undefined;
  readonly ended: EndReason | undefined;
  /** There has been a row, as who opens the session knows. */
  readonly isExpected: boolean;
}

/** What reading needs of the registry. */
export interface ReadingHost extends RetryHost {
  readonly store: BatchedStore;
  readonly lateReads: LateReads;
  /** What was known of rows that are not kept. */
  readonly recentRows: RecentRows;
}

/**
 * Reads a session's row. One that is older than what is known, or missing though there was one, is looked for
 * again, until it is believed or the database insists. Errors: those of {@link loadRow}.
 */
export async function readRow(
  reader: Reader,
  host: ReadingHost,
  deadline: number,
): Promise<SessionRow | undefined> {
  const row = await loadRow(host, reader.id, deadline);
  return isBelieved(row, reader, host) ? row : rereadRow(row, reader, host, deadline);
}

async function rereadRow(
  found: SessionRow | undefined,
  reader: Reader,
  host: ReadingHost,
  deadline: number,
): Promise<SessionRow | undefined> {
  const { id } = reader;
  const { clock, recentRows, lateReads } = host;
  const load = () => loadRow(host, id, deadline);
  const read = () => reread(clock, load, (row) => isBelieved(row, reader, host));
  const isKnown = found || reader.row || reader.isExpected || recentRows.get(id);
  const row = await (isKnown ? read() : lateReads.limitUnknown(read));
  if (isBelieved(row, reader, host)) return row;
  // From now on it is as the database says.
  recentRows.forget(id);
  if (row && row.data !== null) lateReads.logLateRow(id);
  return row;
}

/**
 * Whether a row, or that there is none, can be what the database has: it may have been read from a node that
 * lags behind.
 */
function isBelieved(
  row: SessionRow | undefined,
  reader: Reader,
  { recentRows, store }: ReadingHost,
): boolean {
  const { id, row: known } = reader;
  if (reader.ended) return true;
  const recent = recentRows.get(id);
  if (!row) {
    if (known || recent || reader.isExpected) return false;
    return recentRows.hasEnded(id) || !store.isYoung(id);
  }
  if (row.data === null) {
    if (isExpiryInDoubt(row, known?.expires)) return false;
  } else if (recentRows.hasEnded(id, row.createdAt)) return false;
  if (known && known.revision !== row.revision && isLate(row, known.facts)) return false;
  return !recent || !isLate(row, recent);
}
