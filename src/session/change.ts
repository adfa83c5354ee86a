import { type SessionError, toSessionError } from "../errors.js";
import type { Credential } from "../token/credential.js";
import type { Edit, Limit } from "./edits.js";
import type { Values } from "./values.js";

/** The session that a change is of. */
export interface Changed extends Limit {
  /** Logs a change that was not saved. */
  reportError(error: SessionError): void;
}

export interface ChangeOptions {
  /** Checked each time the change is run: the session may have become another's since it was asked for. */
  readonly by?: Credential | undefined;
  /** A rejection is logged, and nobody need wait for it. @default false */
  readonly isReported?: boolean;
}

/**
 * A change that waits for its row, and the promise of whoever has asked for it. One object, as there may be
 * thousands.
 */
export class Change {
  /** Resolves once the change is durable. */
  readonly done: Promise<void>;
  resolve!: () => void;
  #reject!: (error: unknown) => void;
  readonly #edit: Edit;
  readonly #by: Credential | undefined;
  readonly #session: Changed;
  readonly #isReported: boolean;

  constructor(edit: Edit, session: Changed, { by, isReported = false }: ChangeOptions) {
    this.#edit = edit;
    this.#by = by;
    this.#session = session;
    this.#isReported = isReported;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Throws if it cannot be. */
  applyTo(values: Values): void {
    this.#by?.assertCanOpen(values.compactIdentity, this.#session.id);
    this.#edit.applyTo(values, this.#session);
  }

  reject(error: unknown): void {
    if (!this.#isReported) return this.#reject(error);
    // Handled only now, as few are rejected: a handler from the start would be another promise of each.
    this.done.catch(() => {});
    // First, so that whoever hears of it by the promise finds it logged; not at once, as listeners of the
    // application may make changes.
    queueMicrotask(() => {
      this.#session.reportError(toSessionError(error, undefined, this.#session.id));
      this.#reject(error);
    });
  }
}
