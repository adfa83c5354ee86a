import type { Lanes } from "./lanes.js";

/** What waits for the store. */
export interface QueueState {
  /** Entries. */
  readonly length: number;
  /** How long the first of them has waited, milliseconds; 0 where there is none. */
  readonly oldestMs: number;
  /** Statements that may be under way at once. */
  readonly lanes: number;
  /** Those that are. */
  readonly lanesTaken: number;
}

/** A batch, as far as it counts. */
interface Queue {
  readonly waitingCount: number;
  readonly oldestMs: number;
}

export function queueState(queues: readonly Queue[], { count, taken }: Lanes): QueueState {
  return {
    length: queues.reduce((sum, { waitingCount }) => sum + waitingCount, 0),
    oldestMs: Math.max(...queues.map(({ oldestMs }) => oldestMs)),
    lanes: count,
    lanesTaken: taken,
  };
}
