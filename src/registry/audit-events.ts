import type { UnixSeconds } from "../store.js";
import type { EndReason } from "../wire.js";

/** What all audit events say: which session, on which server, and when. */
export interface AuditEvent {
  /** Public id of the session. */
  readonly sessionId: string;
  /** The server that did it: its {@link TokenSessions.nodeId}. */
  readonly node: string;
  /** When the session began, Unix seconds. */
  readonly createdAt: UnixSeconds;
  /** When it was done, Unix seconds of the database's clock, as far as it is known here. */
  readonly at: UnixSeconds;
}

/** Somebody has logged in, or once more as the same user. */
export interface LoginEvent extends AuditEvent {
  /** Who is logged in now. */
  readonly userId: string;
  /** Who was logged in to the session before; `null` for nobody. */
  readonly previousUserId: string | null;
}

/** A login has ended; the session goes on. */
export interface LogoutEvent extends AuditEvent {
  /** Who was logged in. */
  readonly userId: string;
}

/** A session has a new token: by `regenerate()`, and also with each login and after each logout. */
export interface RotateEvent extends AuditEvent {
  /** Who is logged in; `null` for nobody. */
  readonly userId: string | null;
}

/** A session was ended from outside: by an operator, by another device of its user, or by `maxPerUser`. */
export interface RevokeEvent extends AuditEvent {
  /** Who was logged in; `null` for nobody. */
  readonly userId: string | null;
  /**
   * `"destroyed"`: by `destroy` or a handle that `find` gave · `"revoked"`: by `destroyForUser` or
   * `destroyMany` · `"replaced"`: by `maxPerUser`.
   */
  readonly reason: EndReason;
}

/**
 * Who has done what, for an audit log: told by the server that did it, once for each act and each session,
 * and only when the database has it. What rejects with `SESSION_WRITE_UNCERTAIN` is not told.
 */
export interface AuditEvents {
  /** `login()` has been written. */
  login: (event: LoginEvent) => void;
  /** The login is gone from the row, by `logout()`. */
  logout: (event: LogoutEvent) => void;
  /** Another secret opens the session now. */
  rotate: (event: RotateEvent) => void;
  /** The row was deleted by somebody else than the session itself. */
  revoke: (event: RevokeEvent) => void;
}
