import { randomBytes } from "node:crypto";
import type { TestDatabase } from "./database.js";

/**
 * Inserts rows that expired so many seconds ago, and each one a second earlier than the one before; negative:
 * that live.
 */
export async function insertExpired(
  { pool, rows }: TestDatabase,
  { count, ago }: { count: number; ago: number },
): Promise<string[]> {
  const [clock] = await rows<{ now: number }>("select unix_timestamp() as now");
  const made = Array.from({ length: count }, (_, n) => [
    randomBytes(16).toString("hex"),
    Number(clock?.now) - ago - (ago > 0 ? n : -n),
    "{}",
  ]);
  if (made.length > 0) await pool.query("insert into session (sessionId, expires, data) values ?", [made]);
  return made.map(([id]) => String(id));
}

/** Of these ids, those that have a row. */
export async function stillThere({ rows }: TestDatabase, ids: readonly string[]): Promise<string[]> {
  const found = await rows<{ sessionId: string }>("select sessionId from session");
  const all = new Set(found.map(({ sessionId }) => sessionId));
  return ids.filter((id) => all.has(id));
}
