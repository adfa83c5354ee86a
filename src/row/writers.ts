// The `writers` column: which process wrote a row, and with which revision, so that a process that did not
// hear the answer to its write can tell from the row whether that write was applied (docs/architecture.md).
import { randomBytes } from "node:crypto";
import { isGrown } from "./revision.js";

export { newRevision } from "./revision.js";

const ID_BYTES = 8;
const ENTRY_BYTES = 16;
/** With 8 entries a write can be told apart until eight other processes have written after it. */
export const MAX_WRITERS = 8;

/** A process's name in `writers`: 8 random bytes, made anew at each start. */
export type ProcessId = Buffer;

/** One process's last accepted write. */
export interface WriterEntry {
  readonly process: Buffer;
  readonly revision: number;
}

export function newProcessId(): ProcessId {
  return randomBytes(ID_BYTES);
}

/**
 * {@link withWriter} of a column that has only this process's entry, or none: the common case, which needs no
 * look at the others.
 */
export function onlyWriter(writers: string, processId: ProcessId, revision: number): Buffer | undefined {
  const isOwn =
    writers.length === 0 ||
    (writers.length === ENTRY_BYTES && writers.startsWith(processId.toString("latin1")));
  return isOwn ? newEntry(processId, revision) : undefined;
}

/**
 * The column with this process's write in front, its older entry removed, and no more than {@link
 * MAX_WRITERS}.
 */
export function withWriter(writers: Uint8Array, processId: ProcessId, revision: number): Buffer {
  const others = split(writers).filter((entry) => !processId.equals(entry.subarray(0, ID_BYTES)));
  return Buffer.concat([newEntry(processId, revision), ...others.slice(0, MAX_WRITERS - 1)]);
}

/** The entries, newest first. */
export function entriesOf(writers: Uint8Array): WriterEntry[] {
  return split(writers).map((entry) => ({
    process: entry.subarray(0, ID_BYTES),
    revision: revisionOf(entry),
  }));
}

export function entryOf(entries: readonly WriterEntry[], process: Buffer): WriterEntry | undefined {
  return entries.find((entry) => process.equals(entry.process));
}

/**
 * What a row's history is known to have reached: its own revision or, where that is one of 0.1 or of a hand,
 * the largest one in its `writers`. A write on it must be larger, for those who know what came before.
 */
export function latestRevision({ revision, writers }: { revision: number; writers: string }): number {
  if (isGrown(revision) || writers.length === 0) return revision;
  let most = revision;
  for (const entry of entriesOf(Buffer.from(writers, "latin1"))) most = Math.max(most, entry.revision);
  return most;
}

function newEntry(processId: ProcessId, revision: number): Buffer {
  // From Node's pool: zeroed memory of its own would cost more than all the rest.
  const entry = Buffer.allocUnsafe(ENTRY_BYTES);
  processId.copy(entry);
  entry.writeUInt32BE(Math.floor(revision / 2 ** 32), ID_BYTES);
  entry.writeUInt32BE(revision >>> 0, ID_BYTES + 4);
  return entry;
}

/** Whether the newest write of this process that the column knows of brought this revision. */
export function hasWritten(writers: Uint8Array, processId: ProcessId, revision: number): boolean {
  return entryOf(entriesOf(writers), processId)?.revision === revision;
}

function split(writers: Uint8Array): Buffer[] {
  const bytes = Buffer.from(writers.buffer, writers.byteOffset, writers.byteLength);
  const list: Buffer[] = [];
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES)
    list.push(bytes.subarray(at, at + ENTRY_BYTES));
  return list;
}

/** Beyond 2^53, where only a hand can have put it, not exact: nobody's write has such a revision. */
function revisionOf(entry: Buffer): number {
  return entry.readUInt32BE(ID_BYTES) * 2 ** 32 + entry.readUInt32BE(ID_BYTES + 4);
}
