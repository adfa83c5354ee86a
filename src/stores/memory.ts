import { type Clock, systemClock } from "../base/clock.js";
import type {
  ListOptions,
  NewSession,
  PruneStep,
  Seconds,
  SessionRevision,
  SessionRow,
  SessionStore,
  StoreFactory,
  StoreSettings,
  StoreStats,
  UserPage,
  UserSession,
  WriteAttempt,
} from "../store.js";
import { factsOf, newestFirst } from "./row-facts.js";
import { insertedRow, type KeptRow, loadedRow, revisionOf, touchedRow, writtenRow } from "./row-rules.js";

/**
 * A store that keeps sessions in this process: for development and tests. They are gone when the process
 * ends, and other processes do not see them.
 *
 * @example
 * const sessions = tokenSession({ store: memoryStore() });
 */
export function memoryStore(): StoreFactory;
/** For tests: time itself. @internal */
export function memoryStore(options: { clock?: Clock }): StoreFactory;
export function memoryStore({ clock = systemClock }: { clock?: Clock } = {}): StoreFactory {
  return (settings) => new MemoryStore(settings, clock);
}

/** @internal */
export class MemoryStore implements SessionStore {
  readonly #rows = new Map<string, KeptRow>();
  readonly #settings: StoreSettings;
  readonly #clock: Clock;
  readonly #startedAt: number;

  constructor(settings: StoreSettings, clock: Clock = systemClock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#startedAt = Date.now() - clock.now();
  }

  async load(sessionIds: readonly string[]): Promise<SessionRow[]> {
    const now = this.#now;
    return sessionIds.flatMap((id) => {
      const row = this.#rows.get(id);
      return row ? [loadedRow(copyOf(row), now)] : [];
    });
  }

  async insert(sessions: readonly NewSession[]): Promise<(SessionRow | null)[]> {
    const now = this.#now;
    return sessions.map((session) => {
      if (this.#rows.has(session.sessionId)) return null;
      const row = insertedRow(copyOf(session), now, this.#settings);
      this.#rows.set(session.sessionId, row);
      return loadedRow(copyOf(row), now);
    });
  }

  async write(attempts: readonly WriteAttempt[]): Promise<boolean[]> {
    const now = this.#now;
    return attempts.map((attempt) => {
      const written = writtenRow(this.#rows.get(attempt.sessionId), attempt, now, this.#settings);
      if (written) this.#rows.set(written.sessionId, copyOf(written));
      return written !== undefined;
    });
  }

  async touch(sessionIds: readonly string[], { beginVisit }: { beginVisit: boolean }): Promise<string[]> {
    const now = this.#now;
    for (const id of sessionIds) {
      const touched = touchedRow(this.#rows.get(id), now, { ...this.#settings, beginVisit });
      if (touched) this.#rows.set(id, touched);
    }
    return [];
  }

  async delete(sessionIds: readonly string[], { onlyExpired = false } = {}): Promise<void> {
    const now = this.#now;
    for (const id of sessionIds) {
      const row = this.#rows.get(id);
      if (!(onlyExpired && row && row.expires > now)) this.#rows.delete(id);
    }
  }

  async loadRevisions(sessionIds: readonly string[]): Promise<SessionRevision[]> {
    const now = this.#now;
    return sessionIds.flatMap((id) => {
      const row = this.#rows.get(id);
      return row ? [revisionOf(row, now)] : [];
    });
  }

  async forUser(userId: string, page?: UserPage): Promise<UserSession[]> {
    const own = this.#living().filter((row) => row.userId === userId);
    return (page ? pageOf(own, page) : own.sort(newestFirst)).map(
      ({ sessionId, client, createdAt, visitedAt, previousVisitAt, expires }) => ({
        sessionId,
        client: client && { ...client },
        createdAt,
        visitedAt,
        previousVisitAt,
        expires,
      }),
    );
  }

  async prune({ expiredFor, limit }: { expiredFor: Seconds; limit: number }): Promise<PruneStep> {
    const before = this.#now - expiredFor;
    let deleted = 0;
    for (const [id, { expires }] of this.#rows) {
      if (expires >= before) continue;
      if (deleted === limit) return { deleted, more: true };
      this.#rows.delete(id);
      deleted++;
    }
    return { deleted, more: false };
  }

  async list({ after = "", limit }: ListOptions): Promise<SessionRow[]> {
    const now = this.#now;
    return pageOf(this.#living(), { after, limit }).map((row) => loadedRow(copyOf(row), now));
  }

  async count(): Promise<number> {
    return this.#living().length;
  }

  async stats(): Promise<StoreStats> {
    const living = this.#living();
    return {
      alive: living.length,
      expired: this.#rows.size - living.length,
      ...factsOf(living.map((row) => ({ ...row, bytes: Buffer.byteLength(row.data) }))),
      sampled: false,
      rows: living.length,
    };
  }

  #living(): KeptRow[] {
    const now = this.#now;
    return [...this.#rows.values()].filter(({ expires }) => expires > now);
  }

  now(): number {
    return (this.#startedAt + this.#clock.now()) / 1000;
  }

  /** For tests: ages a row without waiting. */
  setTimes(sessionId: string, times: Partial<Pick<KeptRow, "expires" | "createdAt" | "visitedAt">>): void {
    const row = this.#rows.get(sessionId);
    if (row) this.#rows.set(sessionId, { ...row, ...times });
  }

  get #now(): number {
    return Math.floor(this.now());
  }
}

function pageOf(rows: readonly KeptRow[], { after = "", limit }: UserPage): KeptRow[] {
  const behind = rows.filter(({ sessionId }) => sessionId > after);
  return behind.sort((one, other) => (one.sessionId < other.sessionId ? -1 : 1)).slice(0, limit);
}

/** Whoever handed bytes in, or got them, may change them: the store keeps its own. */
function copyOf<T extends Pick<KeptRow, "secretHash" | "writers" | "client"> & Partial<KeptRow>>(row: T): T {
  return {
    ...row,
    ...(row.nextHash && { nextHash: new Uint8Array(row.nextHash) }),
    ...(row.previousHash && { previousHash: new Uint8Array(row.previousHash) }),
    secretHash: row.secretHash && new Uint8Array(row.secretHash),
    writers: new Uint8Array(row.writers),
    client: row.client && { ...row.client },
  };
}
