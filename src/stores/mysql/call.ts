import { StoreFault } from "../../store.js";
import type { ConnectionLender } from "./connection-lender.js";
import type { Stage } from "./faults.js";
import type { LentConnection } from "./lent-connection.js";

/** One statement on its way, with the time that it may take, its wait for a connection included. */
export class Call {
  /**
   * Rejects when the time is up: what waits then is forgotten, what runs is given up with its connection.
   * Only the check of a new connection has the same time again, for who comes next.
   */
  readonly overdue: Promise<never>;
  stage: Stage = "connecting";
  readonly #lender: ConnectionLender;
  readonly #timer: NodeJS.Timeout;
  #lent: LentConnection | undefined;
  #forget: (() => void) | undefined;
  readonly #timeoutMs: number;
  #isOver = false;
  #isAbandoned = false;
  #lastTimer: NodeJS.Timeout | undefined;

  constructor(lender: ConnectionLender, timeoutMs: number) {
    this.#lender = lender;
    this.#timeoutMs = timeoutMs;
    let fail: (error: StoreFault) => void = () => {};
    this.overdue = new Promise<never>((_, reject) => {
      fail = reject;
    });
    this.#timer = setTimeout(() => {
      fail(new StoreFault(this.stage === "sent" ? "unknown" : "not-applied", "no answer in time"));
      this.#giveUp();
    }, timeoutMs);
  }

  /** Rejects as the driver does; never settles once the time is up. */
  borrow(): Promise<LentConnection> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return;
      const borrower = {
        resolve: (lent: LentConnection) => {
          this.#forget = undefined;
          this.#lent = lent;
          resolve(lent);
        },
        reject: (error: unknown) => {
          this.#forget = undefined;
          reject(error);
        },
      };
      this.#forget = () => this.#lender.cancel(borrower);
      this.#lender.lend(borrower);
    });
  }

  /** Throws once the time is up: a statement whose caller has gone must not run behind everybody's back. */
  mayGoOn(): void {
    if (this.#isOver) throw new StoreFault("not-applied", "gave up waiting for a connection");
  }

  giveBack(): void {
    const lent = this.#take();
    if (!lent) return;
    if (this.#isAbandoned) this.#lender.comeBack(lent);
    else this.#lender.release(lent);
  }

  drop(): void {
    const lent = this.#take();
    if (!lent) return;
    if (this.#isAbandoned) this.#lender.comeBack(lent);
    else this.#lender.drop(lent);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #take(): LentConnection | undefined {
    const lent = this.#lent;
    this.#lent = undefined;
    clearTimeout(this.#lastTimer);
    return lent;
  }

  #giveUp(): void {
    this.#isOver = true;
    this.#forget?.();
    // The check of a new connection is several statements. Given up each time, it would never be done where
    // answers come slowly.
    if (this.#lent?.isNew && this.stage === "connecting")
      this.#lastTimer = setTimeout(() => this.#abandon(), this.#timeoutMs).unref();
    else this.#abandon();
  }

  #abandon(): void {
    this.#isAbandoned = true;
    if (this.#lent) this.#lender.abandon(this.#lent);
  }
}
