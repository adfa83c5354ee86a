import type { Clock } from "../base/clock.js";
import { isGrown } from "../row/revision.js";
import type { RowFacts } from "../row/row-age.js";
import type { UnixSeconds } from "../store.js";
import { textToBytes } from "../token/hash.js";
import type { KnownRow } from "./known-row.js";

/** Each is remembered for this long, and at most twice as long. */
const REMEMBERED_FOR_MS = 10_000;
/** … unless so many come that there is no room: then for less. */
const MOST_REMEMBERED = 50_000;

/**
 * What is kept of a row; `writers` each byte a Latin-1 character, absent where only an announcement is known.
 */
interface Recent {
  readonly revision: number;
  readonly writers: string | undefined;
  readonly createdAt: UnixSeconds | undefined;
}

/** Of a session that is over: by then, by the database's clock. */
interface Ended {
  readonly endedAt: UnixSeconds;
}

/**
 * What this process has known a moment ago of rows that it does not keep: of sessions that it has let go, of
 * those that are over, and of writes that other processes have told of. A request that is served right after
 * another one of its session must not take an older row for the newest, and a logout is not undone by a node
 * that has not heard of it.
 */
export class RecentRows {
  readonly #clock: Clock;
  #young = new Map<string, Recent | Ended>();
  #old = new Map<string, Recent | Ended>();
  #youngSinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#youngSinceMs = clock.now();
  }

  /** A session is let go, whose row is this one. */
  remember(sessionId: string, { revision, writers, createdAt }: KnownRow): void {
    if (this.isBehind(sessionId, revision)) return;
    this.#keep(sessionId, { revision, writers, createdAt });
  }

  /** Another process has told of a write. */
  rememberAnnounced(sessionId: string, revision: number): void {
    const known = this.#recent(sessionId);
    // Told late, or of another session that has begun under the same id: that shows by itself.
    if (this.hasEnded(sessionId)) return;
    // One of 0.1 says nothing that could be compared.
    if (!isGrown(revision) || (known && revision <= known.revision)) return;
    this.#keep(sessionId, { revision, writers: undefined, createdAt: undefined });
  }

  /** Whether a later revision than this one was known a moment ago. */
  isBehind(sessionId: string, revision: number): boolean {
    const known = this.#recent(sessionId)?.revision ?? 0;
    return isGrown(revision) && known > revision;
  }

  /**
   * The session's row is gone: that there is none is as it should be, and one that was created before
   * `endedAt` is read late.
   */
  rememberEnd(sessionId: string, endedAt: UnixSeconds): void {
    this.#keep(sessionId, { endedAt });
  }

  /** Whether a moment ago the session was over; with `createdAt`, that of a row, whether it was this one. */
  hasEnded(sessionId: string, createdAt = Number.NEGATIVE_INFINITY): boolean {
    const known = this.#find(sessionId);
    return known !== undefined && "endedAt" in known && createdAt <= known.endedAt;
  }

  /** Nothing that was known is to be compared with: the database insists, or the id is used again. */
  forget(sessionId: string): void {
    this.#young.delete(sessionId);
    this.#old.delete(sessionId);
  }

  /** What was known of this row a moment ago. */
  get(sessionId: string): RowFacts | undefined {
    const recent = this.#recent(sessionId);
    if (!recent) return undefined;
    const { revision, writers, createdAt } = recent;
    return { revision, writers: writers === undefined ? undefined : textToBytes(writers), createdAt };
  }

  #recent(sessionId: string): Recent | undefined {
    const known = this.#find(sessionId);
    return known && "revision" in known ? known : undefined;
  }

  #find(sessionId: string): Recent | Ended | undefined {
    this.age();
    return this.#young.get(sessionId) ?? this.#old.get(sessionId);
  }

  #keep(sessionId: string, recent: Recent | Ended): void {
    this.age();
    this.#young.set(sessionId, recent);
  }

  /**
   * Two generations in place of a moment for each entry: the old one goes as a whole. Called by the sweep
   * too, as an idle process asks nothing.
   */
  age(): void {
    const ageMs = this.#clock.now() - this.#youngSinceMs;
    if (ageMs < REMEMBERED_FOR_MS && this.#young.size < MOST_REMEMBERED / 2) return;
    this.#old = ageMs < 2 * REMEMBERED_FOR_MS ? this.#young : new Map();
    this.#young = new Map();
    this.#youngSinceMs += ageMs;
  }
}
