import type { EndReason } from "../wire.js";

/** Sessions told of in one message. */
const AT_ONCE = 1_000;
/**
 * Sessions remembered while messages cannot be sent, of either kind; others hear of the rest when they sweep.
 */
const MOST_WAITING = 10_000;

/**
 * What is told of a write: its revision and, where it ended a login, the rooms that the session's sockets may
 * stay in.
 */
export type WriteNotice = readonly [revision: number, keepRooms?: readonly string[]];

/**
 * What processes tell each other: public ids, revisions, reasons, and names of rooms that a logout keeps;
 * nothing else.
 */
export interface Announcement {
  readonly written: readonly (readonly [sessionId: string, ...written: WriteNotice])[];
  readonly ended: readonly (readonly [sessionId: string, reason: EndReason])[];
}

/** What is still to be told to other servers: the last of each session. */
export class PendingAnnouncements {
  readonly #writes = new Map<string, WriteNotice>();
  readonly #ends = new Map<string, EndReason>();

  get hasAny(): boolean {
    return this.#writes.size + this.#ends.size > 0;
  }

  addWrite(sessionId: string, ...[revision, keepRooms]: WriteNotice): void {
    // A later write says nothing of the login that an earlier one has ended.
    const keep = keepRooms ?? this.#writes.get(sessionId)?.[1];
    put(this.#writes, sessionId, keep ? [revision, keep] : [revision]);
  }

  addEnd(sessionId: string, reason: EndReason): void {
    put(this.#ends, sessionId, reason);
  }

  /** As much as fits into a message. */
  take(): Announcement {
    const written = takeFrom(this.#writes).map(([id, of]) => [id, ...of] as const);
    return { written, ended: takeFrom(this.#ends) };
  }

  /** What was not told after all, unless there is newer. */
  putBack({ written, ended }: Announcement): void {
    for (const [sessionId, ...of] of written) {
      const [revision, keepRooms] = this.#writes.get(sessionId) ?? of;
      const keep = keepRooms ?? of[1];
      put(this.#writes, sessionId, keep ? [revision, keep] : [revision]);
    }
    for (const [sessionId, reason] of ended) put(this.#ends, sessionId, reason);
  }
}

function put<Value>(waiting: Map<string, Value>, sessionId: string, value: Value): void {
  if (waiting.size < MOST_WAITING || waiting.has(sessionId)) waiting.set(sessionId, value);
}

function takeFrom<Value>(waiting: Map<string, Value>): [string, Value][] {
  const taken: [string, Value][] = [];
  for (const entry of waiting) {
    if (taken.length === AT_ONCE) break;
    taken.push(entry);
    waiting.delete(entry[0]);
  }
  return taken;
}
