import type { EndReason } from "../wire.js";

/** Sessions told of in one message. */
const AT_ONCE = 1_000;
/** Sessions remembered while messages cannot be sent, of either kind; others hear of the rest when they sweep. */
const MOST_WAITING = 10_000;

/** What is told of a write: its revision and, where it ended a login, the rooms that the session's sockets may stay in. */
export type Written = readonly [revision: number, keepRooms?: readonly string[]];

/** What processes tell each other: public ids, revisions, reasons, and names of rooms that a logout keeps; nothing else. */
export interface Announcement {
  readonly written: readonly (readonly [sessionId: string, ...written: Written])[];
  readonly ended: readonly (readonly [sessionId: string, reason: EndReason])[];
}

/** What is still to be told to other servers: the last of each session. */
export class News {
  readonly #written = new Map<string, Written>();
  readonly #ended = new Map<string, EndReason>();

  get isThere(): boolean {
    return this.#written.size + this.#ended.size > 0;
  }

  written(sessionId: string, ...[revision, keepRooms]: Written): void {
    // A later write says nothing of the login that an earlier one has ended.
    const keep = keepRooms ?? this.#written.get(sessionId)?.[1];
    put(this.#written, sessionId, keep ? [revision, keep] : [revision]);
  }

  ended(sessionId: string, reason: EndReason): void {
    put(this.#ended, sessionId, reason);
  }

  /** As much as fits into a message. */
  take(): Announcement {
    const written = takeFrom(this.#written).map(([id, of]) => [id, ...of] as const);
    return { written, ended: takeFrom(this.#ended) };
  }

  /** What was not told after all, unless there is newer. */
  putBack({ written, ended }: Announcement): void {
    for (const [sessionId, ...of] of written) {
      const [revision, keepRooms] = this.#written.get(sessionId) ?? of;
      const keep = keepRooms ?? of[1];
      put(this.#written, sessionId, keep ? [revision, keep] : [revision]);
    }
    for (const [sessionId, reason] of ended) put(this.#ended, sessionId, reason);
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
