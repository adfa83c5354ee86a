import type { Pending } from "../gateway/batch.js";
import type { SessionRevision } from "../store.js";
import type { Session } from "./session.js";

/** Hears what came of a {@link Verification}. */
export interface Verifier {
  /** `isAsKnown`: the row is there, alive, and what is known of it is what it holds. */
  onVerified(isAsKnown: boolean): void;
}

/**
 * One look at the row of a live session, by its revision alone: everything but a touch changes that, so where
 * it is as known the rest is too, and the values need not travel again. Where it is not, or the store did not
 * answer, the session is to be opened in full. It is an operation like others, and has the session's turn
 * meanwhile.
 */
export class Verification implements Pending<string, SessionRevision | undefined> {
  readonly #session: Session;
  readonly #verifier: Verifier;

  constructor(session: Session, verifier: Verifier) {
    this.#session = session;
    this.#verifier = verifier;
  }

  get entry(): string {
    return this.#session.id;
  }

  resolve(seen: SessionRevision | undefined): void {
    const session = this.#session;
    this.#tell(session.isKnown && !session.compareRevision(seen) && !session.ended);
  }

  reject(): void {
    this.#tell(false);
  }

  #tell(isAsKnown: boolean): void {
    this.#session.turns.end();
    this.#verifier.onVerified(isAsKnown);
  }
}

/**
 * Compares with the row in its turn, behind what is under way; `loadRevision` reads it. Resolves to whether
 * all that is known is still so; where it is not, the row is to be read. Errors: those of `loadRevision`.
 */
export function verifyInTurn(
  session: Session,
  loadRevision: () => Promise<SessionRevision | undefined>,
): Promise<boolean> {
  return session.turns.run(async () => {
    const seen = await loadRevision();
    return session.isKnown && !session.compareRevision(seen) && !session.ended;
  });
}
