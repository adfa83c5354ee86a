import { pause } from "../base/clock.js";
import { LogOnce } from "../base/log-once.js";
import { SessionError, toSessionError } from "../errors.js";
import { retryWrite, storeError } from "../gateway/retry.js";
import type { Settings } from "../options.js";
import type { Seconds, SessionStore } from "../store.js";

/** Rows stay for an hour after they expired, so that who looks into a complaint still finds them. */
const KEPT_FOR: Seconds = 3600;
/**
 * Rows of one step: as few as it takes to be quick, because its rows, and the disk, are somebody else's
 * meanwhile.
 */
const FIRST_STEP = 100;
const SMALLEST_STEP = 20;
const LARGEST_STEP = 500;
/** A step that takes longer is halved, one that takes less than half of it is doubled. */
const STEP_MS = 20;
/** Rest after each step, in times of its length: the database belongs to the sessions that live. */
const REST = 2;
const EVERY_MS = 600_000;

/** Deletes expired rows: when asked, and in the background. */
export class Pruning {
  readonly #store: SessionStore;
  readonly #settings: Settings;
  readonly #track: <Result>(work: () => Promise<Result>) => Promise<Result>;
  #stopped = false;
  #cancel = () => {};
  /** What keeps the background from pruning. */
  readonly #once = new LogOnce();

  /** `during` has closing wait for the step that is under way. */
  constructor(
    store: SessionStore,
    settings: Settings,
    during: <Result>(work: () => Promise<Result>) => Promise<Result>,
  ) {
    this.#track = during;
    this.#store = store;
    this.#settings = settings;
  }

  start(): void {
    // The first at any time within the interval: nodes that start together do not prune together.
    if (this.#settings.prune && this.#store.prune) this.#schedule(EVERY_MS * Math.random());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /**
   * Resolves to the number of rows deleted. Errors: `SESSION_UNSUPPORTED` where the store cannot,
   * `SESSION_STORE_UNAVAILABLE` and `SESSION_STORE_FAILED` where surely none were deleted, else
   * `SESSION_WRITE_UNCERTAIN`; `SESSION_CLOSED`.
   */
  async run(): Promise<number> {
    if (this.#stopped) throw new SessionError("SESSION_CLOSED");
    if (!this.#store.prune) throw new SessionError("SESSION_UNSUPPORTED", "it cannot find expired sessions");
    return this.#track(() => this.#runSteps());
  }

  async #runSteps(): Promise<number> {
    const { clock, facts, storeTimeout } = this.#settings;
    let total = 0;
    let limit = FIRST_STEP;
    while (!this.#stopped) {
      const beganMs = clock.now();
      const deadline = beganMs + storeTimeout * 1000;
      const step = await retryWrite(this.#settings, deadline, undefined, async () =>
        this.#store.prune?.({ expiredFor: KEPT_FOR, limit }),
      ).catch((error: unknown) => {
        if (total === 0) throw error;
        const { code } = toSessionError(error);
        throw new SessionError("SESSION_WRITE_UNCERTAIN", `${total} rows were deleted (${code})`, {
          cause: error,
        });
      });
      total += step?.deleted ?? 0;
      const tookMs = clock.now() - beganMs;
      if (step) facts.prune.tell({ ...step, durationMs: tookMs });
      // Where others delete the same rows at the same time, they may as well have the rest.
      if (!step?.more || step.deleted === 0) break;
      if (tookMs > STEP_MS) limit = Math.max(SMALLEST_STEP, Math.floor(limit / 2));
      else if (tookMs < STEP_MS / 2) limit = Math.min(LARGEST_STEP, limit * 2);
      await pause(clock, REST * tookMs);
    }
    return total;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#cancel = this.#settings.clock.after(delayMs, () => {
      void this.#runInBackground().then(() => this.#schedule(EVERY_MS * (0.8 + Math.random() * 0.4)));
    });
  }

  async #runInBackground(): Promise<void> {
    const { log } = this.#settings;
    try {
      const deleted = await this.run();
      this.#once.reset();
      if (deleted > 0) log.debug({ deleted }, "expired sessions were pruned");
    } catch (error) {
      const { code, message } = error instanceof SessionError ? error : storeError(error);
      if (this.#once.isDue(code))
        log.warn({ code }, `expired sessions could not be pruned (said once): ${message}`);
    }
  }
}
