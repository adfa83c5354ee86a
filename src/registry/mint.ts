import { SessionError } from "../errors.js";
import type { BatchedStore } from "../gateway/batched-store.js";
import { type RetryHost, retry, retryWrite } from "../gateway/retry.js";
import { hasWritten, newRevision, type ProcessId, withWriter } from "../row/writers.js";
import { Values } from "../session/values.js";
import type { NewSession, SessionRow } from "../store.js";
import { isSameHash } from "../token/hash.js";
import { mintToken, type PresentedToken, timeOfId } from "../token/token.js";
import type { ClientDescription } from "../wire.js";

/** New ids that may turn out to be taken; more than one points to another unique key in the table. */
const MAX_TAKEN_IDS = 3;

/**
 * An id further from its row's time is out of order; an INSERT that is repeated until it is answered takes
 * less.
 */
const OUT_OF_TIME_MS = 60_000;

/** By whom a row is inserted, and until when that is tried, in milliseconds of the clock. */
export interface Inserter extends RetryHost {
  readonly processId: ProcessId;
  readonly deadline: number;
}

/** What a new session begins with. */
export type FirstFacts = Pick<NewSession, "client" | "data" | "idleSeconds">;

/** Inserts a new session's row under a token of our own. */
export async function insertNewRow(
  store: BatchedStore,
  client: ClientDescription | null,
  inserter: Inserter,
): Promise<{ row: SessionRow; token: PresentedToken }> {
  // An id by this machine's clock, which may be wrong, would not be in order with those of other nodes.
  await retry(inserter, inserter.deadline, () => store.ensureClock());
  for (let taken = 0; taken < MAX_TAKEN_IDS; taken++) {
    const token = mintToken(store.nowMs);
    const { row } = await insertRow(store, token, { client, data: Values.empty().toText() }, inserter);
    // Else it is somebody else's; with 74 random bits that does not happen by chance.
    if (!row || !isSameHash(row.secretHash, token.secretHash)) continue;
    const isLast = taken === MAX_TAKEN_IDS - 1;
    if (isLast || Math.abs(row.createdAt * 1000 - timeOfId(token.sessionId)) < OUT_OF_TIME_MS)
      return { row, token };
    // The store's clock was set since it was last heard, and the answer has told it. Nobody has this token
    // yet.
    await store.delete(token.sessionId).catch(() => {});
  }
  throw new SessionError("SESSION_STORE_FAILED", "each new session id was taken");
}

/**
 * Inserts a row for a token, repeated verbatim until the store answers. Where its id is taken, answers the
 * row that is there: `isInserted` if an earlier try of ours, whose answer was lost, has inserted it, whoever
 * has written since. Errors: `SESSION_WRITE_UNCERTAIN` where an earlier try may have inserted it, those of
 * the store.
 */
export function insertRow(
  store: BatchedStore,
  { sessionId, secretHash }: PresentedToken,
  first: FirstFacts,
  inserter: Inserter,
): Promise<{ row: SessionRow | undefined; isInserted: boolean }> {
  const { processId, deadline } = inserter;
  const revision = newRevision();
  const writers = withWriter(new Uint8Array(), processId, revision);
  const fresh: NewSession = { ...first, sessionId, secretHash, revision, writers };
  return retryWrite(inserter, deadline, sessionId, async () => {
    const inserted = await store.insert(fresh);
    if (inserted) return { row: inserted, isInserted: true };
    const row = await store.load(sessionId);
    return { row, isInserted: row !== undefined && hasWritten(row.writers, processId, revision) };
  });
}

/**
 * Gives the row that the old package wrote for this token, if there is one, its public id and hash. Says
 * nothing of the outcome: another process may have been quicker, or an answer lost, so the row is to be read
 * again whatever happened.
 */
export function adoptRow(
  store: BatchedStore,
  token: PresentedToken,
  host: RetryHost,
  deadline: number,
): Promise<void> {
  return retry(host, deadline, () => store.adopt(token));
}
