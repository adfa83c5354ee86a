import type { Change, Row } from "../sql/statement.js";
import { EPOCH_MS } from "../world/process.js";
import type { Random } from "../world/random.js";
import type { Lane, Timeline } from "../world/timeline.js";
import { type Cluster, type Host, newHost } from "./cluster.js";
import type { ConnectionState } from "./connection-state.js";
import { fairWeather, type Weather } from "./weather.js";

export type { Host } from "./cluster.js";

interface Version {
  readonly atMs: number;
  readonly row: Row | null;
  /** The server that committed it. */
  readonly host: Host | undefined;
}

/**
 * Who is told of every change to the table, as it happens. `by`: whose statement it was, or what an
 * administrator did.
 */
export type CommitListener = (change: Change, before: Row | null, by: string, beganAt: number) => void;

/**
 * The database: one table with all that it has ever had, the locks on its rows, and the servers that it is
 * reached by. What is committed is committed on all of them; how late a read sees it is a matter of the
 * {@link Weather}.
 */
export class Database implements Lane {
  readonly name = "database";
  readonly isAlive = true;
  readonly pausedUntilMs = 0;
  readonly engine: "mysql" | "mariadb";
  readonly timeline: Timeline;
  readonly random: Random;
  readonly weather: Weather = fairWeather();
  /** How far its clock is from the true time. */
  wrongByMs = 0;
  primary: Host = newHost("db1");
  /** Where there is one, {@link primary} plays no part. */
  cluster: Cluster | undefined;
  onCommit: CommitListener = () => {};
  /** Of what the database itself has taken back. */
  onLoss: (changes: readonly { change: Change; before: Row | null }[]) => void = () => {};
  /** When it last lost what had been committed. Statements that were sent before are rolled back. */
  lostAtMs = Number.NEGATIVE_INFINITY;
  /** Connections in a transaction. */
  readonly open = new Set<ConnectionState>();
  /** What took effect, and how often. */
  readonly count: (what: string) => void;
  readonly #versions = new Map<string, Version[]>();
  #rows: Row[] | undefined;
  readonly #locks = new Map<string, object>();
  readonly #waiting = new Set<() => void>();
  #hosts = 1;

  constructor(
    timeline: Timeline,
    { random, engine, count }: { random: Random; engine: Database["engine"]; count: (what: string) => void },
  ) {
    this.timeline = timeline;
    this.random = random;
    this.engine = engine;
    this.count = count;
  }

  /** Unix seconds with fractions, by its own clock. */
  get time(): number {
    return (EPOCH_MS + this.timeline.nowMs + this.wrongByMs) / 1000;
  }

  /** All rows, as committed. */
  get rows(): readonly Row[] {
    this.#rows ??= [...this.#versions.values()]
      .map((versions) => versions.at(-1)?.row ?? null)
      .filter((row) => row !== null);
    return this.#rows;
  }

  row(sessionId: string): Row | null {
    return this.#versions.get(sessionId)?.at(-1)?.row ?? null;
  }

  /** All rows as they were then; of what was lost since nothing is left. */
  rowsAt(givenMs: number): readonly Row[] {
    const atMs = Math.max(givenMs, this.lostAtMs);
    return [...this.#versions.values()]
      .map((versions) => versions.findLast((version) => version.atMs <= atMs)?.row ?? null)
      .filter((row) => row !== null);
  }

  /** When a row was last written, or lost. */
  changedAtMs(sessionId: string): number {
    return this.#versions.get(sessionId)?.at(-1)?.atMs ?? 0;
  }

  /** All rows as a server has them. What it has committed itself it has. */
  rowsOn(host: Host): readonly Row[] {
    // One that was replaced hears of nothing any more.
    if (!this.cluster) return host === this.primary ? this.rows : this.rowsAt(host.appliedAtMs);
    host.appliedAtMs = Math.max(host.appliedAtMs, this.timeline.nowMs - host.lagMs);
    if (host.appliedAtMs === this.timeline.nowMs) return this.rows;
    return [...this.#versions.values()]
      .map(
        (versions) =>
          versions.findLast((version) => version.atMs <= host.appliedAtMs || version.host === host)?.row ??
          null,
      )
      .filter((row) => row !== null);
  }

  /** Where a new connection leads to. */
  hostFor(): Host | undefined {
    if (this.cluster) return this.cluster.hostFor();
    return this.primary.isUp ? this.primary : undefined;
  }

  /** The table is as it was then, whatever has been committed since. */
  loseSince(atMs: number): void {
    const kept = new Map(this.rowsAt(atMs).map((row) => [String(row["sessionId"]), row]));
    const lost: { change: Change; before: Row | null }[] = [];
    for (const [sessionId, versions] of this.#versions) {
      const before = versions.at(-1)?.row ?? null;
      const row = kept.get(sessionId) ?? null;
      if (row === before) continue;
      versions.push({ atMs: this.timeline.nowMs, row, host: undefined });
      this.timeline.note(`lost ${sessionId}`);
      this.timeline.tell(
        "database",
        () => `has lost what was done to ${sessionId.slice(-4)}: ${toldOf(row, before)}`,
      );
      lost.push({ change: { sessionId, row }, before });
    }
    this.#rows = undefined;
    this.lostAtMs = this.timeline.nowMs;
    if (lost.length === 0) return;
    this.count("commits lost");
    this.onLoss(lost);
  }

  /** `beganAt`: when the statement began, by whose time it goes. */
  commit(
    changes: readonly Change[],
    by: string,
    { host, beganAt = this.time }: { host?: Host; beganAt?: number } = {},
  ): void {
    for (const change of changes) {
      let versions = this.#versions.get(change.sessionId);
      if (!versions) {
        versions = [];
        this.#versions.set(change.sessionId, versions);
      }
      const before = versions.at(-1)?.row ?? null;
      this.timeline.note(`${change.sessionId} ${change.row?.["revision"]}`);
      this.timeline.tell(
        by,
        () => `has changed ${change.sessionId.slice(-4)}: ${toldOf(change.row, before)}`,
      );
      versions.push({ atMs: this.timeline.nowMs, row: change.row, host });
      this.#rows = undefined;
      this.onCommit(change, before, by, beganAt);
    }
  }

  /** Servers of a cluster know nothing of each other's locks. */
  isLocked(sessionId: string, by?: object, host?: Host): boolean {
    const owner = this.#locks.get(this.#lockOf(sessionId, host));
    return owner !== undefined && owner !== by;
  }

  #lockOf(sessionId: string, host = this.cluster?.hosts[0]): string {
    return this.cluster ? `${host?.name}/${sessionId}` : sessionId;
  }

  /** Takes those that are free, in order, up to the first that is not; answers whether it has all. */
  lock(sessionIds: readonly string[], by: object, host?: Host): boolean {
    for (const id of sessionIds) {
      if (this.isLocked(id, by, host)) return false;
      this.#locks.set(this.#lockOf(id, host), by);
    }
    return true;
  }

  /** Lets go of all that somebody has locked; who waits looks again. */
  unlock(by: object): void {
    let isFree = false;
    for (const [id, owner] of this.#locks) {
      if (owner !== by) continue;
      this.#locks.delete(id);
      isFree = true;
    }
    if (isFree) for (const look of [...this.#waiting]) look();
  }

  /** Has `look` called whenever a lock has been given up; gives what ends that. */
  wait(look: () => void): () => void {
    this.#waiting.add(look);
    return () => this.#waiting.delete(look);
  }

  /** Another server takes over. The one before stays, read-only, or is gone. */
  switchOver({ oldStays }: { oldStays: boolean }): Host {
    const old = this.primary;
    old.isReadOnly = true;
    old.isUp = oldStays;
    old.appliedAtMs = this.timeline.nowMs;
    this.primary = newHost(`db${++this.#hosts}`);
    return old;
  }
}

/** For the story: what is new in a row. */
function toldOf(row: Row | null, before: Row | null): string {
  if (!row) return "deleted";
  const told = Object.entries(row).filter(
    ([name, value]) => name !== "writers" && String(before?.[name]) !== String(value),
  );
  return told
    .map(([name, value]) => `${name} ${Buffer.isBuffer(value) ? value.toString("hex", 0, 3) : value}`)
    .join(", ");
}
