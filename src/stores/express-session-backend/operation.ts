import type { Clock } from "../../base/clock.js";
import { isThenable } from "../../base/promises.js";
import { withTimeLimit } from "../../base/time-limit.js";
import { StoreFault } from "../../store.js";
import type { ConnectRecord, ConnectStoreLike } from "./store-like.js";

/**
 * A few calls of a Connect store that belong together, within a time limit. What goes wrong is a {@link
 * StoreFault} that says whether anything may have been changed by then.
 */
export class Operation {
  readonly #store: ConnectStoreLike;
  #isGivenUp = false;
  /** Something was sent that changes a record: without an answer nobody knows whether it has. */
  #hasSent = false;
  #release = () => {};
  /** Resolves when nobody is to wait any longer for a call that was given up. */
  readonly released = new Promise<void>((resolve) => {
    this.#release = resolve;
  });

  constructor(store: ConnectStoreLike) {
    this.#store = store;
  }

  /**
   * Runs the operation; after `limitMs` it is given up, and begins no further call. A call that is under way
   * then cannot be taken back: it keeps its turn for as long again.
   */
  within<Result>(clock: Clock, limitMs: number, run: () => Promise<Result>): Promise<Result> {
    const whenLate = () => {
      this.#isGivenUp = true;
      clock.after(limitMs, this.#release);
      throw this.#fault("no answer in time");
    };
    return withTimeLimit({ clock, limitMs, whenLate }, run);
  }

  /** What the store has; nothing where it has nothing. */
  async get(key: string): Promise<unknown> {
    try {
      return await this.#call((done) => this.#store.get(key, done));
    } catch (error) {
      if (error instanceof StoreFault && isNoFile(error.cause)) return undefined;
      throw error;
    }
  }

  async set(key: string, record: ConnectRecord): Promise<void> {
    await this.#call((done) => {
      this.#hasSent = true;
      return this.#store.set(key, record, done);
    });
  }

  async destroy(key: string): Promise<void> {
    await this.#call((done) => {
      this.#hasSent = true;
      return this.#store.destroy(key, done);
    });
  }

  async #call(start: (done: (error?: unknown, result?: unknown) => void) => unknown): Promise<unknown> {
    if (this.#isGivenUp) throw this.#fault("given up");
    try {
      return await new Promise((resolve, reject) => {
        const returned = start((error, result) => (error ? reject(error) : resolve(result)));
        // That it resolves says nothing: not before the callback has been called is it known what there is.
        if (isThenable(returned)) returned.then(undefined, reject);
      });
    } catch (error) {
      throw this.#fault(reasonOf(error), error);
    }
  }

  #fault(reason: string, cause?: unknown): StoreFault {
    return new StoreFault(this.#hasSent ? "unknown" : "not-applied", `Connect store: ${reason}`, { cause });
  }
}

/**
 * Stores in files say that a session is not there as the file system does; a socket that is not there is
 * another matter.
 */
function isNoFile(error: unknown): boolean {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  return code === "ENOENT" && syscall !== "connect";
}

/** A code or a name: a message may have values in it. */
function reasonOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === "number" || (typeof code === "string" && /^[A-Z0-9_]{1,40}$/.test(code)))
    return String(code);
  return error instanceof Error ? error.name : typeof error;
}
