import { expiresAfterTouch, type Lives } from "../row/expiration.js";
import {
  type NewSession,
  type SessionRevision,
  type SessionRow,
  type UnixSeconds,
  VISIT_GAP,
  type WriteAttempt,
} from "../store.js";

// What insert, write and touch make of a row, for stores that keep rows as objects and decide here rather
// than in a database.

/** A row as such a store keeps it. Replaced, never altered. */
export type KeptRow = Omit<SessionRow, "now" | "data"> & { readonly data: string };

export function insertedRow(session: NewSession, now: UnixSeconds, lives: Lives): KeptRow {
  const { idleSeconds = null } = session;
  return {
    ...session,
    idleSeconds,
    userId: null,
    nextHash: null,
    previousHash: null,
    expires: expiresAfterTouch({ idleSeconds, createdAt: now }, now, lives),
    createdAt: now,
    visitedAt: now,
    previousVisitAt: 0,
  };
}

/** The row after this attempt; `undefined` where it has no effect. */
export function writtenRow(
  row: KeptRow | undefined,
  { baseRevision, identity, ...written }: WriteAttempt,
  now: UnixSeconds,
  lives: Lives,
): KeptRow | undefined {
  if (!row || row.revision !== baseRevision || row.expires <= now) return undefined;
  const { idleSeconds = row.idleSeconds } = written;
  const expires =
    written.idleSeconds === undefined ? row.expires : expiresAfterTouch({ ...row, idleSeconds }, now, lives);
  return { ...row, ...written, ...identity, idleSeconds, expires };
}

/** The row after a touch; `undefined` where that has no effect. */
export function touchedRow(
  row: KeptRow | undefined,
  now: UnixSeconds,
  { beginVisit, ...lives }: Lives & { readonly beginVisit: boolean },
): KeptRow | undefined {
  if (!row || row.expires <= now) return undefined;
  return {
    ...row,
    expires: Math.max(row.expires, expiresAfterTouch(row, now, lives)),
    previousVisitAt: beginVisit && row.visitedAt < now - VISIT_GAP ? row.visitedAt : row.previousVisitAt,
    visitedAt: now,
  };
}

/** As a store hands it out: values of what has expired stay here. */
export function loadedRow(row: KeptRow, now: UnixSeconds): SessionRow {
  return { ...row, now, data: row.expires > now ? row.data : null };
}

export function revisionOf(row: Omit<KeptRow, "data">, now: UnixSeconds): SessionRevision {
  const { sessionId, revision, expires, visitedAt, previousVisitAt } = row;
  return { sessionId, revision, expires, visitedAt, previousVisitAt, now };
}
