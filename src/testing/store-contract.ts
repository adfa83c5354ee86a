import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  type NewSession,
  type SessionRow,
  type SessionStore,
  type UnixSeconds,
  VISIT_GAP,
} from "../store.js";
import { mintToken } from "../token.js";
import { newProcessId, newRevision, withWriter } from "../writers.js";

/** What a test of a store brings along. */
export interface StoreHarness {
  /** A store opened with {@link contractSettings}. */
  readonly store: SessionStore;
  /** Changes times of a row behind the store's back, so that nothing has to wait for time to pass. */
  setTimes(
    sessionId: string,
    times: Partial<Record<"expires" | "createdAt" | "visitedAt", UnixSeconds>>,
  ): Promise<void>;
}

/** One rule of the store contract. */
export interface StoreCase {
  readonly name: string;
  run(harness: StoreHarness): Promise<void>;
}

export const contractSettings = { expiration: 3600, absoluteExpiration: 7200, storeTimeout: 10 } as const;

/** Every rule that a store must keep, as cases for any test framework. */
export const storeContract: readonly StoreCase[] = [
  {
    name: "insert gives the row, and load gives it again",
    async run({ store }) {
      const session = newSession({
        data: '{"a":"\\"\'\\\\ 😀\\ud800"}',
        client: { device: "Pixel 9", version: 3 },
      });
      const [inserted] = await store.insert([session]);
      assert.ok(inserted);
      const [row] = await store.load([session.sessionId]);
      for (const each of [inserted, row]) {
        assert.ok(each);
        assert.equal(each.data, session.data);
        assert.deepEqual(each.client, session.client);
        assert.deepEqual(bytes(each.secretHash), bytes(session.secretHash));
        assert.equal(each.revision, session.revision);
        assert.deepEqual(bytes(each.writers), bytes(session.writers));
        assert.equal(each.previousVisitAt, 0);
        assert.ok(Math.abs(each.expires - each.now - contractSettings.expiration) <= 2);
        assert.ok(Math.abs(each.createdAt - each.now) <= 2);
        assert.ok(Math.abs(each.visitedAt - each.now) <= 2);
      }
    },
  },
  {
    name: "load leaves out what is not there",
    async run({ store }) {
      const [one, other] = [newSession(), newSession()];
      await store.insert([one]);
      const rows = await store.load([other.sessionId, one.sessionId]);
      assert.deepEqual(
        rows.map(({ sessionId }) => sessionId),
        [one.sessionId],
      );
      assert.deepEqual(await store.load([`${one.sessionId} `]), []);
    },
  },
  {
    name: "load never brings the values of an expired row",
    async run({ store, setTimes }) {
      const row = await begin(store, { data: '{"secret":1}' });
      await setTimes(row.sessionId, { expires: row.now - 1 });
      const [expired] = await store.load([row.sessionId]);
      assert.ok(expired);
      assert.equal(expired.data, null);
      assert.ok(expired.expires <= expired.now);
      // The moment itself counts as over.
      await setTimes(row.sessionId, { expires: expired.now });
      assert.equal((await store.load([row.sessionId]))[0]?.data, null);
    },
  },
  {
    name: "insert never overwrites",
    async run({ store }) {
      const first = newSession({ data: '{"mine":1}' });
      await store.insert([first]);
      const [second] = await store.insert([newSession({ sessionId: first.sessionId })]);
      assert.equal(second, null);
      const [row] = await store.load([first.sessionId]);
      assert.equal(row?.data, first.data);
      assert.deepEqual(bytes(row?.secretHash), bytes(first.secretHash));
    },
  },
  {
    name: "write takes effect where the revision is the base, and changes nothing else",
    async run({ store }) {
      const row = await begin(store);
      const revision = newRevision();
      const writers = withWriter(row.writers, newProcessId(), revision);
      const attempt = {
        sessionId: row.sessionId,
        baseRevision: row.revision,
        revision,
        data: '{"n":1}',
        writers,
      };
      assert.deepEqual(await store.write([attempt]), [true]);
      const [after] = await store.load([row.sessionId]);
      assert.ok(after);
      assert.equal(after.data, '{"n":1}');
      assert.equal(after.revision, revision);
      assert.deepEqual(bytes(after.writers), bytes(writers));
      assert.equal(after.expires, (await store.load([row.sessionId]))[0]?.expires);
      assert.deepEqual(bytes(after.secretHash), bytes(row.secretHash));
      assert.deepEqual(
        await store.write([attempt]),
        [false],
        "the same attempt again finds another revision",
      );
    },
  },
  {
    name: "write refuses another revision and leaves the row alone",
    async run({ store }) {
      const row = await begin(store, { data: '{"kept":1}' });
      const attempt = attemptOn(row, { baseRevision: (row.revision + 1) % 2 ** 48 });
      assert.deepEqual(await store.write([attempt]), [false]);
      const [after] = await store.load([row.sessionId]);
      assert.equal(after?.data, '{"kept":1}');
      assert.equal(after?.revision, row.revision);
    },
  },
  {
    name: "write carries the largest revision exactly",
    async run({ store }) {
      const row = await begin(store, { revision: 2 ** 48 - 1 });
      assert.deepEqual(await store.write([attemptOn(row, { revision: 2 ** 48 - 2 })]), [true]);
      assert.equal((await store.load([row.sessionId]))[0]?.revision, 2 ** 48 - 2);
    },
  },
  {
    name: "write never inserts",
    async run({ store }) {
      const row = { ...newSession(), revision: 0 };
      assert.deepEqual(await store.write([attemptOn(row)]), [false]);
      assert.deepEqual(await store.load([row.sessionId]), []);
    },
  },
  {
    name: "write never brings an expired row back",
    async run({ store, setTimes }) {
      const row = await begin(store);
      await setTimes(row.sessionId, { expires: row.now - 1 });
      assert.deepEqual(await store.write([attemptOn(row)]), [false]);
      const [after] = await store.load([row.sessionId]);
      assert.equal(after?.revision, row.revision);
      assert.equal(after?.data, null);
    },
  },
  {
    name: "touch moves expires and visitedAt forward and nothing else",
    async run({ store, setTimes }) {
      const row = await begin(store, { data: '{"n":1}' });
      await setTimes(row.sessionId, { expires: row.now + 60, visitedAt: row.now - 100 });
      await store.touch([row.sessionId], { beginVisit: true });
      const [after] = await store.load([row.sessionId]);
      assert.ok(after);
      assert.ok(Math.abs(after.expires - after.now - contractSettings.expiration) <= 2);
      assert.ok(Math.abs(after.visitedAt - after.now) <= 2);
      assert.equal(after.previousVisitAt, 0, "no new visit within the gap");
      assert.equal(after.revision, row.revision);
      assert.equal(after.data, '{"n":1}');
      assert.deepEqual(bytes(after.writers), bytes(row.writers));
    },
  },
  {
    name: "touch begins a new visit after the gap",
    async run({ store, setTimes }) {
      const row = await begin(store);
      const lastVisit = row.now - VISIT_GAP - 10;
      await setTimes(row.sessionId, { visitedAt: lastVisit });
      await store.touch([row.sessionId], { beginVisit: true });
      const [after] = await store.load([row.sessionId]);
      assert.equal(after?.previousVisitAt, lastVisit);
      assert.ok(after && Math.abs(after.visitedAt - after.now) <= 2);
    },
  },
  {
    name: "touch without beginVisit leaves previousVisitAt alone",
    async run({ store, setTimes }) {
      const row = await begin(store);
      await setTimes(row.sessionId, { visitedAt: row.now - VISIT_GAP - 10 });
      await store.touch([row.sessionId], { beginVisit: false });
      const [after] = await store.load([row.sessionId]);
      assert.equal(after?.previousVisitAt, 0);
      assert.ok(after && Math.abs(after.visitedAt - after.now) <= 2);
    },
  },
  {
    name: "touch keeps to the absolute expiration, and never moves expires back",
    async run({ store, setTimes }) {
      const row = await begin(store);
      const createdAt = row.now - contractSettings.absoluteExpiration + 100;
      await setTimes(row.sessionId, { createdAt, expires: row.now + 50 });
      await store.touch([row.sessionId], { beginVisit: true });
      assert.equal((await store.load([row.sessionId]))[0]?.expires, row.now + 100);
      await setTimes(row.sessionId, { createdAt: row.now, expires: row.now + 9000 });
      await store.touch([row.sessionId], { beginVisit: true });
      assert.equal((await store.load([row.sessionId]))[0]?.expires, row.now + 9000);
    },
  },
  {
    name: "touch neither inserts nor revives",
    async run({ store, setTimes }) {
      const missing = newSession();
      const row = await begin(store);
      await setTimes(row.sessionId, { expires: row.now - 5 });
      await store.touch([missing.sessionId, row.sessionId], { beginVisit: true });
      assert.deepEqual(await store.load([missing.sessionId]), []);
      const [after] = await store.load([row.sessionId]);
      assert.equal(after?.expires, row.now - 5);
      assert.equal(after?.data, null);
    },
  },
  {
    name: "a list is answered entry by entry, in order",
    async run({ store }) {
      const sessions = [newSession(), newSession(), newSession()];
      await store.insert([sessions[1] as NewSession]);
      const inserted = await store.insert(sessions);
      assert.deepEqual(
        inserted.map((row) => row?.sessionId ?? null),
        [sessions[0]?.sessionId, null, sessions[2]?.sessionId],
      );
      const rows = await store.load(sessions.map(({ sessionId }) => sessionId));
      assert.equal(rows.length, 3);
      const attempts = sessions.map((session, n) =>
        attemptOn(session, n === 1 ? { baseRevision: (session.revision + 1) % 2 ** 48 } : {}),
      );
      assert.deepEqual(await store.write(attempts), [true, false, true]);
    },
  },
];

function newSession(given: Partial<NewSession> = {}): NewSession {
  const { sessionId, secretHash } = mintToken();
  const revision = newRevision();
  const writers = withWriter(new Uint8Array(), newProcessId(), revision);
  return { sessionId, secretHash, data: "{}", client: null, revision, writers, ...given };
}

async function begin(store: SessionStore, given: Partial<NewSession> = {}): Promise<SessionRow> {
  const session = newSession(given);
  await store.insert([session]);
  const [row] = await store.load([session.sessionId]);
  assert.ok(row, "a session just inserted can be loaded");
  return row;
}

function attemptOn(
  row: Pick<SessionRow, "sessionId" | "revision" | "writers">,
  given: { baseRevision?: number; revision?: number } = {},
) {
  const revision = given.revision ?? newRevision();
  return {
    sessionId: row.sessionId,
    baseRevision: row.revision,
    data: `{"x":"${randomBytes(4).toString("hex")}"}`,
    writers: withWriter(row.writers, newProcessId(), revision),
    ...given,
    revision,
  };
}

function bytes(value: Uint8Array | null | undefined): number[] | null | undefined {
  return value && [...value];
}
