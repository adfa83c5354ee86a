// Statements that leave out rows which somebody else has locked, instead of waiting for them: a plain UPDATE
// of many rows would wait for one of them, and hold the locks of all it has come past meanwhile. UPDATE
// itself cannot skip, a locking SELECT can (MySQL 8.0.1, MariaDB 10.6), so the rows are chosen, and locked,
// in a derived table. Its LIMIT keeps it from being merged into the UPDATE. The order of the join and the
// index are prescribed: of a small table either server would rather read every row, and lock it, or wait for
// it.
//
// Where the server writes statements, not rows, into its binary log, a replica would skip other rows than it
// did; there the same statements wait.
import { type Lives, lifeAfterTouch } from "../../row/expiration.js";
import type { Seconds, WriteAttempt } from "../../store.js";
import type { SqlText } from "./lent-connection.js";
import type { ServerFacts } from "./server-facts.js";

/**
 * From here on numbers are not exact in JavaScript. Only a hand can have given a row such a revision; one
 * stands for all of them, so that the next write brings the row back.
 */
const BEYOND = 2 ** 53;

function exact(revision: number): number {
  return Math.min(revision, BEYOND);
}

/** Writes several rows, each only where it is alive and at the revision that the attempt was made from. */
export function writeMany(
  table: string,
  attempts: readonly WriteAttempt[],
  { engine, logsStatements }: ServerFacts,
): SqlText {
  const row = engine === "mysql" ? "row(?,?,?,?,?)" : "(?,?,?,?,?)";
  // A join, not CASE: only the right pair of id and revision matches, and the cost grows with the rows, not
  // with their square.
  const given = `with given (id, base, revision, data, writers) as (values ${repeated(row, attempts.length)})`;
  const values: unknown[] = [];
  for (const { sessionId, baseRevision, revision, data, writers } of attempts)
    values.push(sessionId, exact(baseRevision), revision, data, toBuffer(writers));
  return {
    sql: logsStatements
      ? `update (${given} select * from given) as new ${joined(table)}` +
        ` on session.sessionId = convert(new.id using ascii) and least(session.revision, ${BEYOND}) = new.base` +
        ` set ${WRITTEN} where session.expires > unix_timestamp()`
      : `update (${given} select old.sessionId as id, given.revision, given.data, given.writers` +
        ` from given straight_join ${table} as old force index (primary)` +
        ` on old.sessionId = convert(given.id using ascii) and least(old.revision, ${BEYOND}) = given.base` +
        ` where old.expires > unix_timestamp() limit ${attempts.length} for update skip locked` +
        `) as new ${joined(table)} on session.sessionId = new.id set ${WRITTEN}`,
    parameters: values,
  };
}

function joined(table: string): string {
  return `straight_join ${table} as session force index (primary)`;
}

const WRITTEN = "session.data = new.data, session.revision = new.revision, session.writers = new.writers";

/** Writes one row, and waits for whoever has it locked; with who it belongs to where that changes too. */
export function writeOne(table: string, attempt: WriteAttempt, lives: Lives): SqlText {
  const { set, values } = written(attempt, lives);
  return {
    sql: `update ${table} as session set ${set} where ${BASE}`,
    parameters: [...values, ...base(attempt)],
  };
}

/** The same without waiting. */
export function writeOneUnlocked(
  table: string,
  attempt: WriteAttempt,
  lives: Lives,
  { logsStatements }: ServerFacts,
): SqlText {
  if (logsStatements) return writeOne(table, attempt, lives);
  const { set, values } = written(attempt, lives);
  return {
    sql:
      `update (select sessionId as id from ${table} force index (primary) where ${BASE} limit 1 for update skip locked` +
      `) as free ${joined(table)} on session.sessionId = free.id set ${set}`,
    parameters: [...base(attempt), ...values],
  };
}

const BASE = `sessionId = ? and least(revision, ${BEYOND}) = ? and expires > unix_timestamp()`;

function base({ sessionId, baseRevision }: WriteAttempt): unknown[] {
  return [sessionId, exact(baseRevision)];
}

const VALUES = "session.data = ?, session.writers = ?, session.revision = ?";
const IDENTITY = "session.userId = ?, session.secretHash = ?, session.nextHash = ?, session.previousHash = ?";
const IDLE = "session.idleSeconds = ?, session.expires = least(unix_timestamp() + ?, session.createdAt + ?)";

function written(
  { data, writers, revision, identity, idleSeconds }: WriteAttempt,
  lives: Lives,
): { set: string; values: unknown[] } {
  let set = VALUES;
  const values: unknown[] = [data, toBuffer(writers), revision];
  if (identity) {
    const { userId, secretHash, nextHash, previousHash } = identity;
    set += `, ${IDENTITY}`;
    values.push(userId, ...[secretHash, nextHash, previousHash].map((hash) => hash && toBuffer(hash)));
  }
  if (idleSeconds !== undefined) {
    set += `, ${IDLE}`;
    values.push(idleSeconds, lifeAfterTouch(idleSeconds, lives), lives.absoluteExpiration);
  }
  return { set, values };
}

/** `expiresAfterTouch`, of a row `session`, in SQL. */
export function expiresNext(lives: Lives): SqlText {
  const gap = "least(?, (session.idleSeconds + 3) div 4)";
  return {
    sql: `least(unix_timestamp() + coalesce(session.idleSeconds + ${gap}, ?), session.createdAt + ?)`,
    parameters: [lives.touchEvery, lifeAfterTouch(null, lives), lives.absoluteExpiration],
  };
}

/**
 * Moves the times of several rows that are alive, where `next` would move `expires` forward; with `visit`,
 * begins visits after a gap.
 */
export function touchMany(
  table: string,
  sessionIds: readonly string[],
  { next, visit }: { next: SqlText; visit?: { gap: Seconds } | undefined },
  { logsStatements }: ServerFacts,
): SqlText {
  const found = `sessionId in (${repeated("?", sessionIds.length)}) and expires > unix_timestamp()`;
  const gap = visit ? [visit.gap] : [];
  /**
   * `before` is the visit as it was: of a joined UPDATE nobody promises the order of assignments, of a plain
   * one it is from left to right.
   */
  const set = (before: string) =>
    (visit
      ? `session.previousVisitAt = if(${before} < unix_timestamp() - ?, ${before}, session.previousVisitAt), `
      : "") +
    `session.expires = greatest(session.expires, ${next.sql}), session.visitedAt = unix_timestamp()`;
  if (logsStatements) {
    const text = `update ${table} as session force index (primary) set ${set("session.visitedAt")} where ${found}`;
    return { sql: text, parameters: [...gap, ...next.parameters, ...sessionIds] };
  }
  return {
    sql:
      `update (select sessionId as id, visitedAt from ${table} force index (primary) where ${found}` +
      ` limit ${sessionIds.length} for update skip locked` +
      `) as free ${joined(table)} on session.sessionId = free.id set ${set("free.visitedAt")}`,
    parameters: [...sessionIds, ...gap, ...next.parameters],
  };
}

/** Deletes several rows. */
export function deleteMany(
  table: string,
  sessionIds: readonly string[],
  { logsStatements }: ServerFacts,
): SqlText {
  if (logsStatements) return deleteRows(table, sessionIds);
  return {
    sql:
      `delete session from (select sessionId as id from ${table} force index (primary)` +
      ` where sessionId in (${repeated("?", sessionIds.length)}) limit ${sessionIds.length} for update skip locked` +
      `) as free ${joined(table)} on session.sessionId = free.id`,
    parameters: sessionIds,
  };
}

export function deleteRows(table: string, sessionIds: readonly string[]): SqlText {
  return {
    sql: `delete from ${table} where sessionId in (${repeated("?", sessionIds.length)})`,
    parameters: sessionIds,
  };
}

/**
 * Those that expired at least so long ago. By key, or a small table would be scanned and every row of it
 * locked; only this form of DELETE takes the hint.
 */
export function deleteExpired(table: string, sessionIds: readonly string[], expiredFor: Seconds): SqlText {
  return {
    sql:
      `delete old from ${table} as old force index (primary)` +
      ` where old.sessionId in (${repeated("?", sessionIds.length)}) and old.expires <= unix_timestamp() - ?`,
    parameters: [...sessionIds, expiredFor],
  };
}

/** mysql2 writes a Buffer as a literal; another Uint8Array it would take for an object. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
}

export function repeated(mark: string, count: number): string {
  return mark + `,${mark}`.repeat(count - 1);
}

/** More than values: such a write is a statement of its own. */
export function changesMore({ identity, idleSeconds }: WriteAttempt): boolean {
  return identity !== undefined || idleSeconds !== undefined;
}
