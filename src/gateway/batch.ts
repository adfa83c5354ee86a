import { SessionError } from "../errors.js";
import { MAX_STATEMENT_BYTES } from "../row/entry-bytes.js";
import { StoreFault } from "../store.js";
import { Arrivals } from "./arrivals.js";
import type { Lanes, LaneUse } from "./lanes.js";
import type { EndedStatement } from "./statement.js";

/**
 * What may wait together before more is refused: both are far beyond what a store that answers lets pile up.
 */
const MAX_WAITING = 100_000;
const MAX_WAITING_BYTES = 64 * 1_048_576;
/** A statement that takes longer than this may be waiting for a lock: the next ones do not wait for it. */
const SLOW_MS = 20;

/** How the entries of a batch become statements. */
export interface BatchOptions<Entry, Result> {
  readonly lanes: Lanes;
  readonly use: LaneUse;
  /** Entries in one statement. */
  readonly width: number;
  /** Answers for each entry, in order. `mayWait`: nothing else is held up if it waits for a lock. */
  readonly run: (entries: readonly Entry[], options: { mayWait: boolean }) => Promise<readonly Result[]>;
  /** Keeps the locks of a statement in one order. */
  readonly keyOf?: (entry: Entry) => string;
  /** What an entry takes of a statement. */
  readonly bytesOf: (entry: Entry) => number;
  /**
   * What the entries of a statement may take together, as far as one alone allows; asked for each. @default 1
   * MiB
   */
  readonly mostBytes?: () => number;
  /** Whether an entry has to be a statement of its own. */
  readonly isSingle?: (entry: Entry) => boolean;
  /** Hears of each statement, before those whose entries it had. */
  readonly onStatement?: (ended: EndedStatement) => void;
}

/** An entry, and who is told what came of it. */
export interface Pending<Entry, Result> {
  /** May be made when it is first asked for: that is when its statement starts, where `bytes` is given. */
  readonly entry: Entry;
  /** What the entry takes of a statement at most; otherwise the batch finds out. */
  readonly bytes?: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Natural batching: entries of different sessions that pile up while a statement is in flight go out together
 * in the next. On an idle server an entry goes out at once, alone; the busier the server, or the slower the
 * store, the wider the statements. What one turn of the event loop brings goes out together, so one statement
 * carries what came in by one reading of the sockets.
 */
export class Batch<Entry, Result> {
  readonly #options: BatchOptions<Entry, Result>;
  #waiting: Pending<Entry, Result>[] = [];
  #waitingBytes = 0;
  readonly #arrivals = new Arrivals();
  #isScheduled = false;
  #inFlight = 0;
  /**
   * When the newest statement began, by this process's own clock: how statements flow is no part of the time
   * that tests move.
   */
  #lastStartMs = 0;
  #slowTimer: NodeJS.Timeout | undefined;

  constructor(options: BatchOptions<Entry, Result>) {
    this.#options = options;
  }

  /** Entries that wait for their statement. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** How long the first of them has waited, milliseconds. */
  get oldestMs(): number {
    return this.#arrivals.oldestMs;
  }

  /**
   * Rejects as `run` does, where it fails for this entry, and with `SESSION_QUEUE_FULL` where too much waits
   * already.
   */
  add(entry: Entry): Promise<Result> {
    return new Promise((resolve, reject) => this.enter({ entry, resolve, reject }));
  }

  /** The same without a promise: what waits by the thousand should be small. */
  enter(pending: Pending<Entry, Result>): void {
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes > MAX_WAITING_BYTES) {
      pending.reject(new SessionError("SESSION_QUEUE_FULL", "too much waits for the store"));
      return;
    }
    this.#waiting.push(pending);
    this.#arrivals.add(!this.#isScheduled);
    this.#waitingBytes += this.#bytesOf(pending);
    this.#schedule();
  }

  #bytesOf(pending: Pending<Entry, Result>): number {
    return pending.bytes ?? this.#options.bytesOf(pending.entry);
  }

  get #mostBytes(): number {
    return this.#options.mostBytes?.() ?? MAX_STATEMENT_BYTES;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.dispatch();
    });
  }

  /** Starts what may start now. Called by {@link Lanes} when a lane is free. */
  dispatch(): void {
    const { lanes, use } = this.#options;
    while (this.#waiting.length > 0 && this.#mayStart() && lanes.take(use, this)) void this.#start();
    if (this.#waiting.length > 0 && this.#inFlight > 0) this.#dispatchLater();
  }

  #mayStart(): boolean {
    if (this.#inFlight === 0 || this.#options.use === "blocking") return true;
    if (this.#waiting.length >= this.#options.width || this.#waitingBytes >= this.#mostBytes) return true;
    return performance.now() - this.#lastStartMs >= SLOW_MS;
  }

  /** Nothing may come that would have this looked at before the slow statement ends. */
  #dispatchLater(): void {
    this.#slowTimer ??= setTimeout(() => {
      this.#slowTimer = undefined;
      this.dispatch();
    }, SLOW_MS).unref();
  }

  async #start(): Promise<void> {
    const { lanes, keyOf } = this.#options;
    const waitedMs = this.#arrivals.oldestMs;
    const pending = this.#take();
    if (keyOf) pending.sort((one, other) => (keyOf(one.entry) < keyOf(other.entry) ? -1 : 1));
    const use = this.#use();
    this.#inFlight++;
    this.#lastStartMs = performance.now();
    await this.#run(pending, { mayWait: use === "blocking", waitedMs });
    this.#inFlight--;
    lanes.release(use);
    if (this.#waiting.length > 0) this.#schedule();
  }

  /**
   * The only write of its kind may wait for a lock, which costs less than to leave its row out. Then it
   * counts as one that waits.
   */
  #use(): LaneUse {
    const { lanes, use } = this.#options;
    return use === "write" && this.#inFlight === 0 && lanes.block() ? "blocking" : use;
  }

  #take(): Pending<Entry, Result>[] {
    const { width, isSingle } = this.#options;
    const most = this.#mostBytes;
    let count = 0;
    let bytes = 0;
    for (const pending of this.#waiting) {
      const single = isSingle?.(pending.entry) === true;
      const more = this.#bytesOf(pending);
      if (count > 0 && (single || bytes + more > most)) break;
      count++;
      bytes += more;
      if (single || count === width) break;
    }
    this.#waitingBytes -= bytes;
    this.#arrivals.remove(count);
    return this.#waiting.splice(0, count);
  }

  /** Never rejects. */
  async #run(pending: Pending<Entry, Result>[], way: { mayWait: boolean; waitedMs: number }): Promise<void> {
    const { run, onStatement } = this.#options;
    const { mayWait, waitedMs } = way;
    const beganMs = performance.now();
    const tell = (failed?: { error: unknown }) =>
      onStatement?.({ width: pending.length, durationMs: performance.now() - beganMs, waitedMs, ...failed });
    try {
      const results = await run(
        pending.map(({ entry }) => entry),
        { mayWait },
      );
      if (results.length !== pending.length) throw new TypeError("a store must answer for each entry");
      tell();
      for (const [n, each] of pending.entries()) resolve(each, results[n] as Result);
    } catch (error) {
      tell({ error });
      if (pending.length > 1 && error instanceof StoreFault && error.mayBeOneEntry) {
        // One bad row fails alone.
        const half = Math.ceil(pending.length / 2);
        await this.#run(pending.slice(0, half), way);
        await this.#run(pending.slice(half), way);
      } else for (const each of pending) reject(each, error);
    }
  }
}

// Who is told must not keep the others from being told; what goes wrong there is not lost either.

function resolve<Result>(pending: Pending<unknown, Result>, result: Result): void {
  try {
    pending.resolve(result);
  } catch (error) {
    throwLater(error);
  }
}

function reject(pending: Pending<unknown, never>, error: unknown): void {
  try {
    pending.reject(error);
  } catch (thrown) {
    throwLater(thrown);
  }
}

function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
