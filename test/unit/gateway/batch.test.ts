import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Batch, type BatchOptions } from "../../../src/gateway/batch.js";
import { Lanes } from "../../../src/gateway/lanes.js";
import { StoreFault } from "../../../src/store.js";

// How entries become statements. `run` stands in for the store here; what real statements do is proven on
// real databases.

/** A statement that takes longer is slow. */
const SLOW_MS = 20;

// Only what tells how long a statement has taken, and stands still until a test moves it; turns of the event
// loop are real.
beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: ["Date", "hrtime", "nextTick", "queueMicrotask", "setImmediate", "clearImmediate"],
  });
});
afterEach(() => {
  jest.useRealTimers();
});

interface Statement {
  readonly entries: readonly string[];
  readonly mayWait: boolean;
  answer(results?: readonly unknown[]): void;
  fail(error: unknown): void;
}

/** A batch whose statements end when the test says so. */
function setUp({
  lanes = new Lanes(4),
  width = 4,
  use = "write",
  bytesOf = () => 1,
  ...options
}: Partial<BatchOptions<string, unknown>> = {}) {
  const statements: Statement[] = [];
  let whenMore = () => {};
  const batch = new Batch<string, unknown>({
    lanes,
    width,
    use,
    bytesOf,
    ...options,
    run: (entries, { mayWait }) =>
      new Promise((resolve, reject) => {
        const answer = (results: readonly unknown[] = entries) => resolve(results);
        statements.push({ entries, mayWait, answer, fail: reject });
        whenMore();
      }),
  });
  return {
    batch,
    statements,
    sent: () => statements.map(({ entries }) => entries.join("")),
    /** Resolves when so many statements have begun. */
    async until(count: number) {
      while (statements.length < count)
        await new Promise<void>((resolve) => {
          whenMore = resolve;
        });
      return statements[count - 1] as Statement;
    },
  };
}

const add = (batch: Batch<string, unknown>, entries: string) => [...entries].map((entry) => batch.add(entry));

describe("natural batching", () => {
  test("what comes in one turn goes out together, at once", async () => {
    const { batch, sent, until } = setUp();
    const results = add(batch, "abc");
    (await until(1)).answer([1, 2, 3]);
    expect(await Promise.all(results)).toEqual([1, 2, 3]);
    expect(sent()).toEqual(["abc"]);
  });

  test("what comes while a statement is in flight goes out together in the next", async () => {
    const { batch, sent, statements, until } = setUp();
    add(batch, "a");
    const first = await until(1);
    for (const entry of "bcd") {
      add(batch, entry);
      await turn();
    }
    expect(sent()).toEqual(["a"]);
    first.answer();
    await until(2);
    expect(sent()).toEqual(["a", "bcd"]);
    expect(statements.map(({ mayWait }) => mayWait)).toEqual([true, true]);
  });

  test("a whole statement's worth does not wait", async () => {
    const { batch, sent, until } = setUp({ width: 3 });
    add(batch, "a");
    await until(1);
    add(batch, "bcdefgh");
    await until(3);
    await turn();
    expect(sent()).toEqual(["a", "bcd", "efg"]);
  });

  test("a statement that takes long is not waited for, and the next one is not to wait itself", async () => {
    const { batch, sent, statements, until } = setUp();
    add(batch, "a");
    await until(1);
    add(batch, "b");
    await turn();
    jest.advanceTimersByTime(SLOW_MS - 1);
    await turn();
    expect(sent()).toEqual(["a"]);
    jest.advanceTimersByTime(1);
    await until(2);
    expect(sent()).toEqual(["a", "b"]);
    expect(statements.map(({ mayWait }) => mayWait)).toEqual([true, false]);
  });

  test("entries are in the order of their keys, and each gets its own answer", async () => {
    const { batch, sent, until } = setUp({ keyOf: (entry) => entry });
    const results = add(batch, "cab");
    (await until(1)).answer(["of a", "of b", "of c"]);
    expect(sent()).toEqual(["abc"]);
    expect(await Promise.all(results)).toEqual(["of c", "of a", "of b"]);
  });
});

describe("limits", () => {
  test("a statement carries at most 1 MiB, unless one entry alone has more", async () => {
    const bytes: Record<string, number> = { a: 600_000, b: 400_000, c: 400_000, d: 5_000_000, e: 1 };
    const { batch, sent, until } = setUp({ width: 10, bytesOf: (entry) => bytes[entry] ?? 0 });
    add(batch, "abcde");
    for (let n = 1; n <= 3; n++) (await until(n)).answer();
    await until(4);
    expect(sent()).toEqual(["ab", "c", "d", "e"]);
  });

  test("an entry that has to be alone is, and keeps its turn", async () => {
    const { batch, sent, until } = setUp({ isSingle: (entry) => entry === "x" });
    add(batch, "abxcdx");
    for (let n = 1; n <= 3; n++) (await until(n)).answer();
    await until(4);
    expect(sent()).toEqual(["ab", "x", "cd", "x"]);
  });

  test("more than 100 000 that wait are refused, and those that wait are not lost", async () => {
    const { batch, statements, until } = setUp({ width: 100_000 });
    add(batch, "a");
    await until(1);
    const waiting = Array.from({ length: 100_000 }, () => batch.add("b"));
    await expect(batch.add("c")).rejects.toMatchObject({ code: "SESSION_QUEUE_FULL" });
    statements[0]?.answer();
    (await until(2)).answer();
    expect(await Promise.all(waiting)).toHaveLength(100_000);
    const late = batch.add("d");
    (await until(3)).answer();
    expect(await late).toBe("d");
  });

  test("so are more than 64 MiB", async () => {
    const { batch, until } = setUp({ bytesOf: () => 16 * 1_048_576 });
    add(batch, "a");
    await until(1);
    const results = add(batch, "bcdefg");
    await expect(results[5]).rejects.toMatchObject({ code: "SESSION_QUEUE_FULL" });
  });
});

describe("failures", () => {
  const refused = new StoreFault("refused", "too long", { mayBeOneEntry: true });

  test("one bad entry fails alone", async () => {
    const { batch, sent, statements, until } = setUp({ width: 8 });
    const results = Promise.allSettled(add(batch, "abcdefgh"));
    for (let n = 1, left = 1; left > 0; n++, left--) {
      const { entries, answer, fail } = await until(n);
      if (!entries.includes("f")) answer();
      else {
        fail(refused);
        if (entries.length > 1) left += 2;
      }
    }
    expect((await results).map(({ status }) => status)).toEqual(
      [..."abcdefgh"].map((entry) => (entry === "f" ? "rejected" : "fulfilled")),
    );
    expect(sent()).toEqual(["abcdefgh", "abcd", "efgh", "ef", "e", "f", "gh"]);
    expect(statements).toHaveLength(7);
  });

  test.each([
    ["where the store is away", new StoreFault("not-applied", "away")],
    ["where the outcome is unknown", new StoreFault("unknown", "no answer", { mayBeOneEntry: true })],
    ["where somebody has made a mistake", new TypeError("no")],
  ])("all fail together %s", async (_, error) => {
    const { batch, sent, until } = setUp();
    const results = Promise.allSettled(add(batch, "abc"));
    (await until(1)).fail(error);
    for (const result of await results) expect(result).toEqual({ status: "rejected", reason: error });
    expect(sent()).toEqual(["abc"]);
  });

  test("a store that does not answer for each entry answers for none", async () => {
    const { batch, until } = setUp();
    const results = Promise.allSettled(add(batch, "abc"));
    (await until(1)).answer([1, 2]);
    for (const result of await results) expect(result.status).toBe("rejected");
  });
});

describe("lanes", () => {
  test("are shared by all kinds, and who waits for one gets it when it is free", async () => {
    const lanes = new Lanes(2);
    const [one, other] = [setUp({ lanes, width: 1 }), setUp({ lanes, width: 1 })];
    add(one.batch, "ab");
    await one.until(2);
    const late = add(other.batch, "c");
    await turn();
    expect(other.sent()).toEqual([]);
    one.statements[0]?.answer();
    (await other.until(1)).answer();
    expect(await Promise.all(late)).toEqual(["c"]);
  });

  test("one is always left for reads, and what surely waits takes at most half", async () => {
    const lanes = new Lanes(4);
    const blocking = setUp({ lanes, width: 1, use: "blocking" });
    const writes = setUp({ lanes, width: 1 });
    const reads = setUp({ lanes, width: 1, use: "read" });
    add(blocking.batch, "abc");
    add(writes.batch, "def");
    add(reads.batch, "g");
    await reads.until(1);
    await turn();
    expect([blocking.sent(), writes.sent(), reads.sent()]).toEqual([["a", "b"], ["d"], ["g"]]);
    blocking.statements[0]?.answer();
    await blocking.until(3);
    reads.statements[0]?.answer();
    writes.statements[0]?.answer();
    await writes.until(2);
    expect([blocking.sent(), writes.sent()]).toEqual([
      ["a", "b", "c"],
      ["d", "e"],
    ]);
  });

  test("single writes of several kinds, which may wait, count among what waits", async () => {
    const lanes = new Lanes(4);
    const kinds = ["a", "b", "c"].map((entry) => ({ ...setUp({ lanes }), entry }));
    for (const { batch, until, entry } of kinds) {
      add(batch, entry);
      await until(1);
    }
    expect(kinds.map(({ statements }) => statements[0]?.mayWait)).toEqual([true, true, false]);
    const blocking = setUp({ lanes, use: "blocking" });
    add(blocking.batch, "d");
    await turn();
    expect(blocking.sent()).toEqual([]);
    kinds[0]?.statements[0]?.answer();
    await blocking.until(1);
  });

  test("a single one serves all in turn", async () => {
    const lanes = new Lanes(1);
    const uses = (["blocking", "write", "read"] as const).map((use) => setUp({ lanes, use, width: 1 }));
    for (const { batch } of uses) add(batch, "ab");
    for (let served = 0; served < 6; served++) {
      const running = () => uses.flatMap(({ statements }) => statements);
      while (running().length <= served) await turn();
      expect(running()).toHaveLength(served + 1);
      for (const { statements } of uses) for (const statement of statements) statement.answer();
    }
  });
});
