import type { Generated, Selectable } from "kysely";
import type { SessionRow } from "../../store.js";
import type { ClientDescription } from "../../wire.js";

/** The table of sql/session.sql, as Kysely sees it. */
export interface SessionTable {
  sessionId: string;
  expires: number;
  data: string | null;
  secretHash: Buffer | null;
  nextHash: Generated<Buffer | null>;
  previousHash: Generated<Buffer | null>;
  userId: Generated<string | null>;
  client: string | null;
  idleSeconds: Generated<number | null>;
  revision: number;
  writers: Buffer;
  createdAt: number;
  visitedAt: number;
  previousVisitAt: Generated<number>;
}

export interface Tables {
  session: SessionTable;
}

/** Every column but `data`. */
export const COLUMNS = [
  "sessionId",
  "expires",
  "secretHash",
  "nextHash",
  "previousHash",
  "userId",
  "client",
  "idleSeconds",
  "revision",
  "writers",
  "createdAt",
  "visitedAt",
  "previousVisitAt",
] as const;

/** A driver may be set to give large numbers as text. */
export function toSessionRow(row: Selectable<SessionTable> & { now: number }): SessionRow {
  return {
    sessionId: row.sessionId,
    expires: Number(row.expires),
    data: row.data,
    secretHash: row.secretHash,
    nextHash: row.nextHash,
    previousHash: row.previousHash,
    userId: row.userId,
    client: parseClient(row.client),
    idleSeconds: row.idleSeconds === null ? null : Number(row.idleSeconds),
    revision: Number(row.revision),
    writers: row.writers,
    createdAt: Number(row.createdAt),
    visitedAt: Number(row.visitedAt),
    previousVisitAt: Number(row.previousVisitAt),
    now: Number(row.now),
  };
}

export function parseClient(text: string | null): ClientDescription | null {
  if (text === null) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && !Array.isArray(parsed) ? (parsed as ClientDescription | null) : null;
  } catch {
    // Somebody edited it; what a client says of itself is not worth refusing its session.
    return null;
  }
}

/** MySQL compares CHAR without regard to spaces at the end. */
export function exactly<Row extends { sessionId: string }>(
  sessionIds: readonly string[],
  rows: readonly Row[],
): Row[] {
  const asked = new Set(sessionIds);
  return rows.filter(({ sessionId }) => asked.has(sessionId));
}
