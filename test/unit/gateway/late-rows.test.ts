import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { judge } from "../../../src/gateway/verdict.js";
import { isLate } from "../../../src/row/row-age.js";
import { latestRevision, newProcessId, newRevision, withWriter } from "../../../src/row/writers.js";

// A row through its life, written by processes of this version and of 0.1 and by hand, and read late by as
// much as chance will have it.

interface Row {
  readonly revision: number;
  readonly writers: Buffer;
  /** The attempt that made it. */
  readonly by?: Attempt;
}

interface Attempt {
  readonly baseRevision: number;
  readonly revision: number;
  readonly writers: Buffer;
}

/** One process that has the session open: what it knows of the row, and a statement that it has given up. */
interface Process {
  readonly id: Buffer;
  readonly is01: boolean;
  /** Where in the history the row is that it knows. */
  known: number;
  givenUp?: Attempt | undefined;
}

const random48 = () => randomBytes(6).readUIntBE(0, 6);

function attemptOn(row: Row, { id, is01 }: Process): Attempt {
  const text = { revision: row.revision, writers: row.writers.toString("latin1") };
  const revision = is01 ? random48() : newRevision(latestRevision(text));
  return { baseRevision: row.revision, revision, writers: withWriter(row.writers, id, revision) };
}

class World {
  readonly history: Row[] = [];
  readonly processes: Process[];

  constructor(kinds: readonly boolean[]) {
    this.processes = kinds.map((is01) => ({ id: newProcessId(), is01, known: 0 }));
    const [first] = this.processes as [Process];
    this.apply(attemptOn({ revision: 0, writers: Buffer.alloc(0) }, first), { isFirst: true });
  }

  get last(): Row {
    return this.history.at(-1) as Row;
  }

  /** As the database does. */
  apply(attempt: Attempt, { isFirst = false } = {}): boolean {
    if (!isFirst && this.last.revision !== attempt.baseRevision) return false;
    this.history.push({ revision: attempt.revision, writers: attempt.writers, by: attempt });
    return true;
  }

  edit(): void {
    this.history.push({ revision: this.last.revision + 1, writers: this.last.writers });
  }

  has(attempt: Attempt): boolean {
    return this.history.some(({ by }) => by === attempt);
  }
}

/** What happens: which process does it, and how. */
const step = fc.record({
  who: fc.nat(),
  what: fc.constantFrom("write", "write", "write", "lose", "come through", "read", "edit"),
  /** How many writes a read is behind. */
  late: fc.oneof(fc.constant(0), fc.nat(4), fc.nat(40)),
});

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

interface Counts {
  [verdict: string]: number;
}

/**
 * Runs one history; throws where a verdict is not true. `counts`: of verdicts on rows that were read in time.
 */
function live(kinds: readonly boolean[], steps: readonly Step[], counts: Counts): void {
  const world = new World(kinds);
  for (const { who, what, late } of steps) {
    const process = world.processes[who % world.processes.length] as Process;
    if (what === "edit") {
      world.edit();
      continue;
    }
    if (what === "come through") {
      if (process.givenUp) world.apply(process.givenUp);
      process.givenUp = undefined;
      continue;
    }
    const base = world.history[process.known] as Row;
    if (process.is01) {
      world.apply(attemptOn(world.last, process));
      continue;
    }
    if (what === "read") {
      const at = Math.max(0, world.history.length - 1 - late);
      const row = world.history[at] as Row;
      const isBehind = isLate(row, base);
      if (at >= process.known && late === 0 && isBehind)
        counts["late although new"] = (counts["late although new"] ?? 0) + 1;
      if (!isBehind && at < process.known)
        counts["taken although old"] = (counts["taken although old"] ?? 0) + 1;
      if (!isBehind) process.known = Math.max(at, process.known);
      continue;
    }
    const attempt = attemptOn(base, process);
    if (what === "write") world.apply(attempt);
    else process.givenUp = attempt;
    const at = Math.max(0, world.history.length - 1 - late);
    const row = world.history[at] as Row;
    const verdict = judge(attempt, base, row, process.id);
    if (late === 0) counts[verdict] = (counts[verdict] ?? 0) + 1;
    if (verdict === "applied") {
      expect(world.has(attempt)).toBe(true);
      process.known = at;
    } else if (verdict === "refused") {
      expect(world.has(attempt)).toBe(false);
      // Nor will it ever be.
      expect(world.last.revision).not.toBe(attempt.baseRevision);
      expect(at).toBeGreaterThan(process.known);
      process.known = at;
    }
  }
}

const steps = fc.array(step, { minLength: 20, maxLength: 120 });

describe("no verdict on a row that was read late is wrong", () => {
  test.each([
    ["processes of this version", 5, 0],
    ["more of them than fit into writers", 14, 0],
    ["a few of either version", 4, 3],
    ["many of either version", 7, 7],
    ["one, with many of 0.1", 1, 10],
  ])("%s", (_, ours, of01) => {
    const kinds = [...Array(ours).fill(false), ...Array(of01).fill(true)];
    const counts: Counts = {};
    fc.assert(
      fc.property(steps, (list) => live(kinds, list, counts)),
      { numRuns: 200 },
    );
    expect(counts["refused"]).toBeGreaterThan(30);
    expect(counts["applied"]).toBeGreaterThan(0);
    // Where all revisions grow, no row that was read in time is looked at again, and no older one is taken
    // for new.
    const { late = 0, "late although new": looked = 0, "taken although old": taken = 0 } = counts;
    if (of01 === 0) expect({ late, looked, taken }).toEqual({ late: 0, looked: 0, taken: 0 });
  });
});
