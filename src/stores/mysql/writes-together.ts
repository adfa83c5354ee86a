import type { WriteAttempt } from "../../store.js";
import type { Statement } from "./database-access.js";
import { isLockWait } from "./faults.js";
import type { Answer } from "./lent-connection.js";
import { refuseTooLong } from "./statement-length.js";
import { mayWriteFew, writeFew, writeMany } from "./writes.js";

/** For so long statements leave locked rows out from the start, after one has met a lock. */
const LOCKS_LAST_MS = 1_000;

/**
 * Writes several rows in one statement, without those that somebody has locked. Locks are rare, so of few
 * rows the statement is first one that costs less and does nothing where it meets one.
 */
export class WritesTogether {
  readonly #table: string;
  readonly #write: (statement: Statement) => Promise<Answer<unknown>>;
  /** From then on, by this process's own clock, no locks are expected. */
  #fewFromMs = 0;

  constructor(table: string, write: (statement: Statement) => Promise<Answer<unknown>>) {
    this.#table = table;
    this.#write = write;
  }

  /** Answers whether every row matched. */
  async send(attempts: readonly WriteAttempt[]): Promise<boolean> {
    let isFew = false;
    const run = () =>
      this.#write((server) => {
        refuseTooLong(attempts, server);
        isFew = performance.now() >= this.#fewFromMs && mayWriteFew(attempts, server);
        return isFew ? writeFew(this.#table, attempts) : writeMany(this.#table, attempts, server);
      });
    const { affected } = await run().catch((error: unknown) => {
      if (!isFew || !isLockWait(error)) throw error;
      this.#fewFromMs = performance.now() + LOCKS_LAST_MS;
      return run();
    });
    // Each attempt brings another revision, so a row that matched was changed too, whichever of the two the
    // count counts.
    return affected === attempts.length;
  }
}
