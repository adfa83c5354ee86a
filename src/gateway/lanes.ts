/** Work that waits for a lane. */
export interface Waiting {
  /** Starts what may start. */
  dispatch(): void;
}

/**
 * What a statement may wait for: a read waits for no lock, a write may, and one that is known to wait surely
 * does.
 */
export type LaneUse = "read" | "write" | "blocking";

/**
 * How many statements may be under way at once, of all kinds together: the pool is the application's too.
 * What waits for locks never takes every lane, so that a row which somebody has locked holds up nobody else.
 */
export class Lanes {
  readonly #most: Readonly<Record<LaneUse, number>>;
  readonly #taken: Record<LaneUse, number> = { read: 0, write: 0, blocking: 0 };
  readonly #waiting = new Set<Waiting>();

  constructor(count: number) {
    this.#most = {
      read: count,
      write: count > 2 ? count - 1 : count,
      blocking: Math.max(1, Math.floor(count / 2)),
    };
  }

  /** How many there are. */
  get count(): number {
    return this.#most.read;
  }

  /** How many have a statement. */
  get taken(): number {
    const { read, write, blocking } = this.#taken;
    return read + write + blocking;
  }

  /** Takes a lane, or remembers who is to be called when one is free. */
  take(use: LaneUse, who: Waiting): boolean {
    const { read, write, blocking } = this.#taken;
    const writing = write + blocking;
    const isFree =
      read + writing < this.#most.read &&
      (use === "read" || writing < this.#most.write) &&
      (use !== "blocking" || blocking < this.#most.blocking);
    if (isFree) this.#taken[use]++;
    else this.#waiting.add(who);
    return isFree;
  }

  /**
   * Makes a lane that was taken for a write one of a statement that may wait for a lock; `false` where as
   * many may as ever.
   */
  block(): boolean {
    if (this.#taken.blocking >= this.#most.blocking) return false;
    this.#taken.write--;
    this.#taken.blocking++;
    return true;
  }

  release(use: LaneUse): void {
    this.#taken[use]--;
    // In the order in which they began to wait; who is not served now is remembered again, behind the others.
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const who of waiting) who.dispatch();
  }
}
