import { expect, test } from "@jest/globals";
import { toSettings } from "../../../src/options.js";
import { Events } from "../../../src/registry/events.js";
import { SessionRegistry } from "../../../src/registry/registry.js";
import { Sweep } from "../../../src/registry/sweep.js";
import { MemoryStore } from "../../../src/stores/memory.js";
import { HandClock, settled } from "../../support/clock.js";
import { keptLog } from "../../support/log.js";

// Sessions with an idle time of their own, on a clock that is moved by hand.

const LATE = 6;

function setUp(options = {}) {
  const clock = new HandClock();
  const settings = toSettings({ store: () => store, clock, logger: keptLog(), expiration: 3600, ...options });
  const store = new MemoryStore(settings, clock);
  const registry = new SessionRegistry(settings, store, new Events(settings.log));
  new Sweep(registry, settings).start();
  const pass = async (seconds: number) => {
    for (let tick = 0; tick < seconds; tick++) {
      clock.advance(1000);
      await settled();
    }
  };
  /** A new session with an idle time of its own. */
  const begin = async (idleSeconds: number | null) => {
    const minted = await registry.mint(null);
    const { session } = minted;
    if (idleSeconds !== null)
      await session.edit((values) => {
        values.idleSeconds = idleSeconds;
      });
    return minted;
  };
  const rowOf = async (id: string) => (await store.load([id]))[0];
  return { clock, settings, store, registry, pass, begin, rowOf };
}

// Shorter ones are over before the sweep looks: option `expiration` allows none below 10 either.
test.each([10, 60, 600])(
  "one of %i seconds lasts as long as it is connected, and no longer",
  async (idle) => {
    const { settings, registry, pass, begin, rowOf } = setUp();
    const { session } = await begin(idle);
    await pass(Math.max(60, 3 * idle));
    expect(session.ended).toBeUndefined();
    const { expires = 0, now = 0 } = (await rowOf(session.id)) ?? {};
    const most = idle + Math.min(settings.touchEvery, Math.ceil(idle / 4));
    expect(expires - now).toBeGreaterThanOrEqual(idle);
    expect(expires - now).toBeLessThanOrEqual(most);
    registry.release(session);
    await pass(most);
    expect((await rowOf(session.id))?.data).toBeNull();
  },
);

test('with idle: "events" being connected is no use', async () => {
  const { pass, begin } = setUp({ idle: "events" });
  const { session } = await begin(60);
  await pass(60 + 15 + LATE);
  expect(session.ended).toBe("expired");
});

test("a longer one than the others' lasts longer without use", async () => {
  const { registry, pass, begin } = setUp();
  const [long, other] = [await begin(10_000), await begin(null)];
  for (const { session } of [long, other]) registry.release(session);
  await pass(4000);
  expect([(await registry.open(long.token)).found, (await registry.open(other.token)).found]).toEqual([
    "session",
    "expired",
  ]);
});

test("what handles show follows the write at once, and so does everybody else's object", async () => {
  const { registry, begin, rowOf, pass } = setUp();
  const { session } = await begin(null);
  const before = session.row?.expires ?? 0;
  await pass(10);
  await session.edit((values) => {
    values.idleSeconds = 60;
  });
  expect(session.row).toMatchObject({ idleSeconds: 60, expires: before - 3750 + 10 + 75 });
  expect((await rowOf(session.id))?.expires).toBe(session.row?.expires);
  // A change of anything else leaves it alone.
  await pass(5);
  await session.edit((values) => {
    values.identity = { ...values.identity, userId: "ada" };
  });
  expect(session.row).toMatchObject({ idleSeconds: 60, expires: before - 3750 + 10 + 75 });
  expect(await rowOf(session.id)).toMatchObject({ userId: "ada", idleSeconds: 60 });
  registry.release(session);
});

test("somebody who changes the column alone is not overruled by the next change of a value", async () => {
  const { store, begin, rowOf } = setUp();
  const { session } = await begin(60);
  const load = store.load.bind(store);
  store.load = async (ids) => (await load(ids)).map((row) => ({ ...row, idleSeconds: 90 }));
  await session.read();
  store.load = load;
  expect(session.row?.idleSeconds).toBe(90);
  const { revision = 0, writers = new Uint8Array() } = (await rowOf(session.id)) ?? {};
  const written: unknown[] = [];
  const write = store.write.bind(store);
  store.write = async (attempts) => {
    written.push(...attempts);
    return write(attempts);
  };
  await session.set([["n", "1"]]);
  expect([revision, writers.length > 0, written]).toEqual([
    expect.any(Number),
    true,
    [expect.not.objectContaining({ idleSeconds: expect.anything() })],
  ]);
});
