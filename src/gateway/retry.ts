import { type Clock, pause } from "../base/clock.js";
import { SessionError, toSessionError } from "../errors.js";
import type { Facts } from "../facts.js";
import { StoreFault } from "../store.js";

const FIRST_DELAY_MS = 20;
const LONGEST_DELAY_MS = 1_000;

/** Growing pauses with jitter, so that many waiting sessions do not all come back in the same moment. */
export class Backoff {
  readonly #clock: Clock;
  readonly #longestMs: number;
  #nextMs: number;

  constructor(clock: Clock, { firstMs = FIRST_DELAY_MS, longestMs = LONGEST_DELAY_MS } = {}) {
    this.#clock = clock;
    this.#nextMs = firstMs;
    this.#longestMs = longestMs;
  }

  async wait(): Promise<void> {
    const delayMs = this.#nextMs * (0.5 + Math.random());
    this.#nextMs = Math.min(this.#nextMs * 2, this.#longestMs);
    await pause(this.#clock, delayMs);
  }
}

/** By which clock it is tried again, and who is told of it. */
export interface RetryHost {
  readonly clock: Clock;
  readonly facts: Facts;
}

/**
 * Runs a store operation that may safely be repeated until it answers, a fault comes that waiting does not
 * mend, or `deadline` (in `clock` milliseconds) has passed; then throws a {@link SessionError}.
 */
export async function retry<T>(
  { clock, facts }: RetryHost,
  deadline: number,
  run: () => Promise<T>,
): Promise<T> {
  const backoff = new Backoff(clock);
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isPassing(error) || clock.now() >= deadline) throw storeError(error);
    }
    facts.retry.tell({ kind: "other" });
    await backoff.wait();
  }
}

/**
 * The same for an operation that changes something. `SESSION_STORE_UNAVAILABLE` and `SESSION_STORE_FAILED`
 * say that surely nothing was written; where a statement of some try may have taken effect, or may yet, the
 * error is `SESSION_WRITE_UNCERTAIN`, whatever the last try came to.
 */
export async function retryWrite<T>(
  host: RetryHost,
  deadline: number,
  sessionId: string | undefined,
  run: () => Promise<T>,
): Promise<T> {
  let uncertain = false;
  try {
    return await retry(host, deadline, async () => {
      try {
        return await run();
      } catch (error) {
        uncertain ||= mayHaveEffect(error);
        throw error;
      }
    });
  } catch (error) {
    if (!uncertain) throw error;
    const { code } = toSessionError(error);
    throw new SessionError("SESSION_WRITE_UNCERTAIN", code, {
      cause: error,
      ...(sessionId && { sessionId }),
    });
  }
}

/**
 * Whether a statement that failed so may have taken effect. What no store is meant to throw says nothing
 * about that.
 */
export function mayHaveEffect(error: unknown): boolean {
  if (error instanceof StoreFault) return error.kind === "unknown";
  return !(error instanceof SessionError);
}

/** Whether the same operation may go through later. */
export function isPassing(error: unknown): error is StoreFault {
  return error instanceof StoreFault && error.kind !== "refused";
}

/** The error that the application sees for a store operation that failed for good. */
export function storeError(error: unknown): SessionError {
  if (!(error instanceof StoreFault)) return toSessionError(error);
  const code = error.kind === "refused" ? "SESSION_STORE_FAILED" : "SESSION_STORE_UNAVAILABLE";
  return new SessionError(code, error.message, { cause: error });
}
