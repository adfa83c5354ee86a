import type { UnixSeconds } from "../store.js";
import { isGrown } from "./revision.js";
import { entriesOf, entryOf, MAX_WRITERS, type WriterEntry } from "./writers.js";

/** What tells a row's age. */
export interface RowFacts {
  readonly revision: number;
  /** Absent where only the revision is known: an announced one. */
  readonly writers?: Uint8Array | undefined;
  readonly createdAt?: UnixSeconds | undefined;
}

/** Of a row that was read, beside one that is known. */
export type RowAge = "same" | "older" | "newer" | "unknown";

/**
 * Whether a row is older than one that is known: a database with more than one node may answer with what has
 * been overwritten. What one of the two says of the other's last write decides first; then the revisions,
 * where both grow; then what one of them cannot know.
 */
export function compareAge(row: RowFacts, known: RowFacts): RowAge {
  if (row.revision === known.revision) return "same";
  if (isAnother(row, known)) return "newer";
  const rowHistory = new History(row);
  const knownHistory = new History(known);
  const hasKnown = rowHistory.has(knownHistory.last);
  if (hasKnown === true) return "newer";
  const isKnown = knownHistory.has(rowHistory.last);
  if (isKnown === true) return "older";
  // On top of ours, 0.1 goes down again.
  if (isGrown(known.revision) && rowHistory.hasReached(known.revision)) return "newer";
  if (isGrown(row.revision) && isGrown(known.revision))
    return row.revision < known.revision ? "older" : "newer";
  if (hasKnown === false) return "older";
  return isKnown === false ? "newer" : "unknown";
}

/**
 * Whether the id was used again since: for another session, whose revisions begin anew. A new row's
 * `createdAt` may be a second off.
 */
export function isAnother({ createdAt }: RowFacts, known: RowFacts): boolean {
  return createdAt !== undefined && known.createdAt !== undefined && createdAt > known.createdAt + 1;
}

/**
 * Whether a row that was read is to be taken for an older one, as far as `known` tells; of two rows of 0.1
 * that cannot be told, it is not.
 */
export function isLate(row: RowFacts, known: RowFacts): boolean {
  const age = compareAge(row, known);
  return age === "older" || (age === "unknown" && !isGrown(row.revision) && isGrown(known.revision));
}

/** The writes that led to a row, as far as its `writers` tell. */
class History {
  readonly #entries: readonly WriterEntry[] | undefined;
  /**
   * The write that made the row what it is; absent where a hand has changed it since, or nobody has written
   * it.
   */
  readonly last: WriterEntry | undefined;

  constructor({ revision, writers }: RowFacts) {
    this.#entries = writers && entriesOf(writers);
    const newest = this.#entries?.[0];
    this.last = newest?.revision === revision ? newest : undefined;
  }

  /** Whether a write with this revision, which has grown, or a later one is part of it for certain. */
  hasReached(grown: number): boolean {
    return this.#entries?.some(({ revision }) => revision >= grown) ?? false;
  }

  /** Whether this write is part of it; `undefined` where that cannot be told. */
  has(write: WriterEntry | undefined): boolean | undefined {
    if (!write || !this.#entries) return undefined;
    const entry = entryOf(this.#entries, write.process);
    if (entry?.revision === write.revision) return true;
    if (entry)
      return isGrown(entry.revision) && isGrown(write.revision) ? entry.revision > write.revision : undefined;
    // Nothing was ever pushed out …
    if (this.#entries.length < MAX_WRITERS) return false;
    // … or something was left that would have been pushed out before it.
    const isLeftOlder = ({ revision }: WriterEntry) => isGrown(revision) && revision < write.revision;
    return isGrown(write.revision) && this.#entries.some(isLeftOlder) ? false : undefined;
  }
}
