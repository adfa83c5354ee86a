import type { TurnsHost } from "../base/turns.js";
import type { SessionError } from "../errors.js";
import type { AttemptHost } from "../gateway/settle.js";
import type { Lives } from "../row/expiration.js";
import type { Identity } from "../store.js";
import type { Credential } from "../token/credential.js";
import type { EndReason } from "../wire.js";
import type { RecentRows } from "./recent-rows.js";
import type { Values } from "./values.js";

/** What a session needs of the registry that it lives in. */
export interface SessionHost<Session> extends AttemptHost, TurnsHost<Session> {
  readonly maxBytes: number;
  readonly storeTimeoutMs: number;
  /** What the end of a session follows from. */
  readonly lives: Lives;
  /** What was known of rows that are not kept. */
  readonly recentRows: RecentRows;
  /** No more changes are taken. */
  readonly isClosed: boolean;
  /**
   * The row moved: by a write of this process (`written` is its revision), or by somebody else's that was
   * noticed.
   */
  onChange(session: Session, before: Values, written?: number): void;
  /** Logs and announces a change that was not saved: the application may not be waiting for its promise. */
  reportError(error: SessionError): void;
  /** This process deleted the row; `by` which right, where the session has ended itself. */
  onDestroy(session: Session, reason: EndReason, by?: Credential): void;
  /** The session has ended, for good. */
  onEnd(session: Session, reason: EndReason): void;
}

/** Hears what becomes of a session that it has open, or has had. */
export interface SessionWatcher {
  /**
   * The socket that it is the session side of: its id, and the namespace that it is in. Without one, it only
   * has had the session.
   */
  readonly socket?: { readonly id: string; readonly nsp: object };
  /**
   * Who was logged in is not any more; comes before the new values can be seen. `keep`: the rooms that its
   * sockets may stay in.
   */
  onLoginEnd(identity: Identity, keep: ReadonlySet<string>): void;
  onEnd(reason: EndReason): void;
  /** Another secret opens the session now; comes before the new values can be seen. */
  onTokenChange(identity: Identity): void;
}
