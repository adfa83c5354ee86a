import type { Identity } from "../store.js";
import { type KeptIdentity, opensBySame } from "../token/identity.js";
import { keptRooms } from "./kept-rooms.js";
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
export function tellIdentity(session: Watched, before: KeptIdentity, now: Values): void {
  if (before.userId !== null && before.userId !== now.kept.userId) tellLoginEnded(session, now.identity);
  if (opensBySame(before, now.kept)) return;
  for (const watcher of session.watchers) watcher.tokenChanged(now.identity);
}

/** Whoever was put into a room while a login ended leaves it too; not where somebody has logged in since. */
export function leaveRooms(session: Watched): void {
  const { identity } = session.saved;
  if (identity.userId === null) tellLoginEnded(session, identity);
}

function tellLoginEnded(session: Watched, identity: Identity): void {
  const keep = keptRooms(session);
  for (const watcher of session.watchers) watcher.loginEnded(identity, keep);
}
