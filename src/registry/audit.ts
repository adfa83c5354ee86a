import type { Session } from "../session/session.js";
import { type CompactIdentity, hasSameSecret } from "../token/identity.js";
import type { EndReason } from "../wire.js";
import type { AuditEvent } from "./audit-events.js";
import type { Events } from "./events.js";

/** Says who has done what, as this process has written it. */
export class Audit {
  readonly #events: Events;
  readonly #node: string;

  constructor(events: Events, node: string) {
    this.#events = events;
    this.#node = node;
  }

  /** A write of this process was applied, on a row with `before`. */
  recordWrite(session: Session, before: CompactIdentity): void {
    const now = session.saved.compactIdentity;
    // One object as long as nothing of it is replaced.
    if (now === before) return;
    const { userId } = now;
    if (userId === null && before.userId !== null)
      this.#events.emit("logout", { ...this.#facts(session), userId: before.userId });
    if (!hasSameSecret(before, now)) this.#events.emit("rotate", { ...this.#facts(session), userId });
  }

  /** A login was written: also one as the user who is logged in already, which no row shows. */
  recordLogin(session: Session, userId: string, previousUserId: string | null): void {
    this.#events.emit("login", { ...this.#facts(session), userId, previousUserId });
  }

  /** This process has deleted the row of a session that has not ended itself. */
  recordEnd(session: Session, reason: EndReason): void {
    // One that was not there, or was over before, nobody has ended.
    if (!session.row || session.ended !== reason || reason === "expired") return;
    const { userId } = session.saved.compactIdentity;
    this.#events.emit("revoke", { ...this.#facts(session), userId, reason });
  }

  #facts(session: Session): AuditEvent {
    const { id: sessionId, databaseNow: at } = session;
    return { sessionId, node: this.#node, createdAt: session.row?.createdAt ?? 0, at };
  }
}
