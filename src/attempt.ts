import { type Clock, pause } from "./clock.js";
import { SessionError, toSessionError } from "./errors.js";
import type { KnownRow } from "./known-row.js";
import { Backoff, isPassing, mayHaveEffect, storeError, untilAnswered, untilWritten } from "./retry.js";
import type { SessionRow, WriteAttempt } from "./store.js";
import type { EndReason } from "./wire.js";
import { judge, type ProcessId } from "./writers.js";

/** What carrying an attempt out needs. */
export interface AttemptHost {
  readonly clock: Clock;
  readonly processId: ProcessId;
  loadRow(sessionId: string): Promise<SessionRow | undefined>;
  deleteRow(sessionId: string): Promise<void>;
  /** Resolves to whether a row matched, or `undefined` where the answer does not tell. */
  writeRow(attempt: WriteAttempt, options: { isRepeated: boolean }): Promise<boolean | undefined>;
}

/** What became of an attempt. `row` is the row as it was read to find out. */
export type Outcome =
  | { verdict: "applied"; row?: SessionRow }
  | { verdict: "refused"; row: SessionRow }
  | { verdict: "ended"; reason: EndReason }
  | { verdict: "failed"; error: SessionError; uncertain: boolean; row?: SessionRow };

/** Pauses before the further looks for a row that ought to be there: two seconds together. */
const LOOK_AGAIN_AFTER_MS = [250, 500, 1_250];

/** Reads a row, again and again until the store answers or `deadline` has passed. */
export function loadRow(
  host: Pick<AttemptHost, "clock" | "loadRow">,
  sessionId: string,
  deadline: number,
): Promise<SessionRow | undefined> {
  return untilAnswered(host.clock, deadline, () => host.loadRow(sessionId));
}

/**
 * Reads a row that ought to be there. One missing read is not gone: a node of a cluster of databases may lag behind for a
 * moment, and a user must not be logged out by that. Only after two seconds of looking is the row missing; at once where `isExpected` says
 * that it need not be there.
 */
export async function loadExpectedRow(
  host: Pick<AttemptHost, "clock" | "loadRow">,
  sessionId: string,
  deadline: number,
  isExpected = () => true,
): Promise<SessionRow | undefined> {
  let row = await loadRow(host, sessionId, deadline);
  if (!row && !isExpected()) return undefined;
  for (const pauseMs of LOOK_AGAIN_AFTER_MS) {
    if (row) break;
    await pause(host.clock, pauseMs);
    row = await loadRow(host, sessionId, deadline);
  }
  return row;
}

/**
 * Deletes a row, again and again until the store answers or `deadline` has passed.
 * Errors: `SESSION_WRITE_UNCERTAIN` where an abandoned statement may still run, else those of the store.
 */
export function settleDelete(
  host: Pick<AttemptHost, "clock" | "deleteRow">,
  sessionId: string,
  deadline: number,
): Promise<void> {
  return untilWritten(host.clock, deadline, sessionId, () => host.deleteRow(sessionId));
}

/**
 * Finds out what became of an attempt that was sent (`sent` is the answer, or a promise that is rejected with why there is none), and sends it again, verbatim each time, until its outcome is known
 * or `deadline` has passed. Never rejects.
 */
export async function settleAttempt(
  host: AttemptHost,
  attempt: WriteAttempt,
  base: KnownRow,
  deadline: number,
  sent: boolean | undefined | Promise<never>,
): Promise<Outcome> {
  const { clock } = host;
  const { sessionId } = attempt;
  const backoff = new Backoff(clock);
  /** Some statement of this attempt may have been, or may yet be, applied. */
  let uncertain = false;
  /** The last statement was answered, but the answer did not tell. */
  let untold = false;
  const failure = (error: SessionError): Outcome => {
    if (!uncertain && !untold) return { verdict: "failed", error, uncertain };
    const doubt = new SessionError("SESSION_WRITE_UNCERTAIN", error.code, { cause: error, sessionId });
    return { verdict: "failed", error: doubt, uncertain: true };
  };
  let isFirst = true;
  for (let isRepeated = false; ; ) {
    const answer = isFirst ? sent : host.writeRow(attempt, { isRepeated });
    isFirst = false;
    untold = false;
    try {
      const matched = await answer;
      if (matched) return { verdict: "applied" };
      untold = matched === undefined;
    } catch (error) {
      if (!mayHaveEffect(error)) {
        if (!isPassing(error) || clock.now() >= deadline) return failure(storeError(error));
        // A lock, for one: no reason to hold others up.
        isRepeated = error.mayBeOneEntry;
        await backoff.wait();
        continue;
      }
      uncertain = true;
    }
    let row: SessionRow | undefined;
    try {
      row = await loadExpectedRow(host, sessionId, deadline);
    } catch (error) {
      return failure(toSessionError(error));
    }
    if (!row) return { verdict: "ended", reason: "destroyed" };
    if (row.data === null) return { verdict: "ended", reason: "expired" };
    const verdict = judge(attempt, { writers: base.writersBytes }, row, host.processId);
    if (verdict === "applied" || verdict === "refused") return { verdict, row };
    if (verdict === "uncertain") {
      const error = new SessionError("SESSION_WRITE_UNCERTAIN", undefined, { sessionId });
      return { verdict: "failed", error, uncertain: true, row };
    }
    // Answered and not applied: another row of its statement, or a lock on this one, and nothing is still on its way.
    const isLeftOut = untold;
    untold = false;
    if (clock.now() >= deadline)
      return failure(new SessionError("SESSION_STORE_UNAVAILABLE", undefined, { sessionId }));
    if (!isLeftOut || isRepeated) await backoff.wait();
    isRepeated = true;
  }
}
