import type { Pending } from "./batch.js";
import type { Session } from "./session.js";
import type { SessionRevision } from "./store.js";

/** Hears what came of a {@link Verification}. */
export interface Verifier {
  /** `isAsKnown`: the row is there, alive, and what is known of it is what it holds. */
  verified(isAsKnown: boolean): void;
}

/**
 * One look at the row of a live session, by its revision alone: everything but a touch changes that, so where it is as known the rest is too,
 * and the values need not travel again. Where it is not, or the store did not answer, the session is to be opened in full. It overlaps
 * writes without harm: if one comes between, the two revisions differ.
 */
export class Verification implements Pending<string, SessionRevision | undefined> {
  readonly #session: Session;
  readonly #verifier: Verifier;
  readonly #over: (verification: Verification) => void;

  constructor(session: Session, verifier: Verifier, over: (verification: Verification) => void) {
    this.#session = session;
    this.#verifier = verifier;
    this.#over = over;
  }

  get entry(): string {
    return this.#session.id;
  }

  resolve(seen: SessionRevision | undefined): void {
    this.#tell(this.#session.isKnown && !this.#session.saw(seen) && !this.#session.ended);
  }

  reject(): void {
    this.#tell(false);
  }

  #tell(isAsKnown: boolean): void {
    this.#over(this);
    this.#verifier.verified(isAsKnown);
  }
}
