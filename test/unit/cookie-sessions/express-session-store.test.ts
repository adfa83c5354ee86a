import { expect, test } from "@jest/globals";
import { ConnectStore } from "../../../src/cookie-sessions/express-session-store.js";
import { KoaSessionStore } from "../../../src/cookie-sessions/koa-session-store.js";
import { tokenSession } from "../../../src/index.js";
import { StoreFault } from "../../../src/store.js";
import { opaqueToken } from "../../../src/token/opaque.js";
import { HandClock, settled } from "../../support/clock.js";
import { outcome } from "../../support/servers/nodes.js";
import { brittleStore } from "../../support/stores/memory.js";

// The same stores without a database, and on one that keeps no lists.

const cookie = { originalMaxAge: 60_000, httpOnly: true, path: "/" };

function setUp() {
  const clock = new HandClock();
  const memory = brittleStore(clock);
  const sessions = tokenSession({ store: memory.factory, logger: false, prune: false, clock });
  return { memory, clock, sessions };
}

test("in memory: set, get, a handle in between, list, count, clear", async () => {
  const { sessions } = setUp();
  const store = new ConnectStore(sessions);
  await store.set("a", { cookie, n: 1 } as never);
  const read = (await store.get("a")) as unknown as Record<string, unknown>;
  const handle = await sessions.find(opaqueToken("a").sessionId);
  await handle?.set("theirs", 1);
  await store.set("a", Object.assign(read as never, { n: 2 }));
  await handle?.reload();
  expect(handle?.toJSON()).toEqual({ n: 2, theirs: 1 });
  expect([await store.length(), await store.all()]).toMatchObject([1, [{ n: 2, theirs: 1, id: handle?.id }]]);
  await store.clear();
  expect([await store.length(), await store.get("a")]).toEqual([0, null]);
  await sessions.close();
  expect(await outcome(store.get("a"))).toBe("SESSION_CLOSED");
});

test("koa-session's likewise", async () => {
  const { sessions } = setUp();
  const store = new KoaSessionStore(sessions);
  await store.set("a", { n: 1, _maxAge: 60_000 }, 60_000);
  expect(await store.get("a")).toEqual({ n: 1, _maxAge: 60_000 });
  await store.destroy("a");
  expect(await store.get("a")).toBeUndefined();
  await sessions.close();
});

test("on a store that keeps no lists these are refused by name, and the rest works", async () => {
  const { memory, sessions } = setUp();
  Object.assign(memory.store, { list: undefined, count: undefined });
  const store = new ConnectStore(sessions);
  await store.set("a", { cookie, n: 1 } as never);
  for (const refused of [store.all(), store.length(), store.clear()])
    expect(await outcome(refused)).toBe("SESSION_UNSUPPORTED");
  expect(await store.get("a")).toMatchObject({ n: 1 });
  const told = await new Promise((resolve) => store.length((error) => resolve(error)));
  expect(told).toMatchObject({ code: "SESSION_UNSUPPORTED" });
  await sessions.close();
});

test("a row that cannot be read is left out of the list, and said", async () => {
  const { memory, sessions } = setUp();
  const store = new ConnectStore(sessions);
  for (const sid of ["a", "b"]) await store.set(sid, { cookie, sid } as never);
  const list = memory.store.list.bind(memory.store);
  memory.store.list = async (options) =>
    (await list(options)).map((row) => (row.data?.includes('"a"') ? { ...row, data: "[" } : row));
  const codes: string[] = [];
  sessions.on("error", ({ code }) => codes.push(code));
  expect((await store.all()).map((one) => (one as unknown as { sid: string }).sid)).toEqual(["b"]);
  await settled();
  expect(codes).toEqual(["SESSION_DATA_INVALID"]);
  await sessions.close();
});

test("of several first saves of an id whose session is over none takes another's away", async () => {
  const { memory, clock, sessions } = setUp();
  const store = new ConnectStore(sessions);
  await store.set("a", { cookie, old: 1 } as never);
  // Answers that take now less, now more turns of the event loop, the same ones in each run.
  let seed = 1;
  const turns = async (most: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    for (let left = seed % most; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
  };
  for (const method of ["load", "insert", "delete"] as const) {
    const run = memory.store[method].bind(memory.store) as (given: unknown) => Promise<never>;
    memory.store[method] = async (given: unknown) => {
      await turns(6);
      const answer = await run(given);
      await turns(6);
      return answer;
    };
  }
  const names = [..."abcde"];
  for (let round = 0; round < 100; round++) {
    clock.advance(78_000);
    const save = async (name: string) => {
      await turns(40);
      await store.set("a", { cookie, [name]: round } as never);
    };
    await Promise.all(names.map(save));
    expect(await store.get("a")).toEqual({
      ...Object.fromEntries(names.map((name) => [name, round])),
      cookie: { ...cookie, expires: expect.any(String) },
    });
  }
  await sessions.close();
});

test("an id that was taken, and then free when its row was looked for, is tried again", async () => {
  const { memory, clock, sessions } = setUp();
  const store = new ConnectStore(sessions);
  const { insert } = memory.store;
  memory.store.insert = async () => {
    memory.store.insert = insert;
    return [null];
  };
  // An INSERT has met a row: that none is found is believed after two seconds, for a node of the database may
  // lag behind.
  await clock.advanceUntil(store.set("a", { cookie, n: 1 } as never));
  expect(await store.get("a")).toMatchObject({ n: 1 });
  // Always taken, and never there: something else is wrong with the table.
  memory.store.insert = async () => [null];
  const refused = outcome(store.set("b", { cookie, n: 1 } as never));
  expect(await clock.advanceUntil(refused)).toBe("SESSION_STORE_FAILED");
  await sessions.close();
});

test("a request is given what the row has, not what still waits to be written", async () => {
  const { memory, sessions } = setUp();
  const store = new ConnectStore(sessions);
  await store.set("a", { cookie, n: 1 } as never);
  const handle = await sessions.find(opaqueToken("a").sessionId);
  const [load, write] = [memory.store.load.bind(memory.store), memory.store.write.bind(memory.store)];
  let lost: Promise<string> | undefined;
  memory.store.load = (ids) => {
    lost ??= outcome(handle?.set("n", 2) as Promise<void>);
    return load(ids);
  };
  memory.store.write = async () => {
    memory.store.write = write;
    throw new StoreFault("refused", "full");
  };
  const read = (await store.get("a")) as unknown as Record<string, unknown>;
  expect(await lost).toBe("SESSION_STORE_FAILED");
  // What a request sets is in the row, also where somebody else has tried to set the same.
  await store.set("a", Object.assign(read as never, { n: 2 }));
  expect(await store.get("a")).toMatchObject({ n: 2 });
  await sessions.close();
});
