import { isAtLeastBeside, isGrown } from "../row/revision.js";
import { compareAge, isAnother, type RowFacts } from "../row/row-age.js";
import { entriesOf, entryOf, MAX_WRITERS, type ProcessId } from "../row/writers.js";
import type { WriteAttempt } from "../store.js";

/**
 * What became of an attempt whose answer is missing or was "no row matched". `late`: the row was read late;
 * look again.
 */
export type Verdict = "applied" | "not-yet" | "refused" | "uncertain" | "late";

/** Decides by the row alone, never by a guess. `base` is the row that the attempt was made from. */
export function judge(
  attempt: Pick<WriteAttempt, "baseRevision" | "revision">,
  base: Omit<RowFacts, "revision"> & { readonly writers: Uint8Array },
  row: RowFacts & { readonly writers: Uint8Array },
  processId: ProcessId,
): Verdict {
  const list = entriesOf(row.writers);
  const own = entryOf(list, processId);
  if (own && own.revision === attempt.revision) return "applied";
  // An abandoned statement may still be running, so "not applied" is not yet certain: repeat the attempt
  // verbatim.
  if (row.revision === attempt.baseRevision) return "not-yet";
  const known = { ...base, revision: attempt.baseRevision };
  // Of a session that is over nothing is left to be changed twice.
  if (isAnother(row, known)) return "refused";
  const age = compareAge(row, known);
  // What an older row does not show may have happened since.
  if (age === "older" || age === "unknown") return "late";
  const baseList = entriesOf(base.writers);
  if (own) {
    // Had ours been applied, it would have replaced this older entry of ours, which the base had too.
    if (own.revision === entryOf(baseList, processId)?.revision) return "refused";
    // Another of ours, of before, that was given up and has come through on the same base since; otherwise it
    // is of before the base.
    const isSince =
      isGrown(own.revision) && isGrown(attempt.revision) && isAtLeastBeside(own.revision, attempt.revision);
    return isSince ? "refused" : "late";
  }
  // Had ours been applied, it would stand before the base's newest entry, which would have been pushed out
  // only after it …
  const newest = baseList[0];
  if (newest && entryOf(list, newest.process)?.revision === newest.revision) return "refused";
  // … or, in a list that nothing was ever pushed out of, still be there. One that lacks what the base had was
  // emptied by hand.
  const isWhole = list.length < MAX_WRITERS && baseList.every(({ process }) => entryOf(list, process));
  return isWhole ? "refused" : "uncertain";
}
