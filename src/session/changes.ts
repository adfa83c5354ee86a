import { SessionError, toSessionError } from "../errors.js";
import type { Change } from "./change.js";
import { Values } from "./values.js";

/** No changes: one list for all sessions, never added to. */
const NONE: Change[] = [];
/** What is known of a row that has not been read: never altered. */
const NO_VALUES = Values.empty();

/**
 * The values of a session as saved, and the changes that are not in the row yet: those being written and
 * those that wait. What `get` shows is both together. Knows no store.
 */
export class Changes {
  #saved = NO_VALUES;
  /** The same object as `#saved` while there is no change. */
  #visible = NO_VALUES;
  #inFlight = NONE;
  #waiting = NONE;
  #isApplying = false;
  /** What is shown is being written, so it must not be altered any more. */
  #isTaken = false;
  /**
   * Whether what is shown is what is saved with all that waits applied, in order: then that can be written as
   * it is, and nothing has to be applied again.
   */
  #isExact = false;

  /** The values in the row as last known. */
  get saved(): Values {
    return this.#saved;
  }

  /** Saved values with every change on its way. Not to be changed by the caller. */
  get visible(): Values {
    return this.#visible;
  }

  /** How many wait for the next write. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Takes a change in; throws what it throws, and then nothing has changed. */
  add(change: Change): Change {
    // From inside a change, which may run any number of times.
    if (this.#isApplying)
      throw new SessionError("SESSION_UPDATE_FAILED", "it made a change of its own; change the draft");
    // A change that cannot be applied throws here, and leaves what is shown as it was.
    const isFirst = this.#visible === this.#saved;
    const visible = isFirst || this.#isTaken ? this.#visible.copy() : this.#visible;
    this.#apply(change, visible);
    if (isFirst) this.#isExact = true;
    this.#isTaken = false;
    this.#visible = visible;
    if (this.#waiting === NONE) this.#waiting = [change];
    else this.#waiting.push(change);
    return change;
  }

  /**
   * Begins a write of all that waits: the values to be saved, or `undefined` when nothing is left to write.
   */
  take(): Values | undefined {
    const taken = this.#waiting;
    this.#waiting = NONE;
    if (this.#isExact && taken !== NONE) {
      this.#isExact = false;
      this.#isTaken = true;
      this.#inFlight = taken;
      return this.#visible;
    }
    const values = this.#saved.copy();
    this.#inFlight = taken.filter((change) => {
      try {
        this.#apply(change, values);
        return true;
      } catch (error) {
        change.reject(error);
        return false;
      }
    });
    if (this.#inFlight.length > 0) return values;
    this.#inFlight = NONE;
    if (taken.length > 0) this.#refresh();
    return undefined;
  }

  /** What was taken is in the row; `saved` is what the row holds now. */
  resolveTaken(saved: Values): void {
    for (const change of this.#inFlight) change.resolve();
    this.#inFlight = NONE;
    this.rebase(saved);
  }

  /** What was taken is not in the row and goes first into the next write. */
  putBack(): void {
    this.#isExact = false;
    this.#waiting = [...this.#inFlight, ...this.#waiting];
    this.#inFlight = NONE;
  }

  /** What was taken is rejected. */
  rejectTaken(error: SessionError): void {
    for (const change of this.#inFlight) change.reject(error);
    this.#inFlight = NONE;
    this.#refresh();
  }

  /** The row was found to hold these values. */
  rebase(saved: Values): void {
    this.#saved = saved;
    this.#refresh();
  }

  rejectAll(error: unknown): void {
    const reason = toSessionError(error);
    const changes = [...this.#inFlight, ...this.#waiting];
    this.#inFlight = NONE;
    this.#waiting = NONE;
    this.#refresh();
    for (const change of changes) change.reject(reason);
  }

  #apply(change: Change, values: Values): void {
    this.#isApplying = true;
    try {
      change.applyTo(values);
    } finally {
      this.#isApplying = false;
    }
  }

  #refresh(): void {
    this.#isExact = false;
    this.#isTaken = false;
    if (this.#inFlight.length === 0 && this.#waiting.length === 0) {
      this.#visible = this.#saved;
      return;
    }
    const changes = [...this.#inFlight, ...this.#waiting];
    this.#visible = this.#saved.copy();
    for (const change of changes) {
      try {
        this.#apply(change, this.#visible);
      } catch {
        // Not to be shown; it is rejected when its turn to be written comes.
      }
    }
  }
}
