import { AsyncLocalStorage } from "node:async_hooks";
import * as crypto from "node:crypto";
import type { Random } from "./random.js";
import type { Lane, Timeline, TimelineEvent } from "./timeline.js";

type Run = (...given: unknown[]) => void;

/** A timer as Node gives one. */
class Timer {
  readonly #process: SimulatedProcess;
  readonly #delayMs: number;
  readonly #run: () => void;
  readonly #repeats: boolean;
  #event: TimelineEvent | undefined;

  constructor(process: SimulatedProcess, delayMs: number, run: () => void, repeats: boolean) {
    this.#process = process;
    this.#delayMs = Math.max(1, Number.isFinite(delayMs) ? delayMs : 1);
    this.#run = run;
    this.#repeats = repeats;
    this.refresh();
  }

  refresh(): this {
    this.cancel();
    const { timeline } = this.#process;
    this.#event = timeline.timer(timeline.nowMs + this.#delayMs, this.#process, "timer", () => {
      if (this.#repeats) this.refresh();
      else this.#event = undefined;
      this.#run();
    });
    return this;
  }

  cancel(): void {
    if (this.#event) this.#event.isCancelled = true;
    this.#event = undefined;
  }

  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  hasRef(): boolean {
    return false;
  }

  [Symbol.toPrimitive](): number {
    return 1;
  }
}

/**
 * One process: a node of the application, or a page. It has timers, clocks and random numbers of its own,
 * which its program finds in place of Node's. When it crashes, nothing of it happens any more, and what is on
 * its way to it goes nowhere.
 */
export class SimulatedProcess implements Lane {
  readonly name: string;
  readonly timeline: Timeline;
  readonly random: Random;
  isAlive = true;
  pausedUntilMs = 0;
  /** How long it has stood still, all in all, as of the end of the last pause. */
  stoodMs = 0;
  /** What its wall clock shows beside the true time. */
  wrongByMs = 0;
  /** How long its machine has slept: the monotonic clock stood still. */
  sleptMs = 0;
  /** What its program finds in place of Node's. */
  readonly globals: Readonly<Record<string, unknown>>;
  readonly #startedAtMs: number;
  readonly #immediates: { run: () => void; isCancelled: boolean }[] = [];
  #hasTurn = false;
  readonly #storages: AsyncLocalStorage<unknown>[] = [];

  constructor(name: string, timeline: Timeline, random: Random) {
    this.name = name;
    this.timeline = timeline;
    this.random = random;
    this.#startedAtMs = timeline.nowMs;
    this.globals = this.#makeGlobals();
  }

  crash(): void {
    this.isAlive = false;
    // Node goes through all that there are with every promise.
    for (const storage of this.#storages) storage.disable();
  }

  pause(forMs: number): void {
    const { nowMs } = this.timeline;
    const untilMs = nowMs + forMs;
    this.stoodMs += Math.max(0, untilMs - Math.max(this.pausedUntilMs, nowMs));
    this.pausedUntilMs = Math.max(this.pausedUntilMs, untilMs);
  }

  /** Something from outside reaches it, after `delayMs`. */
  receive(delayMs: number, what: string, run: () => void): void {
    this.timeline.at(this.timeline.nowMs + delayMs, this, what, run);
  }

  now(): number {
    return this.timeline.nowMs - this.#startedAtMs - this.sleptMs;
  }

  wallNow(): number {
    return EPOCH_MS + this.timeline.nowMs + this.wrongByMs;
  }

  #setImmediate(run: Run, ...given: unknown[]): { run: () => void; isCancelled: boolean } {
    const immediate = { run: () => run(...given), isCancelled: false };
    this.#immediates.push(immediate);
    if (!this.#hasTurn) {
      this.#hasTurn = true;
      this.timeline.at(this.timeline.nowMs, this, "turn", () => this.#turn(this.#immediates.length));
    }
    return immediate;
  }

  /**
   * As Node: all that have come up before, one after the other; what they bring up waits for the next turn.
   */
  #turn(left: number): void {
    const immediate = this.#immediates.shift();
    if (left > 1) this.timeline.next(this, "turn", () => this.#turn(left - 1));
    else {
      this.#hasTurn = this.#immediates.length > 0;
      if (this.#hasTurn)
        this.timeline.at(this.timeline.nowMs, this, "turn", () => this.#turn(this.#immediates.length));
    }
    if (immediate && !immediate.isCancelled) immediate.run();
  }

  #makeGlobals(): Record<string, unknown> {
    const timer =
      (repeats: boolean) =>
      (run: Run, delayMs?: number, ...given: unknown[]) =>
        new Timer(this, delayMs ?? 1, () => run(...given), repeats);
    const clear = (timer?: unknown) => {
      if (timer instanceof Timer) timer.cancel();
    };
    const wallNow = () => this.wallNow();
    const setTimeout = timer(false);
    const setInterval = timer(true);
    const setImmediate = this.#setImmediate.bind(this);
    const clearImmediate = (immediate?: { isCancelled: boolean }) => {
      if (immediate) immediate.isCancelled = true;
    };
    const timers = {
      setTimeout,
      clearTimeout: clear,
      setInterval,
      clearInterval: clear,
      setImmediate,
      clearImmediate,
    };
    const getRandomValues = (array: Uint8Array) => {
      array.set(this.random.bytes(array.length));
      return array;
    };
    const storages = this.#storages;
    return {
      ...timers,
      timers,
      async_hooks: {
        AsyncLocalStorage: class extends AsyncLocalStorage<unknown> {
          constructor() {
            super();
            storages.push(this);
          }
        },
      },
      performance: { now: () => this.now() },
      Date: class extends Date {
        constructor(...given: []) {
          super(...(given.length > 0 ? given : ([wallNow()] as unknown as [])));
        }
        static override now = wallNow;
      },
      random: () => this.random.next(),
      crypto: {
        ...crypto,
        getRandomValues,
        randomBytes: (count: number) => this.random.bytes(count),
        randomInt: (one: number, other?: number) =>
          other === undefined ? this.random.below(one) : one + this.random.below(other - one),
        randomUUID: () => crypto.createHash("md5").update(this.random.bytes(16)).digest("hex"),
        randomFillSync: getRandomValues,
      },
    };
  }
}

/** When the story begins: any day will do. */
export const EPOCH_MS = Date.UTC(2027, 0, 4, 9);
