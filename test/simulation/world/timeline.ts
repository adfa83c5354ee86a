import { hashOf } from "./random.js";

/**
 * Where events happen: a process, or the world around them. An event of a lane that has died does not happen.
 */
export interface Lane {
  readonly name: string;
  readonly isAlive: boolean;
  /** Its events wait until then. */
  readonly pausedUntilMs: number;
}

export interface TimelineEvent {
  atMs: number;
  /** Of events that are due at the same time the lowest comes first, then the one that came up first. */
  rank: number;
  readonly order: number;
  readonly lane: Lane;
  readonly what: string;
  readonly run: () => void;
  isCancelled: boolean;
}

/**
 * All that is going to happen, in the order that the seed decides. Time moves from one event to the next, and
 * stands still between.
 */
export class Timeline {
  nowMs = 0;
  /** How many events have happened. */
  count = 0;
  /** Of all that has happened: two runs are the same where these are. */
  hash = 0;
  /** Is told the story, where somebody wants it. */
  teller: ((atMs: number, who: string, what: string) => void) | undefined;
  readonly #heap: TimelineEvent[] = [];
  readonly #seed: number;
  /** How many events of each lane and name there were. */
  readonly #counts = new Map<string, number>();
  #order = 0;

  constructor(seed: string) {
    this.#seed = hashOf(seed);
  }

  /**
   * Something that comes from outside: among others of the same millisecond it comes wherever the seed says.
   * What happens in other lanes has no part in where, so a plan from which something was left out keeps the
   * order of the rest.
   */
  at(atMs: number, lane: Lane, what: string, run: () => void): TimelineEvent {
    const name = `${lane.name} ${what}`;
    const count = this.#counts.get(name) ?? 0;
    this.#counts.set(name, count + 1);
    return this.#add(atMs, rankOf(name, this.#seed + count), lane, what, run);
  }

  /** A timer: among those of the same process and the same millisecond it keeps its order. */
  timer(atMs: number, lane: Lane, what: string, run: () => void): TimelineEvent {
    return this.#add(atMs, rankOf(lane.name, this.#seed + atMs), lane, what, run);
  }

  /** Before all else. */
  next(lane: Lane, what: string, run: () => void): TimelineEvent {
    return this.#add(this.nowMs, -1, lane, what, run);
  }

  /** Moves to the next event and has it happen; `false` where none is left before `untilMs`. */
  step(untilMs: number): boolean {
    for (;;) {
      const event = this.#heap[0];
      if (!event || event.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, Math.min(untilMs, Number.MAX_SAFE_INTEGER));
        return false;
      }
      this.#pop();
      if (event.isCancelled || !event.lane.isAlive) continue;
      if (event.lane.pausedUntilMs > event.atMs) {
        event.atMs = event.lane.pausedUntilMs;
        event.rank = 0;
        this.#push(event);
        continue;
      }
      this.nowMs = event.atMs;
      this.count++;
      this.hash = hashOf(event.what, hashOf(event.lane.name, this.hash ^ event.atMs));
      event.run();
      return true;
    }
  }

  /** For the story. */
  tell(who: string, what: () => string): void {
    this.teller?.(this.nowMs, who, what());
  }

  /** What has come of something, for {@link hash}. */
  note(what: string): void {
    this.hash = hashOf(what, this.hash);
  }

  #add(atMs: number, rank: number, lane: Lane, what: string, run: () => void): TimelineEvent {
    const event = {
      atMs: Math.max(this.nowMs, Math.ceil(atMs)),
      rank,
      order: this.#order++,
      lane,
      what,
      run,
      isCancelled: false,
    };
    this.#push(event);
    return event;
  }

  #push(event: TimelineEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as TimelineEvent;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as TimelineEvent;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && isBefore(heap[down + 1] as TimelineEvent, heap[down] as TimelineEvent))
        down++;
      const child = heap[down] as TimelineEvent;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
  }
}

function isBefore(one: TimelineEvent, other: TimelineEvent): boolean {
  return (
    one.atMs < other.atMs ||
    (one.atMs === other.atMs &&
      (one.rank < other.rank || (one.rank === other.rank && one.order < other.order)))
  );
}

/** From 0 to below 1. */
function rankOf(name: string, salt: number): number {
  const hash = hashOf(name, Math.imul(salt, 0x9e3779b1));
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32;
}
