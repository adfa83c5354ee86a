import { SmallSet } from "../base/small-set.js";
import type { Session } from "../session/session.js";
import type { SessionWatcher } from "../session/session-host.js";

/**
 * Who has which session open, and which of those sessions belong to a user: one that nobody is logged in to
 * costs nothing here.
 */
export class WatchedSessions {
  readonly #byUser = new Map<string, SmallSet<Session>>();

  /** The sessions that are open here and belong to this user now. */
  ofUser(userId: string): Iterable<Session> {
    return this.#byUser.get(userId) ?? [];
  }

  /** A socket has it open. */
  add(session: Session, watcher: SessionWatcher): void {
    session.watchers.add(watcher);
    this.#index(session, session.saved.compactIdentity.userId);
  }

  /** It has it open no more. */
  remove(session: Session, watcher: SessionWatcher): void {
    session.watchers.delete(watcher);
    if (session.watchers.size === 0) this.#unindex(session, session.saved.compactIdentity.userId);
  }

  /** Somebody may have logged in or out. */
  update(session: Session, before: string | null): void {
    const { userId } = session.saved.compactIdentity;
    if (userId === before) return;
    this.#unindex(session, before);
    if (session.watchers.size > 0) this.#index(session, userId);
  }

  #index(session: Session, userId: string | null): void {
    if (userId === null) return;
    const sessions = this.#byUser.get(userId) ?? new SmallSet<Session>();
    sessions.add(session);
    this.#byUser.set(userId, sessions);
  }

  #unindex(session: Session, userId: string | null): void {
    if (userId === null) return;
    const sessions = this.#byUser.get(userId);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#byUser.delete(userId);
  }
}
