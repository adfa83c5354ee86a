import type { ProcessId } from "../row/writers.js";
import type { SessionRow, WriteAttempt } from "../store.js";
import {
  type Answer,
  type AttemptBase,
  type AttemptState,
  afterAnswer,
  afterReading,
  judgeRow,
  mustBeSure,
  newAttempt,
  type Outcome,
  type Reading,
} from "./attempt-state.js";
import type { BatchedStore } from "./batched-store.js";
import { type LateReads, reread } from "./late-reads.js";
import { Backoff, type RetryHost, retry, retryWrite } from "./retry.js";

/** What carrying an attempt out needs. */
export interface AttemptHost extends RetryHost {
  readonly processId: ProcessId;
  readonly lateReads: LateReads;
  /** The way to the store. */
  readonly store: BatchedStore;
}

/** Reads a row, again and again until the store answers or `deadline` has passed. */
export function loadRow(
  host: RetryHost & Pick<AttemptHost, "store">,
  sessionId: string,
  deadline: number,
): Promise<SessionRow | undefined> {
  return retry(host, deadline, () => host.store.load(sessionId));
}

/**
 * Deletes a row, with `onlyExpired` only where it has expired, again and again until the store answers or
 * `deadline` has passed. Errors: `SESSION_WRITE_UNCERTAIN` where an abandoned statement may still run, else
 * those of the store.
 */
export function settleDelete(
  host: RetryHost & Pick<AttemptHost, "store">,
  sessionId: string,
  deadline: number,
  options: { onlyExpired: boolean },
): Promise<void> {
  return retryWrite(host, deadline, sessionId, () => host.store.delete(sessionId, options));
}

/**
 * Finds out what became of an attempt that was sent, of which `answer` came, and sends it again, verbatim
 * each time, until its outcome is known or `deadline` has passed. Never rejects.
 */
export async function settleAttempt(
  host: AttemptHost,
  attempt: WriteAttempt,
  base: AttemptBase,
  deadline: number,
  answer: Answer,
): Promise<Outcome> {
  const { clock, store } = host;
  const backoff = new Backoff(clock);
  const time = () => ({ isTimeUp: clock.now() >= deadline });
  let [state, step] = afterAnswer(newAttempt(attempt), answer, time());
  while (step.next !== "end") {
    if (step.next === "read") {
      const { reading, isTimeUp } = await readAfter(state, host, attempt, base, deadline);
      [state, step] = afterReading(state, reading, { isTimeUp });
    } else {
      host.facts.retry.tell({ kind: "write" });
      if (step.afterPause) await backoff.wait();
      const { isAlone: isRepeated } = state;
      const next = await store.write(attempt, { isRepeated }).then(toAnswer, toFailure);
      [state, step] = afterAnswer(state, next, time());
    }
  }
  return step.outcome;
}

/** What the store says of one attempt: whether a row matched, `undefined` where that cannot be told. */
export function toAnswer(matched: boolean | undefined): Answer {
  return { kind: matched === undefined ? "untold" : matched ? "matched" : "unmatched" };
}

export function toFailure(error: unknown): Answer {
  return { kind: "failed", error };
}

/**
 * Reads the row of an attempt, again where it may have been read late: also one that does not show the
 * attempt, where nothing follows any more and no statement has told that it had no effect.
 */
async function readAfter(
  state: AttemptState,
  host: AttemptHost,
  attempt: WriteAttempt,
  base: AttemptBase,
  deadline: number,
): Promise<{ reading: Reading; isTimeUp: boolean }> {
  const { clock, lateReads, processId } = host;
  const { sessionId } = attempt;
  const load = () => loadRow(host, sessionId, deadline);
  const judged = (row: SessionRow | undefined) => judgeRow(state, { attempt, base, processId }, row);
  let isTimeUp = false;
  const isBelieved = (row: SessionRow | undefined) => {
    isTimeUp = clock.now() >= deadline;
    const { isBelieved, reading } = judged(row);
    return isBelieved && !(reading.finding === "not-yet" && mustBeSure(state, { isTimeUp }));
  };
  try {
    const first = await load();
    const row = isBelieved(first) ? first : await reread(clock, load, isBelieved);
    const { reading } = judged(row);
    if (reading.finding === "late") lateReads.logLateRow(sessionId);
    return { reading, isTimeUp };
  } catch (error) {
    return { reading: { finding: "unread", error }, isTimeUp: true };
  }
}
