import { describe, expect, test } from "@jest/globals";
import { SessionError } from "../../../src/errors.js";
import {
  type Answer,
  type AttemptState,
  afterAnswer,
  afterReading,
  judgeRow,
  mustBeSure,
  newAttempt,
  type Reading,
  type Transition,
} from "../../../src/gateway/attempt-state.js";
import { newProcessId, newRevision, withWriter } from "../../../src/row/writers.js";
import { type SessionRow, StoreFault } from "../../../src/store.js";

// The tables of docs/architecture.md ("Writing"), row by row.

const sessionId = "0123456789abcdef0123456789abcdef";
const [ours, theirs] = [newProcessId(), newProcessId()];
const baseRevision = newRevision(0);
const baseWriters = withWriter(new Uint8Array(), theirs, baseRevision);
const revision = newRevision(baseRevision);
const attempt = {
  sessionId,
  baseRevision,
  revision,
  data: "{}",
  writers: withWriter(baseWriters, ours, revision),
};
const base = { expires: 2000, facts: { revision: baseRevision, writers: baseWriters, createdAt: 100 } };

const row = (facts: Partial<SessionRow> = {}) =>
  ({ ...base.facts, sessionId, data: "{}", expires: 2000, now: 1000, ...facts }) as SessionRow;

const matched: Answer = { kind: "matched" };
const unmatched: Answer = { kind: "unmatched" };
const untold: Answer = { kind: "untold" };
const failed = (kind: StoreFault["kind"], mayBeOneEntry = false): Answer => ({
  kind: "failed",
  error: new StoreFault(kind, "E", { mayBeOneEntry }),
});
const cut = failed("unknown");

const notYet: Reading = { finding: "not-yet", row: row() };

/** What is known once these answers have come, one after the other. */
function known(...answers: Answer[]): AttemptState {
  let state = newAttempt(attempt);
  for (const answer of answers) [state] = afterAnswer(state, answer, { isTimeUp: false });
  return state;
}

/** A step in a word or two. */
function told([, step]: Transition): string {
  if (step.next === "send") return step.afterPause ? "again" : "again at once";
  if (step.next === "read") return "read";
  const { outcome } = step;
  if (outcome.verdict === "ended") return outcome.reason;
  return outcome.verdict === "failed" ? outcome.error.code : outcome.verdict;
}

const UNCERTAIN = "SESSION_WRITE_UNCERTAIN";
const UNAVAILABLE = "SESSION_STORE_UNAVAILABLE";
const FAILED = "SESSION_STORE_FAILED";

describe("a statement has come to an end, or was given up", () => {
  test.each<[string, Answer[], Answer, string, string]>([
    ["a row matched", [], matched, "applied", "applied"],
    ["no row matched", [], unmatched, "read", "read"],
    ["the answer does not tell", [], untold, "read", "read"],
    ["it may still run", [], cut, "read", "read"],
    ["it surely had no effect", [], failed("not-applied"), "again", UNAVAILABLE],
    ["it is refused", [], failed("refused"), FAILED, FAILED],
    ["the same, and one was abandoned before", [cut], failed("refused"), UNCERTAIN, UNCERTAIN],
    ["no effect, and one was abandoned before", [cut], failed("not-applied"), "again", UNCERTAIN],
    ["the same, and an answer did not tell before", [untold], failed("refused"), "read", "read"],
    ["no effect, and an answer did not tell before", [untold], failed("not-applied"), "again", "read"],
  ])("%s", (_, before, answer, inTime, timeIsUp) => {
    expect(told(afterAnswer(known(...before), answer, { isTimeUp: false }))).toBe(inTime);
    expect(told(afterAnswer(known(...before), answer, { isTimeUp: true }))).toBe(timeIsUp);
  });

  test("the next one goes alone where one of several entries may be the reason", () => {
    expect(known(failed("not-applied", true)).isAlone).toBe(true);
    expect(known(failed("not-applied")).isAlone).toBe(false);
  });
});

describe("the row was read", () => {
  const late: Reading = { finding: "late", row: row() };
  const vague: Reading = { finding: "uncertain", row: row() };
  const unread: Reading = { finding: "unread", error: new SessionError(UNAVAILABLE) };
  test.each<[string, Answer[], Reading, string, string]>([
    ["our entry has this revision", [cut], { finding: "applied", row: row() }, "applied", "applied"],
    ["somebody else wrote", [cut], { finding: "refused", row: row() }, "refused", "refused"],
    ["there is none", [cut], { finding: "gone" }, "destroyed", "destroyed"],
    ["it has expired", [cut], { finding: "expired" }, "expired", "expired"],
    ["the base: no row matched", [unmatched], notYet, "again", UNAVAILABLE],
    ["the base: one was abandoned", [cut], notYet, "again", UNCERTAIN],
    ["the base: it was left out of its statement", [untold], notYet, "again at once", UNAVAILABLE],
    ["the base: it was refused since", [untold, failed("refused")], notYet, FAILED, FAILED],
    ["late to the end: no row matched", [unmatched], late, UNAVAILABLE, UNAVAILABLE],
    ["late to the end: one was abandoned", [cut], late, UNCERTAIN, UNCERTAIN],
    ["late to the end: an answer did not tell", [untold], late, UNCERTAIN, UNCERTAIN],
    ["it does not tell: one was abandoned", [cut], vague, UNCERTAIN, UNCERTAIN],
    ["it cannot be read: no row matched", [unmatched], unread, UNAVAILABLE, UNAVAILABLE],
    ["it cannot be read: one was abandoned", [cut, unmatched], unread, UNCERTAIN, UNCERTAIN],
    ["it cannot be read: the answer did not tell", [untold], unread, UNCERTAIN, UNCERTAIN],
  ])("%s", (_, before, reading, inTime, timeIsUp) => {
    expect(told(afterReading(known(...before), reading, { isTimeUp: false }))).toBe(inTime);
    expect(told(afterReading(known(...before), reading, { isTimeUp: true }))).toBe(timeIsUp);
  });

  test("what is sent again goes alone, and is waited for before it is sent once more", () => {
    const [state] = afterReading(known(untold), notYet, { isTimeUp: false });
    expect(state.isAlone).toBe(true);
    const [again] = afterAnswer(state, untold, { isTimeUp: false });
    expect(told(afterReading(again, notYet, { isTimeUp: false }))).toBe("again");
  });
});

describe("what a row says, with what is known of the statements", () => {
  const by = { attempt, base, processId: ours };
  const later = newRevision(revision);
  const written = (writers: Uint8Array, facts: Partial<SessionRow> = {}) =>
    row({ revision: later, writers: Buffer.from(withWriter(writers, theirs, later)), ...facts });
  const older = row({ revision: newRevision(0) - 2 ** 30, writers: Buffer.alloc(0) });
  /** Somebody has emptied the list by hand: it does not show what was applied. */
  const emptied = row({ revision: later, writers: Buffer.alloc(0) });

  test.each<[string, Answer[], SessionRow | undefined, string, boolean]>([
    ["our entry", [cut], written(attempt.writers), "applied", true],
    ["an entry of the base, and not ours", [cut], written(baseWriters), "refused", true],
    ["the base", [cut], row(), "not-yet", true],
    ["the base, after an answer that did not tell", [untold], row(), "not-yet", true],
    ["the base, though no row matched it since then", [untold, unmatched], row(), "late", false],
    ["an older row", [cut], older, "late", false],
    ["an older row, where no statement matched", [unmatched], older, "late", false],
    ["a row that does not tell", [cut], emptied, "uncertain", true],
    ["a row that does not tell, where no statement matched", [unmatched], emptied, "refused", true],
    ["none", [cut], undefined, "gone", false],
    ["a row that has expired", [cut], row({ data: null, expires: 900, now: 2500 }), "expired", true],
    ["one that has expired just now", [cut], row({ data: null, expires: 2500, now: 2501 }), "expired", false],
    ["one that should live longer", [cut], row({ data: null, expires: 900 }), "expired", false],
  ])("%s", (_, answers, found, finding, isBelieved) => {
    const judged = judgeRow(known(...answers), by, found);
    expect([judged.reading.finding, judged.isBelieved]).toEqual([finding, isBelieved]);
  });
});

describe("a row that does not show the attempt is looked at again where it has the last word", () => {
  test.each<[string, Answer[], boolean, boolean]>([
    ["an answer that does not tell, and time is up", [untold], true, true],
    ["the same, and it is sent again", [untold], false, false],
    ["the same, and what was sent again was refused", [untold, failed("refused")], false, true],
    ["no row matched", [unmatched], true, false],
  ])("%s", (_, answers, isTimeUp, expected) => {
    expect(mustBeSure(known(...answers), { isTimeUp })).toBe(expected);
  });
});
