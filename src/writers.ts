// The `writers` column: which process wrote a row, and with which revision, so that a process that did not hear the answer
// to its write can tell from the row whether that write was applied (docs/architecture.md).
import { randomBytes } from "node:crypto";
import type { SessionRow, WriteAttempt } from "./store.js";

const ID_BYTES = 8;
const ENTRY_BYTES = 16;
/** With 8 entries a write can be told apart until eight other processes have written after it. */
export const MAX_WRITERS = 8;

/** A process's name in `writers`: 8 random bytes, made anew at each start. */
export type ProcessId = Buffer;

export function newProcessId(): ProcessId {
  return randomBytes(ID_BYTES);
}

/** Random bytes fetched together: one call for each write would cost more than the rest of an attempt. */
const RANDOM_BYTES = 6 * 512;
let random = Buffer.alloc(0);
let at = 0;

/** Random 48-bit number: fits a JavaScript number exactly, and two equal ones among a row's writes are not to be expected. */
export function newRevision(): number {
  if (at === random.length) {
    random = randomBytes(RANDOM_BYTES);
    at = 0;
  }
  at += 6;
  return random.readUIntBE(at - 6, 6);
}

/** {@link withWriter} of a column that has only this process's entry, or none: the common case, which needs no look at the others. */
export function onlyWriter(writers: string, processId: ProcessId, revision: number): Buffer | undefined {
  const isOwn =
    writers.length === 0 ||
    (writers.length === ENTRY_BYTES && writers.startsWith(processId.toString("latin1")));
  return isOwn ? newEntry(processId, revision) : undefined;
}

/** The column with this process's write in front, its older entry removed, and no more than {@link MAX_WRITERS}. */
export function withWriter(writers: Uint8Array, processId: ProcessId, revision: number): Buffer {
  const others = entries(writers).filter((entry) => !processId.equals(entry.subarray(0, ID_BYTES)));
  return Buffer.concat([newEntry(processId, revision), ...others.slice(0, MAX_WRITERS - 1)]);
}

function newEntry(processId: ProcessId, revision: number): Buffer {
  // From Node's pool: zeroed memory of its own would cost more than all the rest.
  const entry = Buffer.allocUnsafe(ENTRY_BYTES);
  processId.copy(entry);
  entry.writeUInt16BE(0, ID_BYTES);
  entry.writeUIntBE(revision, ID_BYTES + 2, 6);
  return entry;
}

/** Whether the newest write of this process that the column knows of brought this revision. */
export function hasWritten(writers: Uint8Array, processId: ProcessId, revision: number): boolean {
  return entries(writers).some((entry) => entry.equals(newEntry(processId, revision)));
}

/** What became of an attempt whose answer is missing or was "no row matched". */
export type Verdict = "applied" | "not-yet" | "refused" | "uncertain";

/** Decides by the row alone, never by a guess. `base` is the row that the attempt was made from. */
export function judge(
  attempt: WriteAttempt,
  base: Pick<SessionRow, "writers">,
  row: Pick<SessionRow, "revision" | "writers">,
  processId: ProcessId,
): Verdict {
  const list = entries(row.writers);
  const own = list.find((entry) => processId.equals(entry.subarray(0, ID_BYTES)));
  if (own && revisionOf(own) === BigInt(attempt.revision)) return "applied";
  // An abandoned statement may still be running, so "not applied" is not yet certain: repeat the attempt verbatim.
  if (row.revision === attempt.baseRevision) return "not-yet";
  // Had ours been applied, it would have replaced this older entry of ours …
  if (own) return "refused";
  // … or stood before the base's own entry, which would have been pushed out only after it …
  const baseEntry = entries(base.writers)[0];
  if (baseEntry && list.some((entry) => baseEntry.equals(entry))) return "refused";
  // … or, in a list that nothing was ever pushed out of, still be there.
  return list.length < MAX_WRITERS ? "refused" : "uncertain";
}

function entries(writers: Uint8Array): Buffer[] {
  const bytes = Buffer.from(writers.buffer, writers.byteOffset, writers.byteLength);
  const list: Buffer[] = [];
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES)
    list.push(bytes.subarray(at, at + ENTRY_BYTES));
  return list;
}

function revisionOf(entry: Buffer): bigint {
  return entry.readBigUInt64BE(ID_BYTES);
}
