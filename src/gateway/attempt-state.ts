import { SessionError, toSessionError } from "../errors.js";
import { isLate, type RowFacts } from "../row/row-age.js";
import type { ProcessId } from "../row/writers.js";
import type { SessionRow, UnixSeconds, WriteAttempt } from "../store.js";
import type { EndReason } from "../wire.js";
import { isExpiryInDoubt } from "./late-reads.js";
import { isPassing, mayHaveEffect, storeError } from "./retry.js";
import { judge, type Verdict } from "./verdict.js";

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
  | { verdict: "failed"; error: SessionError; isUncertain: boolean; row?: SessionRow };

/**
 * What came of one statement. `untold`: it was answered, and the answer does not say whether this row
 * matched.
 */
export type Answer =
  | { readonly kind: "matched" | "unmatched" | "untold" }
  | { readonly kind: "failed"; readonly error: unknown };

/** What came of reading the row: once it is believed, or the database has insisted. */
export type Reading =
  | { readonly finding: "gone" | "expired" }
  | { readonly finding: Verdict; readonly row: SessionRow }
  | { readonly finding: "unread"; readonly error: unknown };

/** What is known of the statements of one attempt. */
export interface AttemptState {
  readonly sessionId: string;
  /** What came of the last one. `abandoned`: it may run later, or has. `refused`: with the reason. */
  readonly last: "unmatched" | "untold" | "abandoned" | SessionError;
  /** Some may have been applied, or may yet be, without our having heard. */
  readonly isAbandoned: boolean;
  /**
   * Whether answers tell that none was applied. `row`: one did not tell, so only the row does. `overtaken`:
   * since then one was answered that no row matched, so the row is not the base any more.
   */
  readonly told: "answers" | "row" | "overtaken";
  /** The next one goes alone, and waits for whoever has the row locked. */
  readonly isAlone: boolean;
}

/** What is to be done next. */
export type Step =
  | { readonly next: "read" }
  | { readonly next: "send"; readonly afterPause: boolean }
  | { readonly next: "end"; readonly outcome: Outcome };

export type Transition = readonly [AttemptState, Step];

/** Before anything is known. */
export function newAttempt({ sessionId }: Pick<WriteAttempt, "sessionId">): AttemptState {
  return { sessionId, last: "unmatched", isAbandoned: false, told: "answers", isAlone: false };
}

/** The first table of docs/architecture.md ("Writing"): a statement has come to an end, or was given up. */
export function afterAnswer(
  state: AttemptState,
  answer: Answer,
  { isTimeUp }: { isTimeUp: boolean },
): Transition {
  switch (answer.kind) {
    case "matched":
      return [state, end({ verdict: "applied" })];
    case "unmatched":
      return [
        { ...state, last: "unmatched", told: state.told === "answers" ? "answers" : "overtaken" },
        READ,
      ];
    case "untold":
      return [{ ...state, last: "untold", told: state.told === "answers" ? "row" : state.told }, READ];
    case "failed":
      return afterFault(state, answer.error, isTimeUp);
  }
}

function afterFault(state: AttemptState, error: unknown, isTimeUp: boolean): Transition {
  if (mayHaveEffect(error)) return [{ ...state, last: "abandoned", isAbandoned: true }, READ];
  // A lock, for one: no reason to hold others up.
  if (isPassing(error) && !isTimeUp)
    return [{ ...state, isAlone: error.mayBeOneEntry }, send({ afterPause: true })];
  const refusal = storeError(error);
  if (state.isAbandoned) return [state, end(uncertain(state, refusal))];
  if (state.told === "answers") return [state, end(surelyNot(refusal))];
  // "Surely not written" is not said on the word of one look.
  return [{ ...state, last: refusal }, READ];
}

/** The second table: the row was read. */
export function afterReading(
  state: AttemptState,
  reading: Reading,
  { isTimeUp }: { isTimeUp: boolean },
): Transition {
  switch (reading.finding) {
    case "applied":
    case "refused":
      return [state, end({ verdict: reading.finding, row: reading.row })];
    case "not-yet":
      return afterNotYet(state, isTimeUp);
    case "late":
    case "uncertain": {
      const failed = isSurelyNot(state)
        ? surelyNot(unavailable(state, "rows are read late"))
        : uncertain(state);
      return [state, end({ ...failed, row: reading.row })];
    }
    case "gone":
      return [state, end({ verdict: "ended", reason: "destroyed" })];
    case "expired":
      return [state, end({ verdict: "ended", reason: "expired" })];
    case "unread":
      return [state, end(afterNoReading(state, toSessionError(reading.error)))];
  }
}

/** The row is the base still: what was not abandoned is over, and has not been applied. */
function afterNotYet(state: AttemptState, isTimeUp: boolean): Transition {
  if (state.last instanceof SessionError) return [state, end(surelyNot(state.last))];
  if (isTimeUp) {
    const error = unavailable(state);
    return [state, end(state.isAbandoned ? uncertain(state, error) : surelyNot(error))];
  }
  // Left out of a statement of several, because of another row or a lock on this one: nothing is on its way,
  // so there is no need to wait.
  const isLeftOut = state.last === "untold" && !state.isAlone;
  return [{ ...state, isAlone: true }, send({ afterPause: !isLeftOut })];
}

function afterNoReading(state: AttemptState, error: SessionError): Outcome {
  const isTold = state.last === "unmatched" && !state.isAbandoned;
  return isTold ? surelyNot(error) : uncertain(state, error);
}

/**
 * What a row says of an attempt, with what is known of its statements; `isBelieved`: it need not be looked at
 * again, as it cannot have been read late.
 */
export function judgeRow(
  state: AttemptState,
  { attempt, base, processId }: { attempt: WriteAttempt; base: AttemptBase; processId: ProcessId },
  row: SessionRow | undefined,
): { reading: Reading; isBelieved: boolean } {
  if (!row) return { reading: { finding: "gone" }, isBelieved: false };
  if (row.data === null)
    return { reading: { finding: "expired" }, isBelieved: !isExpiryInDoubt(row, base.expires) };
  let finding = judge(attempt, base.facts, row, processId);
  if (finding === "not-yet" && state.told === "overtaken") finding = "late";
  // Where none was applied for certain, all that matters is that the row is not older than the base.
  if ((finding === "uncertain" || finding === "late") && isSurelyNot(state) && !isLate(row, base.facts))
    finding = "refused";
  return { reading: { finding, row }, isBelieved: finding !== "late" };
}

/**
 * Whether a row that does not show the attempt would be the last word on it, and the only one: a statement
 * has ended without telling, and the row may have been read before its effect.
 */
export function mustBeSure({ last, told }: AttemptState, { isTimeUp }: { isTimeUp: boolean }): boolean {
  return told === "row" && (isTimeUp || last instanceof SessionError);
}

/** Each statement was answered, with the word that no row matched. */
function isSurelyNot({ isAbandoned, told }: AttemptState): boolean {
  return !isAbandoned && told === "answers";
}

const READ: Step = { next: "read" };

function send({ afterPause }: { afterPause: boolean }): Step {
  return { next: "send", afterPause };
}

function end(outcome: Outcome): Step {
  return { next: "end", outcome };
}

function surelyNot(error: SessionError): Outcome & { verdict: "failed" } {
  return { verdict: "failed", error, isUncertain: false };
}

function uncertain({ sessionId }: AttemptState, cause?: SessionError): Outcome & { verdict: "failed" } {
  const error = new SessionError("SESSION_WRITE_UNCERTAIN", cause?.code, {
    ...(cause && { cause }),
    sessionId,
  });
  return { verdict: "failed", error, isUncertain: true };
}

function unavailable({ sessionId }: AttemptState, detail?: string): SessionError {
  return new SessionError("SESSION_STORE_UNAVAILABLE", detail, { sessionId });
}
