import type { SessionErrorCode } from "../errors.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Cluster } from "../socket.io/cluster.js";
import type { SocketCounts } from "../socket.io/socket-counts.js";
import type { Seconds, UnixSeconds } from "../store.js";

/** Reads that take so long, or a queue that waits so long, are no pause between two breaths any more. */
const SLOW: Seconds = 1;

/**
 * Why the status is not `"up"`.
 * - `"closed"`: `sessions.close()` was called.
 * - `"store-down"`: the store has not answered for `storeTimeout`.
 * - `"store-retrying"`: it has failed, not for so long yet; what was asked of it is sent again.
 * - `"store-slow"`: reads take a second or more.
 * - `"queue-slow"`: what waits for the store has waited for a second or more.
 * - `"adapter-away"`: what is announced to other servers is not heard.
 */
export type HealthReason =
  | "closed"
  | "store-down"
  | "store-retrying"
  | "store-slow"
  | "queue-slow"
  | "adapter-away";

/** What {@link TokenSessions.health} answers. */
export interface Health {
  /**
   * `"down"`: sessions cannot be opened or changed · `"degraded"`: they can, but slowly, or it is not known
   * yet whether · `"up"`: nothing is known that speaks against it.
   */
  readonly status: "up" | "degraded" | "down";
  /** Empty where it is `"up"`. */
  readonly reasons: readonly HealthReason[];
  /** Where the rows live, by what came of the last statements. */
  readonly store: {
    /** `"retrying"`: the last statements have failed · `"down"`: and none was answered for `storeTimeout`. */
    readonly status: "up" | "retrying" | "down";
    /** Since when: by this machine's clock. Of an outage, when the first statement failed. */
    readonly since: UnixSeconds;
    /** What the last failure was, also where that is over; `undefined` where there was none. */
    readonly lastError: SessionErrorCode | undefined;
    /**
     * How long reads take, weighted to the last ones; `undefined` before the first. Writes do not count: they
     * may wait for locks of others.
     */
    readonly latency: Seconds | undefined;
  };
  /** The cluster adapter: `"none"` where there is none; `"away"` where messages to other servers fail. */
  readonly adapter: "none" | "up" | "away";
  /** What waits for the store. */
  readonly queue: {
    /** Entries: a load, a write and so on, each of one session. */
    readonly length: number;
    /** How long the first of them has waited; 0 where there is none. */
    readonly age: Seconds;
    /** Statements that may be under way at once. */
    readonly lanes: number;
    /** Those that are. */
    readonly lanesTaken: number;
  };
  /** Sessions that this process has open. */
  readonly live: number;
  /** Sockets of the namespaces that these sessions are attached to. */
  readonly sockets: {
    /** Connected ones. */
    readonly attached: number;
    /** Their events that wait: while a session is opened, or the store is away. */
    readonly heldEvents: number;
  };
}

/** Whose health it is. */
export interface HealthSources {
  readonly registry: SessionRegistry;
  readonly cluster: Cluster;
  readonly counts: SocketCounts;
}

/** Puts together what is known. Asks nobody. */
export function healthOf({ registry, cluster, counts }: HealthSources): Health {
  const { state } = registry.storeWatch;
  const { length, oldestMs, lanes, lanesTaken } = registry.store.queue;
  const { status, since, lastError, latencyMs } = state;
  const latency = latencyMs === undefined ? undefined : latencyMs / 1000;
  const known = {
    store: { status, since, lastError, latency },
    adapter: cluster.adapter,
    queue: { length, age: oldestMs / 1000, lanes, lanesTaken },
    live: registry.liveCount,
    sockets: { ...counts },
  };
  const reasons = reasonsOf(known, { isClosed: registry.isClosed });
  return { status: statusBy(reasons), reasons, ...known };
}

function reasonsOf(
  { store, adapter, queue }: Pick<Health, "store" | "adapter" | "queue">,
  { isClosed }: { isClosed: boolean },
): HealthReason[] {
  const all: readonly [boolean, HealthReason][] = [
    [isClosed, "closed"],
    [store.status === "down", "store-down"],
    [store.status === "retrying", "store-retrying"],
    [(store.latency ?? 0) >= SLOW, "store-slow"],
    [queue.age >= SLOW, "queue-slow"],
    [adapter === "away", "adapter-away"],
  ];
  return all.filter(([isSo]) => isSo).map(([, reason]) => reason);
}

function statusBy(reasons: readonly HealthReason[]): Health["status"] {
  if (reasons.includes("closed") || reasons.includes("store-down")) return "down";
  return reasons.length > 0 ? "degraded" : "up";
}
