import { describe, expect, test } from "@jest/globals";
import { toSettings } from "../../../src/options.js";
import { Events, type SessionEndEvent } from "../../../src/registry/events.js";
import { SessionRegistry } from "../../../src/registry/registry.js";
import { Sweep } from "../../../src/registry/sweep.js";
import type { Session } from "../../../src/session/session.js";
import { MemoryStore } from "../../../src/stores/memory.js";
import { HandClock, settled } from "../../support/clock.js";
import { keptLog } from "../../support/log.js";

// How long things take, on a clock that is moved by hand.

function setUp(options = {}) {
  const clock = new HandClock();
  const log = keptLog();
  const settings = toSettings({ store: () => store, clock, logger: log, ...options });
  const store = new MemoryStore(settings, clock);
  const events = new Events(settings.log);
  const registry = new SessionRegistry(settings, store, events);
  new Sweep(registry, settings).start();
  const ended: SessionEndEvent[] = [];
  events.subscribe("on", "sessionEnd", (event: SessionEndEvent) => ended.push(event));
  const pass = async (seconds: number) => {
    for (let tick = 0; tick < seconds * 4; tick++) {
      clock.advance(250);
      await settled();
    }
  };
  /** Seconds until a session ends; gives up after `most`. */
  const lifeOf = async (session: Session, most: number) => {
    for (let second = 1; second <= most; second++) {
      await pass(1);
      if (session.ended) return second;
    }
    return Number.POSITIVE_INFINITY;
  };
  return { clock, log, settings, store, registry, ended, pass, lifeOf };
}

/** How much later than it is over a session may be found to be over: the longest look of the sweep. */
const LATE = 6;

describe("a live session ends", () => {
  test.each([1, 60, 3600])(
    "at its absolute expiration of %i seconds, however much it is used",
    async (absoluteExpiration) => {
      const { registry, lifeOf, ended } = setUp({ absoluteExpiration, expiration: 7200 });
      const { session } = await registry.mint(null);
      const life = await lifeOf(session, absoluteExpiration + LATE);
      expect(life).toBeGreaterThanOrEqual(absoluteExpiration - 1);
      expect(life).toBeLessThanOrEqual(absoluteExpiration + LATE);
      await Promise.resolve();
      expect(ended).toEqual([{ sessionId: session.id, reason: "expired" }]);
    },
  );

  test.each([10, 600])(
    'after %i seconds without events with idle: "events", and not while they come',
    async (expiration) => {
      const { settings, registry, pass, lifeOf } = setUp({ idle: "events", expiration });
      const quiet = (await registry.mint(null)).session;
      const busy = (await registry.mint(null)).session;
      for (let n = 0; n < 5; n++) {
        await pass(expiration / 2);
        await registry.touchDue([busy], { beginVisit: false });
      }
      expect(quiet.ended).toBe("expired");
      expect(busy.ended).toBeUndefined();
      const most = expiration + settings.touchEvery + LATE;
      const life = await lifeOf(busy, most);
      expect(life).toBeGreaterThanOrEqual(expiration);
      expect(life).toBeLessThanOrEqual(most);
    },
  );

  test("never of idleness while it is connected", async () => {
    const { registry, lifeOf } = setUp({ expiration: 10 });
    const { session } = await registry.mint(null);
    expect(await lifeOf(session, 600)).toBe(Number.POSITIVE_INFINITY);
  });

  test("not by this process's clock: a row that lives longer is believed", async () => {
    const { registry, store, pass, ended } = setUp({ idle: "events", expiration: 10 });
    const { session } = await registry.mint(null);
    const [row] = await store.load([session.id]);
    // Another process touched it.
    store.setTimes(session.id, { expires: (row?.expires ?? 0) + 100 });
    await pass(60);
    expect(ended).toEqual([]);
    await pass(60);
    expect(session.ended).toBe("expired");
  });

  test("not while the store cannot say so", async () => {
    const { registry, store, log, pass } = setUp({ idle: "events", expiration: 10 });
    const { session } = await registry.mint(null);
    const loadRevisions = store.loadRevisions.bind(store);
    store.loadRevisions = () => Promise.reject(new Error("away"));
    await pass(60);
    expect(session.ended).toBeUndefined();
    store.loadRevisions = loadRevisions;
    await pass(10);
    expect(session.ended).toBe("expired");
    expect(log.lines.map(({ text }) => text.replace(/:.*/, ""))).toEqual([
      "live sessions cannot be compared with the store",
      "live sessions can be compared with the store again",
    ]);
  });
});

describe("a row that is missing", () => {
  test("ends a live session after two seconds of looking, and no earlier", async () => {
    const { registry, store, clock, pass, ended } = setUp({ expiration: 40, revalidate: 10 });
    const { session } = await registry.mint(null);
    const looks: number[] = [];
    const load = store.load.bind(store);
    store.load = (ids) => {
      looks.push(clock.now());
      return load(ids);
    };
    await store.delete([session.id]);
    while (looks.length === 0) await pass(0.25);
    await pass(1.5);
    expect(session.ended).toBeUndefined();
    await pass(1);
    expect(session.ended).toBe("destroyed");
    expect((looks.at(-1) ?? 0) - (looks[0] ?? 0)).toBeGreaterThanOrEqual(2_000);
    expect(ended).toEqual([{ sessionId: session.id, reason: "destroyed" }]);
  });

  test("is looked for again only where its id is young", async () => {
    const { registry, store, clock, pass } = setUp();
    const { session, token } = await registry.mint(null);
    registry.release(session);
    await store.delete([session.id]);
    const open = async () => {
      const begun = clock.now();
      let over = false;
      const opened = registry.open(token).finally(() => {
        over = true;
      });
      await settled();
      while (!over) await pass(0.25);
      expect(await opened).toEqual({ found: "nothing", missing: true });
      return clock.now() - begun;
    };
    expect(await open()).toBe(2_000);
    await pass(10);
    expect(await open()).toBe(0);
  });
});
