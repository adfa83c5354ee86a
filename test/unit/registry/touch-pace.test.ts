import { describe, expect, test } from "@jest/globals";
import type { TokenSessionOptions } from "../../../src/index.js";
import { toSettings } from "../../../src/options.js";
import { Events } from "../../../src/registry/events.js";
import { SessionRegistry } from "../../../src/registry/registry.js";
import { Sweep } from "../../../src/registry/sweep.js";
import { StoreFault } from "../../../src/store.js";
import { MemoryStore } from "../../../src/stores/memory.js";
import { HandClock, settled } from "../../support/clock.js";
import { keptLog } from "../../support/log.js";

// A session ends when it has not been used for its idle time, never before, and no more than touchEvery
// later.

const YEAR = 31_536_000;

function setUp(options: Partial<TokenSessionOptions> = {}) {
  const clock = new HandClock();
  const settings = toSettings({ store: () => store, clock, logger: keptLog(), ...options });
  let sleptMs = 0;
  const store = new MemoryStore(settings, {
    now: () => clock.now() + sleptMs,
    wallNow: () => clock.wallNow(),
    after: (delayMs, run) => clock.after(delayMs, run),
  });
  /** The machine sleeps, the database does not. */
  const sleep = (seconds: number) => {
    sleptMs += seconds * 1000;
    clock.jump(seconds * 1000);
  };
  const nodes = [0, 1].map(() => {
    const registry = new SessionRegistry(settings, store, new Events(settings.log));
    new Sweep(registry, settings).start();
    return registry;
  });
  const [registry, other] = nodes as [SessionRegistry, SessionRegistry];
  let touches = 0;
  const touch = store.touch.bind(store);
  store.touch = (ids, how) => {
    touches += ids.length;
    return touch(ids, how);
  };
  /** In steps that fall on no whole second. */
  const pass = async (seconds: number) => {
    const until = clock.now() + seconds * 1000;
    while (clock.now() < until) {
      clock.advance(Math.min(730, until - clock.now()));
      await settled();
    }
  };
  /** A session as a cookie's is made, which nobody has open. */
  const begin = async (idleSeconds: number | null) => {
    const minted = await registry.mint(null);
    if (idleSeconds !== null)
      await minted.session.edit((values) => {
        values.idleSeconds = idleSeconds;
      });
    registry.release(minted.session);
    await settled();
    return minted;
  };
  /** One request, on one of the two nodes. */
  const use = async ({ token }: Awaited<ReturnType<typeof begin>>, node = registry) => {
    const opened = await node.open(token);
    if (opened.found === "session") node.release(opened.session);
    await settled();
    return opened.found;
  };
  /** How long after now the row lives, by a clock that knows fractions of a second. */
  const left = async (id: string) => ((await store.load([id]))[0]?.expires ?? 0) - store.now();
  return { clock, settings, store, sleep, registry, other, pass, begin, use, left, touches: () => touches };
}

describe.each(["connection", "events"] as const)('requests, with idle: "%s"', (idle) => {
  test.each<[idleSeconds: number | null, TokenSessionOptions]>([
    [null, { expiration: 3600 }],
    [null, { expiration: 3600, touchEvery: 900 }],
    [null, { expiration: 10 }],
    [40, { expiration: 86_400 }],
    [3600, { expiration: 86_400 }],
    [86_400, { expiration: 3600 }],
    [YEAR, { absoluteExpiration: 2 * YEAR }],
  ])("idle time %p, %p", async (idleSeconds, options) => {
    const { settings, registry, other, pass, begin, use, left } = setUp({ idle, ...options });
    const lasts = idleSeconds ?? settings.expiration;
    const most = lasts + Math.min(settings.touchEvery, Math.ceil(lasts / 4));
    const minted = await begin(idleSeconds);
    for (const share of [0.001, 0.02, 0.3, 0.01, 0.004, 0.24, 0.26, 0.9, 0.01]) {
      await pass(Math.min(share * lasts, 3000));
      // By turns on two nodes.
      expect(await use(minted, share < 0.02 ? registry : other)).toBe("session");
      const life = await left(minted.session.id);
      // A touchEvery of a second leaves no room for fractions of one.
      expect(life).toBeGreaterThanOrEqual(lasts - (settings.touchEvery === 1 ? 1 : 0));
      expect(life).toBeLessThanOrEqual(most);
    }
  });
});

test("requests cost about one touch in touchEvery, however many they are", async () => {
  const { settings, pass, begin, use, touches } = setUp({ expiration: 3600 });
  const minted = await begin(null);
  for (let second = 0; second < 3600; second += 5) {
    await pass(5);
    await use(minted);
  }
  expect(touches()).toBeLessThan((3600 / settings.touchEvery) * 1.3);
});

test("a session that is used within its first minutes is not touched at once", async () => {
  const { pass, begin, use, touches } = setUp();
  const minted = await begin(7200);
  for (let minute = 0; minute < 10; minute++) {
    await pass(60);
    await use(minted);
  }
  expect(touches()).toBe(0);
});

describe("a socket", () => {
  test.each<[idleSeconds: number | null, TokenSessionOptions]>([
    [null, { expiration: 3600 }],
    [null, { expiration: 240, touchEvery: 60 }],
    [40, { expiration: 86_400 }],
    [600, { expiration: 3600 }],
  ])("may go at any moment, even with its process (idle time %p, %p)", async (idleSeconds, options) => {
    const { settings, registry, pass, begin, left, touches } = setUp(options);
    const lasts = idleSeconds ?? settings.expiration;
    const gap = Math.min(settings.touchEvery, Math.ceil(lasts / 4));
    const { token, session } = await begin(idleSeconds);
    await pass(gap * 0.9);
    expect((await registry.open(token)).found).toBe("session");
    const hours = Math.min(4 * lasts, 7200);
    for (let passed = 0; passed < hours; passed += gap / 8) {
      await pass(gap / 8);
      const life = await left(session.id);
      expect(life).toBeGreaterThanOrEqual(lasts);
      expect(life).toBeLessThanOrEqual(lasts + gap);
    }
    expect(touches()).toBeLessThan((hours / gap) * (idleSeconds === 40 ? 2.5 : 1.5));
  });

  test('with idle: "events" has been used when it sends', async () => {
    const { settings, registry, pass, begin, left, touches } = setUp({ expiration: 3600, idle: "events" });
    const { token, session } = await begin(null);
    await registry.open(token);
    for (let passed = 0; passed < 3000; passed += 7) {
      await pass(7);
      await registry.recordUse(session);
      expect(await left(session.id)).toBeGreaterThanOrEqual(3600);
    }
    expect(touches()).toBeLessThan((3000 / settings.touchEvery) * 1.2);
    const life = await left(session.id);
    await pass(600);
    expect(await left(session.id)).toBeCloseTo(life - 600, 0);
  });
});

test('with idle: "events", what comes right after the machine has slept is a use, and written once', async () => {
  const { registry, sleep, pass, begin, left, touches } = setUp({ expiration: 3600, idle: "events" });
  const { token, session } = await begin(null);
  await registry.open(token);
  await pass(60);
  sleep(3000);
  for (let event = 0; event < 20; event++) await registry.recordUse(session);
  await pass(12);
  expect(await left(session.id)).toBeGreaterThan(3580);
  expect(touches()).toBe(1);
});

describe("a use that cannot be written", () => {
  const away = () => Promise.reject(new StoreFault("not-applied", "away"));

  /** Nearly over, used once more, and nobody has it open afterwards. */
  async function usedLate(options: Partial<TokenSessionOptions> = {}) {
    const rig = setUp({ expiration: 3600, ...options });
    const minted = await rig.begin(null);
    await rig.pass(3000);
    const { touch } = rig.store;
    return { ...rig, minted, touch };
  }

  test.each(["connection", "events"] as const)(
    'is written when the store is back (idle: "%s")',
    async (idle) => {
      const { store, touch, minted, use, pass, left } = await usedLate({ idle });
      store.touch = away;
      expect(await use(minted)).toBe("session");
      await pass(30);
      expect(await left(minted.session.id)).toBeLessThan(900);
      store.touch = touch;
      await pass(6);
      expect(await left(minted.session.id)).toBeGreaterThan(3590);
    },
  );

  test("is written when the row is no longer locked", async () => {
    const { store, touch, minted, use, pass, left } = await usedLate();
    store.touch = async (ids) => [...ids];
    await use(minted);
    await pass(30);
    store.touch = touch;
    await pass(6);
    expect(await left(minted.session.id)).toBeGreaterThan(3590);
  });

  test("is not tried for ever: no longer than it can help", async () => {
    const { store, minted, use, pass } = await usedLate();
    let tries = 0;
    store.touch = () => {
      tries++;
      return away();
    };
    await use(minted);
    await pass(1000);
    expect(tries).toBeGreaterThan(100);
    tries = 0;
    await pass(100);
    expect(tries).toBe(0);
  });

  test("close() does not wait until all of many have been tried", async () => {
    const { registry, store, pass } = setUp({ expiration: 3600, idle: "events" });
    const minted = await Promise.all(Array.from({ length: 600 }, () => registry.mint(null)));
    await pass(1000);
    const { touch } = store;
    store.touch = away;
    await registry.touchDue(
      minted.map(({ session }) => session),
      { beginVisit: false },
    );
    let asked = 0;
    store.touch = async (ids, how) => {
      asked += ids.length;
      await touch.call(store, ids, how);
      return [];
    };
    const trying = registry.retryTouches();
    await registry.close();
    await trying;
    expect(asked).toBe(256);
  });

  test("the store is asked for some of many, to see whether it is back", async () => {
    const { registry, store, pass } = setUp({ expiration: 3600, idle: "events" });
    const sessions = await Promise.all(Array.from({ length: 600 }, () => registry.mint(null)));
    await pass(1000);
    const asked: number[] = [];
    const { touch } = store;
    store.touch = (ids) => {
      asked.push(ids.length);
      return away();
    };
    await registry.touchDue(
      sessions.map(({ session }) => session),
      { beginVisit: false },
    );
    asked.length = 0;
    await pass(5);
    expect(asked.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(512);
    store.touch = touch;
    await pass(10);
    const rows = await store.load(sessions.map(({ session }) => session.id));
    expect(rows.filter(({ expires, now }) => expires - now < 3590)).toEqual([]);
  });

  test("however often sessions are used meanwhile, it is not tried more often", async () => {
    const { registry, store, pass } = setUp({ expiration: 3600, idle: "events" });
    const sessions = await Promise.all(Array.from({ length: 100 }, () => registry.mint(null)));
    await pass(1000);
    let asked = 0;
    const { touch } = store;
    store.touch = (ids) => {
      asked += ids.length;
      return away();
    };
    for (let second = 0; second < 10; second++)
      for (let event = 0; event < 20; event++) {
        for (const { session } of sessions) void registry.recordUse(session);
        await pass(0.05);
      }
    expect(asked).toBeLessThanOrEqual(100 + 10 * 100);
    store.touch = touch;
    await pass(6);
    const rows = await store.load(sessions.map(({ session }) => session.id));
    expect(rows.filter(({ expires, now }) => expires - now < 3590)).toEqual([]);
  });

  test("does not keep those of others from being written", async () => {
    const { registry, store, pass } = setUp({ expiration: 3600, idle: "events" });
    const sessions = await Promise.all(Array.from({ length: 600 }, () => registry.mint(null)));
    await pass(1000);
    const ids = sessions.map(({ session }) => session.id);
    const { touch } = store;
    store.touch = away;
    await registry.touchDue(
      sessions.map(({ session }) => session),
      { beginVisit: false },
    );
    // As where statements wait for locks: one row fails all that go out with it.
    store.touch = (some, how) => (some.includes(ids[0] ?? "") ? away() : touch.call(store, some, how));
    await pass(200);
    const rows = await store.load(ids);
    expect(rows.filter(({ expires, now }) => expires - now < 3000).length).toBe(1);
  });

  test("begins a visit, whatever use of it comes later", async () => {
    const { registry, store, touch, minted } = await usedLate();
    store.touch = away;
    await registry.open(minted.token);
    await settled();
    await registry.touchDue(registry.live(), { beginVisit: false });
    store.touch = touch;
    await registry.touchDue(registry.live(), { beginVisit: false });
    const [row] = await store.load([minted.session.id]);
    expect(row?.previousVisitAt).toBe(row?.createdAt);
  });
});
