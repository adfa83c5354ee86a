import { type Clock, systemClock } from "../clock.js";
import {
  type NewSession,
  type PruneStep,
  type Seconds,
  type SessionRevision,
  type SessionRow,
  type SessionStore,
  type StoreFactory,
  type StoreSettings,
  type UserSession,
  VISIT_GAP,
  type WriteAttempt,
} from "../store.js";

type Row = Omit<SessionRow, "now" | "data"> & { data: string };

/**
 * A store that keeps sessions in this process: for development and tests. They are gone when the process ends, and other
 * processes do not see them.
 *
 * @example
 * const sessions = tokenSession({ store: memoryStore() });
 */
export function memoryStore({ clock = systemClock }: { clock?: Clock } = {}): StoreFactory {
  return (settings) => new MemoryStore(settings, clock);
}

/** @internal */
export class MemoryStore implements SessionStore {
  readonly #rows = new Map<string, Row>();
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
      return row ? [{ ...copyOf(row), now, data: row.expires > now ? row.data : null }] : [];
    });
  }

  async insert(sessions: readonly NewSession[]): Promise<(SessionRow | null)[]> {
    const now = this.#now;
    const { expiration, absoluteExpiration } = this.#settings;
    return sessions.map((session) => {
      if (this.#rows.has(session.sessionId)) return null;
      const row: Row = {
        ...copyOf(session),
        idleSeconds: null,
        userId: null,
        nextHash: null,
        previousHash: null,
        expires: now + Math.min(expiration, absoluteExpiration),
        createdAt: now,
        visitedAt: now,
        previousVisitAt: 0,
      };
      this.#rows.set(session.sessionId, row);
      return { ...copyOf(row), now };
    });
  }

  async write(attempts: readonly WriteAttempt[]): Promise<boolean[]> {
    const now = this.#now;
    return attempts.map(({ baseRevision, identity, ...written }) => {
      const { sessionId } = written;
      const row = this.#rows.get(sessionId);
      if (!row || row.revision !== baseRevision || row.expires <= now) return false;
      this.#rows.set(sessionId, copyOf({ ...row, ...written, ...identity }));
      return true;
    });
  }

  async touch(sessionIds: readonly string[], { beginVisit }: { beginVisit: boolean }): Promise<string[]> {
    const now = this.#now;
    const { expiration, absoluteExpiration } = this.#settings;
    for (const id of sessionIds) {
      const row = this.#rows.get(id);
      if (!row || row.expires <= now) continue;
      this.#rows.set(id, {
        ...row,
        expires: Math.max(row.expires, Math.min(now + expiration, row.createdAt + absoluteExpiration)),
        previousVisitAt: beginVisit && row.visitedAt < now - VISIT_GAP ? row.visitedAt : row.previousVisitAt,
        visitedAt: now,
      });
    }
    return [];
  }

  async delete(sessionIds: readonly string[]): Promise<void> {
    for (const id of sessionIds) this.#rows.delete(id);
  }

  async loadRevisions(sessionIds: readonly string[]): Promise<SessionRevision[]> {
    const now = this.#now;
    return sessionIds.flatMap((id) => {
      const row = this.#rows.get(id);
      if (!row) return [];
      const { sessionId, revision, expires, visitedAt, previousVisitAt } = row;
      return [{ sessionId, revision, expires, visitedAt, previousVisitAt, now }];
    });
  }

  async forUser(userId: string): Promise<UserSession[]> {
    const now = this.#now;
    const own = [...this.#rows.values()].filter((row) => row.userId === userId && row.expires > now);
    return own
      .sort((one, other) => other.createdAt - one.createdAt || (one.sessionId < other.sessionId ? 1 : -1))
      .map(({ sessionId, client, createdAt, visitedAt, previousVisitAt, expires }) => ({
        sessionId,
        client: client && { ...client },
        createdAt,
        visitedAt,
        previousVisitAt,
        expires,
      }));
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

  now(): number {
    return (this.#startedAt + this.#clock.now()) / 1000;
  }

  /** For tests: ages a row without waiting. */
  setTimes(sessionId: string, times: Partial<Pick<Row, "expires" | "createdAt" | "visitedAt">>): void {
    const row = this.#rows.get(sessionId);
    if (row) this.#rows.set(sessionId, { ...row, ...times });
  }

  get #now(): number {
    return Math.floor(this.now());
  }
}

/** Whoever handed bytes in, or got them, may change them: the store keeps its own. */
function copyOf<T extends Pick<Row, "secretHash" | "writers" | "client"> & Partial<Row>>(row: T): T {
  return {
    ...row,
    ...(row.nextHash && { nextHash: new Uint8Array(row.nextHash) }),
    ...(row.previousHash && { previousHash: new Uint8Array(row.previousHash) }),
    secretHash: row.secretHash && new Uint8Array(row.secretHash),
    writers: new Uint8Array(row.writers),
    client: row.client && { ...row.client },
  };
}
