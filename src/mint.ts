import type { Clock } from "./clock.js";
import { SessionError } from "./errors.js";
import { Backoff, isPassing, storeError, untilAnswered } from "./retry.js";
import type { Rows } from "./rows.js";
import type { NewSession, SessionRow } from "./store.js";
import { mintToken, type PresentedToken, sameHash } from "./token.js";
import { Values } from "./values.js";
import type { ClientDescription } from "./wire.js";
import { newRevision, type ProcessId, withWriter } from "./writers.js";

/** New ids that may turn out to be taken; more than one points to another unique key in the table. */
const MAX_TAKEN_IDS = 3;

/** Inserts a new session's row, repeated verbatim until the store answers or `deadline` has passed. */
export async function insertNewRow(
  rows: Rows,
  {
    client,
    processId,
    clock,
    deadline,
  }: { client: ClientDescription | null; processId: ProcessId; clock: Clock; deadline: number },
): Promise<{ row: SessionRow; token: PresentedToken }> {
  const backoff = new Backoff(clock);
  // An id by this machine's clock, which may be wrong, would not be in order with those of other nodes.
  await untilAnswered(clock, deadline, () => rows.hear());
  let token = mintToken(rows.nowMs);
  for (let taken = 0; ; ) {
    const revision = newRevision();
    const fresh: NewSession = {
      sessionId: token.sessionId,
      secretHash: token.secretHash,
      data: Values.empty().toText(),
      client,
      revision,
      writers: withWriter(new Uint8Array(), processId, revision),
    };
    try {
      const row = (await rows.insert(fresh)) ?? (await ownRow(rows, token));
      if (row) return { row, token };
      // Somebody else's row has that id; with 74 random bits that does not happen by chance.
      if (++taken === MAX_TAKEN_IDS)
        throw new SessionError("SESSION_STORE_FAILED", "each new session id was taken");
      token = mintToken(rows.nowMs);
    } catch (error) {
      if (!isPassing(error) || clock.now() >= deadline) throw storeError(error);
      // The same row again: if the lost answer was a success, its hash tells.
      await backoff.wait();
    }
  }
}

/** After "that id is taken": the row, if it is the one that an earlier try of ours inserted. */
async function ownRow(rows: Rows, token: PresentedToken): Promise<SessionRow | undefined> {
  const row = await rows.load(token.sessionId);
  return row && sameHash(row.secretHash, token.secretHash) ? row : undefined;
}
