import type { Settings } from "../options.js";
import { touchGap } from "../row/expiration.js";
import type { KnownRow } from "../session/known-row.js";
import type { Seconds } from "../store.js";

/** Live sessions with an idle time of their own are gone through at least this often. */
export const LONGEST_EXPIRY_CHECK: Seconds = 5;
const SHORTEST_PASS: Seconds = 0.5;
/** A pass over all live sessions is up to this much later than planned, so that nodes do not ask together. */
const JITTER = 1.2;

/**
 * How often all live sessions are gone through for touches: often enough that hardly any is made much too
 * early.
 */
export function touchInterval({ touchEvery }: Pick<Settings, "touchEvery">): Seconds {
  return Math.max(SHORTEST_PASS, touchEvery / 8);
}

/**
 * How much of its future use a touch has to cover. Where being connected is use, until the next pass: a
 * socket may go at any moment, also with its process, and nothing is written then.
 */
export function touchLead(row: Pick<KnownRow, "idleSeconds">, settings: Settings): Seconds {
  if (settings.idle === "events") return 0;
  const pass = touchInterval(settings) * JITTER;
  return hasShortIdle(row, settings)
    ? Math.min(pass, LONGEST_EXPIRY_CHECK, shortIdleInterval(row, settings))
    : pass;
}

/** Whether a session has an idle time of its own that is shorter than the others'. */
export function hasShortIdle(
  { idleSeconds }: Pick<KnownRow, "idleSeconds">,
  { expiration }: Pick<Settings, "expiration">,
): boolean {
  return idleSeconds !== null && idleSeconds < expiration;
}

function shortIdleInterval({ idleSeconds }: Pick<KnownRow, "idleSeconds">, settings: Settings): Seconds {
  return touchGap(idleSeconds ?? settings.expiration, settings) / 2;
}
