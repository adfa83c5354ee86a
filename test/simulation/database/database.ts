import type { Change, Row } from "../sql/statement.js";
import { EPOCH_MS } from "../world/process.js";
import type { Random } from "../world/random.js";
import type { Lane, Timeline } from "../world/timeline.js";
import { fairWeather, type Weather } from "./weather.js";

/** A server of the database. One that has been replaced may still be there, and takes no writes. */
export interface Host {
  readonly name: string;
  isUp: boolean;
  isReadOnly: boolean;
}

interface Version {
  readonly atMs: number;
  readonly row: Row | null;
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
  primary: Host = { name: "db1", isUp: true, isReadOnly: false };
  onCommit: CommitListener = () => {};
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

  /** All rows as they were then. */
  rowsAt(atMs: number): readonly Row[] {
    return [...this.#versions.values()]
      .map((versions) => versions.findLast((version) => version.atMs <= atMs)?.row ?? null)
      .filter((row) => row !== null);
  }

  /** `beganAt`: when the statement began, by whose time it goes. */
  commit(changes: readonly Change[], by: string, beganAt = this.time): void {
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
      versions.push({ atMs: this.timeline.nowMs, row: change.row });
      this.#rows = undefined;
      this.onCommit(change, before, by, beganAt);
    }
  }

  isLocked(sessionId: string, by?: object): boolean {
    const owner = this.#locks.get(sessionId);
    return owner !== undefined && owner !== by;
  }

  /** Takes those that are free, in order, up to the first that is not; answers whether it has all. */
  lock(sessionIds: readonly string[], by: object): boolean {
    for (const id of sessionIds) {
      if (this.isLocked(id, by)) return false;
      this.#locks.set(id, by);
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
    this.primary = { name: `db${++this.#hosts}`, isUp: true, isReadOnly: false };
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
