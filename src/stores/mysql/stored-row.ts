import type { SessionRow, UserSession } from "../../store.js";
import type { ClientDescription } from "../../wire.js";

/**
 * A row of the table of sql/session.sql, with the database's clock. A driver may be set to give large numbers
 * as text.
 */
export interface StoredRow {
  sessionId: string;
  expires: number;
  data: string | null;
  secretHash: Buffer | null;
  nextHash: Buffer | null;
  previousHash: Buffer | null;
  userId: string | null;
  client: string | null;
  idleSeconds: number | null;
  revision: number;
  writers: Buffer;
  createdAt: number;
  visitedAt: number;
  previousVisitAt: number;
  now: number;
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

export function toSessionRow(row: StoredRow): SessionRow {
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

/** What the list of a user's devices reads of a row. */
export type UserRow = Pick<
  StoredRow,
  "sessionId" | "userId" | "client" | "createdAt" | "visitedAt" | "previousVisitAt" | "expires"
>;

export function toUserSession(row: UserRow): UserSession {
  return {
    sessionId: row.sessionId,
    client: parseClient(row.client),
    createdAt: Number(row.createdAt),
    visitedAt: Number(row.visitedAt),
    previousVisitAt: Number(row.previousVisitAt),
    expires: Number(row.expires),
  };
}

function parseClient(text: string | null): ClientDescription | null {
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
export function withExactIds<Row extends { sessionId: string }>(
  sessionIds: readonly string[],
  rows: readonly Row[],
): Row[] {
  const asked = new Set(sessionIds);
  return rows.filter(({ sessionId }) => asked.has(sessionId));
}
