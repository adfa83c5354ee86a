// When a session ends that is used now. Stores that decide it in SQL say the same there;
// test/integration/database/expiration.test.ts holds them to it.
import { LONGEST, type Seconds, type SessionRow, type StoreSettings, type UnixSeconds } from "../store.js";

/** What the end of a session follows from, besides its own idle time. */
export type Lives = Pick<StoreSettings, "expiration" | "absoluteExpiration" | "touchEvery">;

/**
 * How much longer than its idle time a row lives from a touch on: until then further uses need not be
 * written.
 */
export function touchGap(idle: Seconds, { touchEvery }: Pick<Lives, "touchEvery">): Seconds {
  return Math.min(touchEvery, Math.ceil(idle / 4));
}

/**
 * How long a row lives from a touch on, its greatest age aside. `idleSeconds`: the session's own idle time.
 */
export function lifeAfterTouch(idleSeconds: Seconds | null, lives: Lives): Seconds {
  const idle = idleSeconds ?? lives.expiration;
  return idle + touchGap(idle, lives);
}

/** When a row ends that is touched at `now`. */
export function expiresAfterTouch(
  { idleSeconds, createdAt }: Pick<SessionRow, "idleSeconds" | "createdAt">,
  now: UnixSeconds,
  lives: Lives,
): UnixSeconds {
  return Math.min(now + lifeAfterTouch(idleSeconds, lives), createdAt + lives.absoluteExpiration);
}

/**
 * The idle time of a cookie's `maxAge`, in milliseconds, as the table has it; what is no time is `null`. A
 * `maxAge` of 0 or less ends at once.
 */
export function toIdleSeconds(maxAgeMs: unknown): Seconds | null {
  if (typeof maxAgeMs !== "number" || Number.isNaN(maxAgeMs)) return null;
  return Math.min(Math.max(Math.ceil(maxAgeMs / 1000), 0), LONGEST);
}
