import type { Clock } from "../base/clock.js";
import { SessionError, toSessionError } from "../errors.js";
import { isLate, type RowFacts } from "../row/row-age.js";
import type { ProcessId } from "../row/writers.js";
import type { SessionRow, UnixSeconds, WriteAttempt } from "../store.js";
import type { EndReason } from "../wire.js";
import type { Rows } from "./batched-store.js";
import { isExpiryInDoubt, type LateReads, lookAgain } from "./late-reads.js";
import { Backoff, isPassing, mayHaveEffect, storeError, untilAnswered, untilWritten } from "./retry.js";
import { judge, type Verdict } from "./verdict.js";

/** What carrying an attempt out needs. */
export interface AttemptHost {
  readonly clock: Clock;
  readonly processId: ProcessId;
  readonly lateReads: LateReads;
  /** The way to the store. */
  readonly rows: Rows;
}

/** The row that an attempt is made on, as last known. */
export interface AttemptBase {
  readonly expires: UnixSeconds;
  readonly facts: RowFacts & { readonly writers: Uint8Array };
}

/** What became of an attempt. `row` is the row as it was read to find out. */
export type Outcome =
  | { verdict: "applied"; row?: SessionRow }
  | { verdict: "refused"; row: SessionRow }
  | { verdict: "ended"; reason: EndReason }
  | { verdict: "failed"; error: SessionError; uncertain: boolean; row?: SessionRow };

/** Reads a row, again and again until the store answers or `deadline` has passed. */
export function loadRow(
  host: Pick<AttemptHost, "clock" | "rows">,
  sessionId: string,
  deadline: number,
): Promise<SessionRow | undefined> {
  return untilAnswered(host.clock, deadline, () => host.rows.load(sessionId));
}

/**
 * Deletes a row, with `onlyExpired` only where it has expired, again and again until the store answers or `deadline` has passed.
 * Errors: `SESSION_WRITE_UNCERTAIN` where an abandoned statement may still run, else those of the store.
 */
export function settleDelete(
  host: Pick<AttemptHost, "clock" | "rows">,
  sessionId: string,
  deadline: number,
  options: { onlyExpired: boolean },
): Promise<void> {
  return untilWritten(host.clock, deadline, sessionId, () => host.rows.delete(sessionId, options));
}

/**
 * Finds out what became of an attempt that was sent (`sent` is the answer, or a promise that is rejected with why there is none), and sends it again, verbatim each time, until its outcome is known
 * or `deadline` has passed. Never rejects.
 */
export async function settleAttempt(
  host: AttemptHost,
  attempt: WriteAttempt,
  base: AttemptBase,
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
  /** One was, and all that says that it was not applied is the row as it was read, perhaps late. */
  let isByReading = false;
  /** Since then one that was alone was answered "no row matched": the row is not the base any more. */
  let isOvertaken = false;
  const doubt = (cause?: SessionError) =>
    new SessionError("SESSION_WRITE_UNCERTAIN", cause?.code, { ...(cause && { cause }), sessionId });
  const failure = (error: SessionError): Outcome =>
    uncertain || untold
      ? { verdict: "failed", error: doubt(error), uncertain: true }
      : { verdict: "failed", error, uncertain: false };

  /** Each statement was answered, with the word that no row matched. */
  const isSurelyNot = () => !uncertain && !isByReading;

  let verdict: Verdict | undefined;
  const isBelieved = (row: SessionRow | undefined) => {
    if (!row) return false;
    if (row.data === null) return !isExpiryInDoubt(row, base.expires);
    verdict = judge(attempt, base.facts, row, host.processId);
    if (verdict === "not-yet" && isOvertaken) verdict = "late";
    // Then all that matters is that the row is not older than the base.
    if ((verdict === "uncertain" || verdict === "late") && isSurelyNot() && !isLate(row, base.facts))
      verdict = "refused";
    return verdict !== "late";
  };
  const load = () => loadRow(host, sessionId, deadline);
  const look = async () => {
    const row = await load();
    return isBelieved(row) ? row : lookAgain(clock, load, isBelieved);
  };

  let isFirst = true;
  for (let isRepeated = false; ; ) {
    const answer = isFirst ? sent : host.rows.write(attempt, { isRepeated });
    isFirst = false;
    untold = false;
    let refusal: SessionError | undefined;
    try {
      const matched = await answer;
      if (matched) return { verdict: "applied" };
      untold = matched === undefined;
      isOvertaken ||= isByReading && !untold;
      isByReading ||= untold;
    } catch (error) {
      if (mayHaveEffect(error)) uncertain = true;
      else if (!isPassing(error) || clock.now() >= deadline) {
        refusal = storeError(error);
        // "Surely not written" is not said on the word of one look.
        if (uncertain || !isByReading) return failure(refusal);
        untold = true;
      } else {
        // A lock, for one: no reason to hold others up.
        isRepeated = error.mayBeOneEntry;
        await backoff.wait();
        continue;
      }
    }
    let row: SessionRow | undefined;
    try {
      row = await look();
    } catch (error) {
      return failure(toSessionError(error));
    }
    if (!row) return { verdict: "ended", reason: "destroyed" };
    if (row.data === null) return { verdict: "ended", reason: "expired" };
    if (verdict === "applied" || verdict === "refused") return { verdict, row };
    if (verdict === "late") host.lateReads.insisted(sessionId);
    if (verdict !== "not-yet") {
      const error = isSurelyNot()
        ? new SessionError("SESSION_STORE_UNAVAILABLE", "rows are read late", { sessionId })
        : doubt();
      return { verdict: "failed", error, uncertain: !isSurelyNot(), row };
    }
    // Answered and not applied: another row of its statement, or a lock on this one, and nothing is still on its way.
    const isLeftOut = untold;
    untold = false;
    if (refusal) return failure(refusal);
    if (clock.now() >= deadline)
      return failure(new SessionError("SESSION_STORE_UNAVAILABLE", undefined, { sessionId }));
    if (!isLeftOut || isRepeated) await backoff.wait();
    isRepeated = true;
  }
}
