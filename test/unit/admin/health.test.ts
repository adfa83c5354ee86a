import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { tokenSession } from "../../../src/index.js";
import { MemoryStore } from "../../../src/stores/memory.js";

/** Of a session that nobody looks for twice: its id tells a time long ago. */
const SOME_ID = (n: number) => n.toString(16).padStart(32, "0");

// Only what tells how long a statement has taken, and stands still until a test moves it.
beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: ["Date", "hrtime", "nextTick", "queueMicrotask", "setImmediate", "clearImmediate"],
  });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A store whose reads end when the test says so. */
class HeldReads extends MemoryStore {
  readonly #held: (() => void)[] = [];
  #whenMore = () => {};

  override async load(ids: readonly string[]) {
    const released = new Promise<void>((resolve) => this.#held.push(resolve));
    this.#whenMore();
    await released;
    return super.load(ids);
  }

  /** Resolves when so many reads are under way. */
  async until(count: number): Promise<void> {
    while (this.#held.length < count)
      await new Promise<void>((resolve) => {
        this.#whenMore = resolve;
      });
  }

  release(): void {
    for (const release of this.#held.splice(0)) release();
  }
}

function setUp() {
  let store: HeldReads | undefined;
  const sessions = tokenSession({
    logger: false,
    store: (settings) => {
      store = new HeldReads(settings);
      return store;
    },
  });
  return { sessions, store: store as HeldReads };
}

test("reads that take a second are slow: degraded", async () => {
  const { sessions, store } = setUp();
  const found = sessions.find(SOME_ID(1));
  await store.until(1);
  jest.advanceTimersByTime(1_000);
  store.release();
  await found;
  expect(sessions.health()).toMatchObject({
    status: "degraded",
    reasons: ["store-slow"],
    store: { status: "up", latency: 1 },
  });
});

test("what waits for the store is counted; after a second that is degraded", async () => {
  const { sessions, store } = setUp();
  // A statement has 256, and four are under way at once: each new one where the last ones are full.
  const found = Array.from({ length: 1100 }, (_, n) => sessions.find(SOME_ID(n)));
  await store.until(4);
  const queue = { length: 1100 - 4 * 256, age: 0, lanes: 4, lanesTaken: 4 };
  expect(sessions.health()).toMatchObject({ status: "up", reasons: [], queue });
  jest.advanceTimersByTime(999);
  expect(sessions.health()).toMatchObject({ status: "up", queue: { ...queue, age: 0.999 } });
  jest.advanceTimersByTime(1);
  expect(sessions.health()).toMatchObject({ status: "degraded", reasons: ["queue-slow"], queue: { age: 1 } });
  store.release();
  await store.until(1);
  store.release();
  await Promise.all(found);
  expect(sessions.health().queue).toEqual({ length: 0, age: 0, lanes: 4, lanesTaken: 0 });
});
