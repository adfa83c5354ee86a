import { createHash } from "node:crypto";
import { expect, test } from "@jest/globals";
import { toSettings } from "../../../src/options.js";
import { Events, type SessionEndEvent, type SessionStartEvent } from "../../../src/registry/events.js";
import { SessionRegistry } from "../../../src/registry/registry.js";
import { StoreFault } from "../../../src/store.js";
import { MemoryStore } from "../../../src/stores/memory.js";
import { opaqueToken } from "../../../src/token/opaque.js";
import { HandClock, settled } from "../../support/clock.js";
import { keptLog } from "../../support/log.js";
import { gate } from "../../support/servers/nodes.js";

// Sessions for tokens that were made elsewhere.

const FIRST = { client: null, data: '{"n":1}', idleSeconds: 60 };

function setUp() {
  const clock = new HandClock();
  const settings = toSettings({ store: () => store, clock, logger: keptLog() });
  const store = new MemoryStore(settings, clock);
  const events = new Events(settings.log);
  const registry = new SessionRegistry(settings, store, events);
  const told: (SessionStartEvent | SessionEndEvent)[] = [];
  for (const event of ["sessionStart", "sessionEnd"] as const)
    events.subscribe("on", event, (content: SessionStartEvent) => told.push(content));
  return { clock, store, registry, told };
}

test("an opaque token is its own secret, and its id is a hash of it that is not the secret's", () => {
  const token = opaqueToken("s3cret of a cookie");
  expect(token).toEqual({
    text: "s3cret of a cookie",
    sessionId: "ad81f9f82c5b1d4f01eb38c142ee51d4",
    secretHash: createHash("sha256").update("s3cret of a cookie").digest(),
  });
});

test("one is made with what it begins with, and sessionStart is told", async () => {
  const { registry, store, told } = setUp();
  const token = opaqueToken("a");
  const minted = await registry.mintFor(token, FIRST);
  expect(minted).toMatchObject({ found: "session", isNew: true });
  const [row] = await store.load([token.sessionId]);
  expect(row).toMatchObject({ data: '{"n":1}', idleSeconds: 60, client: null });
  expect(Buffer.from(row?.secretHash ?? [])).toEqual(token.secretHash);
  expect((row?.expires ?? 0) - (row?.now ?? 0)).toBe(75);
  await settled();
  expect(told).toEqual([{ sessionId: token.sessionId, client: null }]);
  expect((await registry.open(token)).found).toBe("session");
});

test("where there is one, it is opened and stays as it is; nothing is told", async () => {
  const { registry, store, told } = setUp();
  const token = opaqueToken("a");
  await registry.mintFor(token, FIRST);
  const again = await registry.mintFor(token, { ...FIRST, data: '{"n":2}' });
  expect(again).toMatchObject({ found: "session", isNew: false });
  expect((await store.load([token.sessionId]))[0]?.data).toBe('{"n":1}');
  await settled();
  expect(told).toHaveLength(1);
});

test("an id that another secret opens is refused, and an expired one stays over", async () => {
  const { registry, store, clock } = setUp();
  const token = opaqueToken("a");
  await registry.mintFor({ ...token, secretHash: Buffer.alloc(32) }, FIRST);
  expect(await registry.mintFor(token, FIRST)).toEqual({ found: "nothing", missing: false, isNew: false });
  const other = opaqueToken("b");
  const minted = await registry.mintFor(other, FIRST);
  if (minted.found === "session") registry.release(minted.session);
  clock.advance(78_000);
  expect(await registry.mintFor(other, FIRST)).toEqual({ found: "expired", isNew: false });
  expect((await store.load([other.sessionId]))[0]?.data).toBeNull();
});

test("an insert whose answer is lost counts once", async () => {
  const { registry, store, told, clock } = setUp();
  const insert = store.insert.bind(store);
  store.insert = async (sessions) => {
    store.insert = insert;
    await insert(sessions);
    throw new StoreFault("unknown", "lost");
  };
  const minting = registry.mintFor(opaqueToken("a"), FIRST);
  await settled();
  clock.advance(1000);
  expect(await minting).toMatchObject({ found: "session", isNew: true });
  await settled();
  expect(told).toHaveLength(1);
});

test("somebody who looks for it at the same moment does not end it", async () => {
  const { registry, store, told, clock } = setUp();
  const token = opaqueToken("a");
  const load = store.load.bind(store);
  const [asked, answer] = [gate(), gate()];
  store.load = async (ids) => {
    store.load = load;
    const rows = await load(ids);
    asked.open();
    await answer.opened;
    return rows;
  };
  const opening = registry.open(token);
  await asked.opened;
  const minting = registry.mintFor(token, FIRST);
  await settled();
  answer.open();
  // The INSERT has been answered before the look was: there is a row, so "none" is not believed, and the next
  // look finds it.
  expect((await clock.advanceUntil(opening)).found).toBe("session");
  const minted = await minting;
  expect(minted).toMatchObject({ found: "session", isNew: true });
  expect(minted.found === "session" && minted.session.ended).toBeUndefined();
  await settled();
  expect(told).toEqual([{ sessionId: token.sessionId, client: null }]);
});

test("room is made for a new one only where the row has expired by now", async () => {
  const { registry, store, clock } = setUp();
  const token = opaqueToken("a");
  const minted = await registry.mintFor(token, FIRST);
  if (minted.found === "session") registry.release(minted.session);
  await registry.destroy(token.sessionId, "expired");
  expect(await store.load([token.sessionId])).toHaveLength(1);
  clock.advance(78_000);
  await registry.destroy(token.sessionId, "expired");
  expect(await store.load([token.sessionId])).toEqual([]);
});
