import { describe, expect, test } from "@jest/globals";
import { toSettings } from "../../../src/options.js";
import { Events } from "../../../src/registry/events.js";
import { SessionRegistry } from "../../../src/registry/registry.js";
import { Sweep } from "../../../src/registry/sweep.js";
import { MemoryStore } from "../../../src/stores/memory.js";
import { HandClock } from "../../support/clock.js";
import { keptLog } from "../../support/log.js";

function setUp(options = {}) {
  const clock = new HandClock();
  const settings = toSettings({ store: () => store, clock, logger: keptLog(), ...options });
  const store = new MemoryStore(settings, clock);
  const registry = new SessionRegistry(settings, store, new Events(settings.log));
  return { clock, settings, store, registry };
}

function startSweep({
  registry,
  settings,
}: Pick<ReturnType<typeof setUp>, "registry" | "settings">): () => void {
  const sweep = new Sweep(registry, settings);
  sweep.start();
  return () => sweep.stop();
}

/** Lets everything that was set going come to its end: the memory store answers within microtasks. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("the sweep", () => {
  test("keeps a live session alive that only listens", async () => {
    const { clock, settings, store, registry } = setUp({ expiration: 240 });
    const stop = startSweep({ registry, settings });
    const { session } = await registry.mint(null);
    for (let minute = 0; minute < 20; minute++) {
      for (let tick = 0; tick < 30; tick++) {
        clock.advance(2_000);
        await settled();
      }
    }
    const [row] = await store.load([session.id]);
    expect(row?.data).toBe("{}");
    expect(session.ended).toBeUndefined();
    stop();
    registry.release(session);
    clock.advance((241 + settings.touchEvery) * 1000);
    expect((await store.load([session.id]))[0]?.data).toBeNull();
  });

  test.each([
    [10, 2],
    [60, 15],
    [240, 60],
  ])("does so with the longest touchEvery too (%i, %i)", async (expiration, touchEvery) => {
    const { clock, settings, store, registry } = setUp({ expiration, touchEvery });
    startSweep({ registry, settings });
    const { session } = await registry.mint(null);
    for (let tick = 0; tick < 4_000; tick++) {
      clock.advance(expiration * 5);
      await settled();
    }
    expect((await store.load([session.id]))[0]?.data).toBe("{}");
  });

  test("begins no visit: a socket that stays connected is one visit", async () => {
    const { clock, settings, store, registry } = setUp({ touchEvery: 3600 });
    startSweep({ registry, settings });
    const { session, token } = await registry.mint(null);
    for (let tick = 0; tick < 100; tick++) {
      clock.advance(180_000);
      await settled();
    }
    expect((await store.load([session.id]))[0]?.previousVisitAt).toBe(0);
    expect(session.row?.previousVisitAt).toBe(0);
    // An open after a gap does.
    registry.release(session);
    clock.advance(4_000_000);
    const lastUse = (await store.load([session.id]))[0]?.visitedAt;
    await registry.open(token);
    await settled();
    expect((await store.load([session.id]))[0]?.previousVisitAt).toBe(lastUse);
  });

  test("that is stopped while a touch is under way does not begin again", async () => {
    const { clock, settings, registry } = setUp({ expiration: 24 });
    const stop = startSweep({ registry, settings });
    await registry.mint(null);
    clock.advance(2_000);
    stop();
    await settled();
    expect(clock.timers).toBe(0);
  });

  test("stops at the absolute expiration", async () => {
    const { clock, settings, store, registry } = setUp({ expiration: 240, absoluteExpiration: 600 });
    const stop = startSweep({ registry, settings });
    const { session } = await registry.mint(null);
    for (let tick = 0; tick < 305; tick++) {
      clock.advance(2_000);
      await settled();
    }
    expect((await store.load([session.id]))[0]?.data).toBeNull();
    stop();
  });

  test("is three timers, whatever the number of sessions", async () => {
    const { clock, settings, registry } = setUp();
    const stop = startSweep({ registry, settings });
    for (let n = 0; n < 50; n++) await registry.mint(null);
    expect(clock.timers).toBe(3);
    stop();
    expect(clock.timers).toBe(0);
  });
});

describe("the registry", () => {
  test("has one live object a row, and forgets it with its last holder", async () => {
    const { registry } = setUp();
    const { session, token } = await registry.mint(null);
    const again = await registry.open(token);
    expect(again).toEqual({ found: "session", session });
    expect([...registry.live()]).toEqual([session]);
    registry.release(session);
    expect([...registry.live()]).toEqual([session]);
    registry.release(session);
    expect([...registry.live()]).toEqual([]);
  });

  test("keeps nothing of tokens that open nothing", async () => {
    const { clock, registry } = setUp();
    const { session, token } = await registry.mint(null);
    const wrong = { ...token, secretHash: Buffer.alloc(32) };
    const opened = await clock.advanceUntil(registry.open(wrong));
    expect(opened).toEqual({ found: "nothing", missing: false });
    registry.release(session);
    const unknown = { ...wrong, sessionId: "0".repeat(32) };
    expect(await registry.open(unknown)).toEqual({ found: "nothing", missing: true });
    await settled();
    expect([...registry.live()]).toEqual([]);
  });

  test("after its last holder a session that is still used is the same one for who opens it", async () => {
    const { registry } = setUp();
    const { session, token } = await registry.mint(null);
    registry.release(session);
    const late = registry.acquire(session).set([["late", "1"]]);
    const again = await registry.open(token);
    await late;
    expect(again).toEqual({ found: "session", session });
    expect(session.values.get("late")).toBe(1);
  });

  test("gives up where each new id is taken, instead of trying for ever", async () => {
    const { registry, store } = setUp();
    store.insert = async (sessions) => sessions.map(() => null);
    await expect(registry.mint(null)).rejects.toMatchObject({ code: "SESSION_STORE_FAILED" });
  });

  test("closed, it opens and mints no more, and has written what was on its way", async () => {
    const { registry, store } = setUp();
    const { session, token } = await registry.mint(null);
    const set = session.set([["n", "1"]]);
    await registry.close();
    expect((await store.load([session.id]))[0]?.data).toBe('{"n":1}');
    await set;
    await expect(registry.open(token)).rejects.toMatchObject({ code: "SESSION_CLOSED" });
    await expect(registry.mint(null)).rejects.toMatchObject({ code: "SESSION_CLOSED" });
  });

  test("a runaway loop of changes is refused clearly", async () => {
    const { registry } = setUp();
    const { session } = await registry.mint(null);
    const sets: Promise<void>[] = [];
    expect(() => {
      for (let n = 0; n <= 10_000; n++) sets.push(session.set([["n", String(n)]]));
    }).toThrow(expect.objectContaining({ code: "SESSION_QUEUE_FULL" }));
    await Promise.all(sets);
    expect(session.values.get("n")).toBe(9_999);
  });
});
