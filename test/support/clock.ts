import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../src/base/clock.js";

/**
 * Lets what has fallen due come to rest, with a store in memory: a statement, and one that follows it, begin
 * in a turn of their own.
 */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 6; turns++) await turn();
}

/** Shorter than any pause of the library that a test steps through. */
const STEP_MS = 50;

/** A clock that stands still until a test moves it. */
export class HandClock implements Clock {
  #now = 0;
  #setBy = 0;
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return this.#now + this.#setBy;
  }

  /** The wall clock is set, or the machine has slept for so long. */
  jump(byMs: number): void {
    this.#setBy += byMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Moves on, running what falls due in order. */
  advance(byMs: number): void {
    const until = this.#now + byMs;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
    }
    this.#now = until;
  }

  /**
   * Moves on in steps of {@link STEP_MS}, each after what has fallen due has come to rest, until `outcome` is
   * there.
   */
  async advanceUntil<T>(outcome: Promise<T>): Promise<T> {
    let isThere = false;
    const there = () => {
      isThere = true;
    };
    outcome.then(there, there);
    for (await settled(); !isThere; await settled()) this.advance(STEP_MS);
    return outcome;
  }
}
