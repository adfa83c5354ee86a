import type { Identity } from "../store.js";
import { type CompactIdentity, hasSameSecret } from "../token/identity.js";
import { getKeptRooms } from "./kept-rooms.js";
import type { SessionWatcher } from "./session-host.js";
import type { Values } from "./values.js";

/** A session, as far as those are concerned who have it open. */
interface Watched {
  readonly watchers: Iterable<SessionWatcher>;
  readonly saved: Values;
}

/**
 * To be called before anybody sees the new values: the rooms of a login end with it, and who has the session
 * open by another secret has no part in it any more.
 */
export function notifyIdentityChange(session: Watched, before: CompactIdentity, now: Values): void {
  if (before.userId !== null && before.userId !== now.compactIdentity.userId)
    notifyLoginEnd(session, now.identity);
  if (hasSameSecret(before, now.compactIdentity)) return;
  for (const watcher of session.watchers) watcher.onTokenChange(now.identity);
}

/** Whoever was put into a room while a login ended leaves it too; not where somebody has logged in since. */
export function leaveRooms(session: Watched): void {
  const { identity } = session.saved;
  if (identity.userId === null) notifyLoginEnd(session, identity);
}

function notifyLoginEnd(session: Watched, identity: Identity): void {
  const keep = getKeptRooms(session);
  for (const watcher of session.watchers) watcher.onLoginEnd(identity, keep);
}
