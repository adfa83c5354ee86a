import { describe, expect, test } from "@jest/globals";
import type { TokenSessionOptions } from "../../../src/index.js";
import { toSettings } from "../../../src/options.js";
import { Events } from "../../../src/registry/events.js";
import { SessionRegistry } from "../../../src/registry/registry.js";
import { Sweep } from "../../../src/registry/sweep.js";
import { newRevision } from "../../../src/row/writers.js";
import type { Session } from "../../../src/session/session.js";
import { StoreFault } from "../../../src/store.js";
import { MemoryStore } from "../../../src/stores/memory.js";
import { HandClock, settled } from "../../support/clock.js";
import { keptLog } from "../../support/log.js";

// Clocks that do not run alike, and stores that fail now and then, over hours that pass by hand.

const away = () => Promise.reject(new StoreFault("not-applied", "away"));

function setUp({ sweep = true, ...options }: Partial<TokenSessionOptions> & { sweep?: boolean } = {}) {
  const clock = new HandClock();
  /** The database's machine has its own. */
  const storeClock = new HandClock();
  const log = keptLog();
  const settings = toSettings({ store: () => store, clock, logger: log, ...options });
  const store = new MemoryStore(settings, storeClock);
  const registry = new SessionRegistry(settings, store, new Events(settings.log));
  if (sweep) new Sweep(registry, settings).start();
  /** Lets time pass; `rate`: how much faster the database's clock runs. */
  const pass = async (seconds: number, rate = 1) => {
    for (let passed = 0; passed < seconds; passed++) {
      clock.advance(1_000);
      storeClock.advance(1_000 * rate);
      await settled();
    }
  };
  const mint = async (count: number): Promise<Session[]> => {
    const all: Session[] = [];
    for (let n = 0; n < count; n++) all.push((await registry.mint(null)).session);
    return all;
  };
  const one = async () => (await registry.mint(null)).session;
  return { clock, storeClock, log, settings, store, registry, pass, mint, one };
}

describe("the sweep corrects a session's idea of the database's clock", () => {
  test.each([1.02, 0.98])("that runs %f times as fast as this one", async (rate) => {
    const { store, pass, one } = setUp({ expiration: 3600 });
    const session = await one();
    // By itself it would be 72 seconds off by then.
    await pass(3600, rate);
    expect(Math.abs(session.databaseNow - store.now())).toBeLessThan(3);
    expect(session.ended).toBeUndefined();
  });

  test("after this machine was suspended: a connected session is kept alive", async () => {
    const { store, storeClock, pass, one } = setUp({ expiration: 3600, touchEvery: 900 });
    const session = await one();
    storeClock.advance(2_900_000);
    await pass(40);
    expect(Math.abs(session.databaseNow - store.now())).toBeLessThan(3);
    await pass(7200);
    expect(session.ended).toBeUndefined();
    expect((await store.load([session.id]))[0]?.data).toBe("{}");
  });

  test("after this machine slept: in the next look for expired sessions, long before the next comparison", async () => {
    const options = { expiration: 3600, touchEvery: 900, revalidate: 450 };
    const { clock, store, storeClock, pass, one } = setUp(options);
    const session = await one();
    storeClock.advance(2_900_000);
    clock.jump(2_900_000);
    await pass(6);
    expect(Math.abs(session.databaseNow - store.now())).toBeLessThan(3);
    // With 700 seconds to live a touch was due, and has been made.
    expect((await store.load([session.id]))[0]?.expires).toBeGreaterThan(store.now() + 3_500);
  });

  test("after this machine slept, as often as it takes where the store is away then", async () => {
    const { clock, store, storeClock, pass, one } = setUp({
      expiration: 3600,
      touchEvery: 900,
      revalidate: 450,
    });
    const session = await one();
    const { loadRevisions } = store;
    store.loadRevisions = away;
    storeClock.advance(4_500_000);
    clock.jump(4_500_000);
    await pass(20);
    expect(session.ended).toBeUndefined();
    store.loadRevisions = loadRevisions;
    await pass(6);
    expect(session.ended).toBe("expired");
  });

  test("once: a jump of this machine's clock is no reason to compare for ever", async () => {
    const { clock, store, pass, one } = setUp({ expiration: 3600, touchEvery: 900, revalidate: 450 });
    await one();
    clock.jump(-7_200_000);
    await pass(10);
    let looks = 0;
    const { loadRevisions } = store;
    store.loadRevisions = (ids) => {
      looks++;
      return loadRevisions.call(store, ids);
    };
    await pass(60);
    expect(looks).toBe(0);
  });

  test("after it was suspended for too long: the session is over", async () => {
    const { storeClock, pass, one } = setUp({ expiration: 3600, touchEvery: 900 });
    const session = await one();
    storeClock.advance(4_500_000);
    await pass(40);
    expect(session.ended).toBe("expired");
  });
});

describe("a touch that fails", () => {
  test("is tried again by the next sweep, and ends no connected session", async () => {
    for (let run = 0; run < 10; run++) {
      const expiration = 400;
      const touchEvery = expiration / 4;
      const { clock, store, pass, one } = setUp({ expiration, touchEvery });
      const session = await one();
      // Comparing would bring the times of the row sooner or later: it is not to be relied on.
      store.loadRevisions = away;
      const touch = store.touch.bind(store);
      const tries: number[] = [];
      store.touch = (...given) => {
        tries.push(clock.now() / 1000);
        return tries.length === 1 ? away() : touch(...given);
      };
      await pass(3 * expiration);
      expect((await store.load([session.id]))[0]?.data).toBe("{}");
      const [first = 0, second = Number.POSITIVE_INFINITY] = tries;
      expect(second - first).toBeLessThanOrEqual((touchEvery / 2) * 1.2 + 1);
    }
  });

  test("shows times that are in the row, and none of its own", async () => {
    const { registry, store, pass, one } = setUp({ sweep: false });
    const session = await one();
    const { expires, visitedAt } = session.row ?? {};
    const touch = store.touch.bind(store);
    store.touch = away;
    await pass(4000);
    await registry.touchDue([session], { beginVisit: true });
    expect(session.row).toMatchObject({ expires, visitedAt, previousVisitAt: 0 });
    store.touch = touch;
    await registry.touchDue([session], { beginVisit: true });
    const [row] = await store.load([session.id]);
    expect(session.row?.expires).toBe(row?.expires);
    expect(session.row?.previousVisitAt).toBe(visitedAt);
  });
});

describe("comparing hundreds of sessions", () => {
  /** More than two statements' worth; what holds the first one's session is answered as `fail` says. */
  async function hundreds(fail: () => Promise<never>) {
    const rig = setUp({ sweep: false });
    const sessions = await rig.mint(600);
    const loadRevisions = rig.store.loadRevisions.bind(rig.store);
    const asked: number[] = [];
    rig.store.loadRevisions = (ids) => {
      asked.push(ids.length);
      return ids.includes(sessions[0]?.id ?? "") ? fail() : loadRevisions(ids);
    };
    const last = sessions[599] as Session;
    const { row } = last;
    await rig.store.write([
      {
        sessionId: last.id,
        baseRevision: row?.revision ?? 0,
        revision: newRevision(row?.revision),
        data: '{"n":1}',
        writers: new Uint8Array(),
      },
    ]);
    new Sweep(rig.registry, rig.settings).start();
    while (asked.length === 0) await rig.pass(1);
    return { ...rig, asked, last };
  }

  test.each<[string, () => Promise<never>]>([
    ["a refused statement", () => Promise.reject(new StoreFault("refused", "too long"))],
    ["a store that breaks its contract", () => Promise.reject(new TypeError("no"))],
  ])("%s keeps none of the others from being compared", async (_, fail) => {
    const { asked, last, log } = await hundreds(fail);
    expect(asked).toEqual([256, 256, 88]);
    expect(last.values.get("n")).toBe(1);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: "error", code: "SESSION_STORE_FAILED" }),
    );
  });

  test("a store that is away is not asked for the others too", async () => {
    const { asked, last } = await hundreds(away);
    expect(asked).toEqual([256]);
    expect(last.values.get("n")).toBeUndefined();
  });
});

describe("in an outage", () => {
  const texts = ({ log }: Pick<ReturnType<typeof setUp>, "log">) =>
    log.lines.map(({ level, text }) => `${level} ${text.replace(/:.*/, "")}`);

  test("touches that fail are said once, however many, and once that it is over", async () => {
    const { registry, store, log, pass, mint } = setUp({ sweep: false });
    const sessions = await mint(50);
    const touch = store.touch.bind(store);
    await pass(1000);
    store.touch = away;
    for (let n = 0; n < 3; n++) await registry.touchDue(sessions, { beginVisit: false });
    expect(texts({ log })).toEqual(["error the use of sessions cannot be written"]);
    await pass(61);
    await registry.touchDue(sessions, { beginVisit: false });
    expect(log.lines).toHaveLength(2);
    store.touch = touch;
    for (let n = 0; n < 2; n++) await registry.touchDue(sessions, { beginVisit: false });
    expect(texts({ log }).slice(2)).toEqual(["info the use of sessions can be written again"]);
  });

  test("so are live sessions that others have written and that cannot be read", async () => {
    const { registry, store, log, pass, mint } = setUp({ sweep: false, storeTimeout: 10 });
    const sessions = await mint(50);
    const load = store.load.bind(store);
    store.load = away;
    for (const { id } of sessions) registry.applyRemoteWrite(id, 7);
    await pass(20);
    expect(texts({ log })).toEqual(["error live sessions cannot be read again"]);
    store.load = load;
    for (const { id } of sessions) registry.applyRemoteWrite(id, 7);
    await pass(1);
    expect(texts({ log }).slice(1)).toEqual(["info live sessions can be read again"]);
  });

  test("it is not over because sessions are: what can no longer be written says nothing of the store", async () => {
    const { store, log, pass, mint } = setUp({ expiration: 40, touchEvery: 10 });
    await mint(5);
    store.touch = away;
    store.loadRevisions = away;
    store.load = away;
    await pass(100);
    expect(texts({ log })).toContain("error the use of sessions cannot be written");
    expect(texts({ log })).not.toContain("info the use of sessions can be written again");
  });

  test("each kind of work speaks for itself while the sweep goes on", async () => {
    const { store, log, pass, mint } = setUp({ expiration: 400, touchEvery: 10 });
    await mint(50);
    const { touch, loadRevisions } = store;
    store.touch = away;
    store.loadRevisions = away;
    await pass(55);
    store.touch = touch;
    store.loadRevisions = loadRevisions;
    await pass(60);
    expect(texts({ log }).sort()).toEqual([
      "error live sessions cannot be compared with the store",
      "error the use of sessions cannot be written",
      "info live sessions can be compared with the store again",
      "info the use of sessions can be written again",
    ]);
  });
});
