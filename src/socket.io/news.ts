import type { EndReason } from "../wire.js";

/** Sessions told of in one message. */
const AT_ONCE = 1_000;
/** Sessions remembered while messages cannot be sent, of either kind; others hear of the rest when they sweep. */
const MOST_WAITING = 10_000;

/** What processes tell each other: public ids, revisions and reasons, nothing else. */
export interface Announcement {
  readonly written: readonly (readonly [sessionId: string, revision: number])[];
  readonly ended: readonly (readonly [sessionId: string, reason: EndReason])[];
}

/** What is still to be told to other servers: the last of each session. */
export class News {
  readonly #written = new Map<string, number>();
  readonly #ended = new Map<string, EndReason>();

  get isThere(): boolean {
    return this.#written.size + this.#ended.size > 0;
  }

  written(sessionId: string, revision: number): void {
    put(this.#written, sessionId, revision);
  }

  ended(sessionId: string, reason: EndReason): void {
    put(this.#ended, sessionId, reason);
  }

  /** As much as fits into a message. */
  take(): Announcement {
    return { written: takeFrom(this.#written), ended: takeFrom(this.#ended) };
  }

  /** What was not told after all, unless there is newer. */
  putBack({ written, ended }: Announcement): void {
    for (const [sessionId, revision] of written)
      if (!this.#written.has(sessionId)) put(this.#written, sessionId, revision);
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
