import type { Facts, PoolWaitFact } from "../../facts.js";
import type { ConnectionSource, LentConnection } from "./lent-connection.js";

/** Who waits for a connection. */
export interface Borrower {
  resolve(lent: LentConnection): void;
  reject(error: unknown): void;
}

interface Request {
  readonly since: number;
  /** Whether it waits in the driver's own queue; `undefined` where that cannot be known. */
  queued: boolean | undefined;
}

const MOST_AT_ONCE = 4;

/**
 * Lends connections to statements, the one that has waited longest first. Statements wait here, not in the
 * driver: there a request cannot be taken back, and would keep what it was for in memory. No more is asked of
 * the driver, and held, than {@link concurrency}.
 */
export class ConnectionLender {
  readonly #source: ConnectionSource;
  readonly #patienceMs: number;
  /** Half the pool, at most 4: the pool is the application's too. */
  readonly concurrency: number;
  /** Since when each waits; 0 where nobody asks. */
  readonly #waiting = new Map<Borrower, number>();
  readonly #facts: Facts | undefined;
  readonly #requests = new Set<Request>();
  #held = 0;

  /**
   * `patienceMs`: after that long a connection that is being made no longer keeps another from being tried.
   */
  constructor(source: ConnectionSource, patienceMs: number, facts?: Facts) {
    this.#facts = facts;
    this.#source = source;
    this.#patienceMs = patienceMs;
    this.concurrency = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(source.connections / 2)));
  }

  /** Puts a borrower behind those who wait. */
  lend(borrower: Borrower): void {
    this.#waiting.set(borrower, this.#facts?.poolWait.isHeard ? performance.now() : 0);
    this.#request();
  }

  /** Takes back a wish; what was asked of the driver for it serves the next. */
  cancel(borrower: Borrower): void {
    this.#take(borrower, "given-up");
    const now = performance.now();
    for (const request of this.#requests) {
      // The address that it tries may answer nothing any more.
      if (request.queued === false && now - request.since >= this.#patienceMs) this.#requests.delete(request);
    }
    this.#request();
  }

  release(lent: LentConnection): void {
    this.#held--;
    lent.release();
    this.#request();
  }

  drop(lent: LentConnection): void {
    this.#held--;
    lent.drop();
    this.#request();
  }

  /**
   * Nobody waits for its answer. A shared one is busy until that has come: {@link comeBack} gives its place
   * free.
   */
  abandon(lent: LentConnection): void {
    lent.abandon();
    if (lent.isShared) return;
    this.#held--;
    this.#request();
  }

  /** An abandoned one has answered after all. */
  comeBack(lent: LentConnection): void {
    lent.release();
    if (!lent.isShared) return;
    this.#held--;
    this.#request();
  }

  /** It waits no more. */
  #take(borrower: Borrower, outcome: PoolWaitFact["outcome"]): void {
    const sinceMs = this.#waiting.get(borrower);
    if (this.#waiting.delete(borrower) && sinceMs)
      this.#facts?.poolWait.tell({ outcome, durationMs: performance.now() - sinceMs });
  }

  #request(): void {
    while (
      this.#waiting.size > this.#requests.size &&
      this.#held + this.#requests.size < this.concurrency &&
      this.#queued() < this.#source.mayQueue
    )
      this.#ask();
  }

  #queued(): number {
    let count = 0;
    for (const { queued } of this.#requests) if (queued !== false) count++;
    return count;
  }

  #ask(): void {
    const request: Request = { since: performance.now(), queued: false };
    this.#requests.add(request);
    const queued = this.#source.request((error, lent) => {
      this.#requests.delete(request);
      const [next] = this.#waiting.keys();
      // One that comes after another was tried in its place may be one too many.
      const mayServe = next !== undefined && this.#held < this.concurrency;
      if (lent && !mayServe) lent.release();
      else if (next) {
        this.#take(next, lent ? "lent" : "failed");
        if (lent) {
          this.#held++;
          next.resolve(lent);
        } else next.reject(error);
      }
      this.#request();
    });
    request.queued = queued;
  }
}
