import assert from "node:assert/strict";
import { lifeAfterTouch } from "../../row/expiration.js";
import { AWKWARD, assertNear, insertSession, loadRow, newSession, ROUNDS, toNumbers } from "../fixtures.js";
import { contractSettings, type StoreCase } from "../harness.js";

export const insertCases: readonly StoreCase[] = [
  {
    name: "insert gives the row, and load gives it again",
    async run({ store }) {
      const session = newSession({ data: AWKWARD, client: { device: "Pixel 9 😀", version: 3 } });
      const [inserted] = await store.insert([session]);
      assert.ok(inserted);
      for (const each of [inserted, await loadRow(store, session.sessionId)]) {
        assert.equal(each.sessionId, session.sessionId);
        assert.equal(each.data, session.data);
        assert.deepEqual(each.client, session.client);
        assert.deepEqual(toNumbers(each.secretHash), toNumbers(session.secretHash));
        assert.equal(each.revision, session.revision);
        assert.deepEqual(toNumbers(each.writers), toNumbers(session.writers));
        assert.equal(each.previousVisitAt, 0);
        assert.equal(each.idleSeconds, null);
        assertNear(each.expires, each.now + lifeAfterTouch(null, contractSettings), "expires");
        assertNear(each.createdAt, each.now, "createdAt");
        assertNear(each.visitedAt, each.now, "visitedAt");
      }
      assert.equal((await insertSession(store)).client, null);
    },
  },
  {
    name: "insert never overwrites",
    async run({ store, setTimes }) {
      const first = newSession({ data: '{"mine":1}' });
      await store.insert([first]);
      const again = () => newSession({ sessionId: first.sessionId });
      assert.deepEqual(await store.insert([again()]), [null]);
      const row = await loadRow(store, first.sessionId);
      assert.equal(row.data, first.data);
      assert.deepEqual(toNumbers(row.secretHash), toNumbers(first.secretHash));
      await setTimes(first.sessionId, { expires: row.now - 10 });
      assert.deepEqual(await store.insert([again()]), [null], "an expired row keeps its id");
      const expired = await loadRow(store, first.sessionId);
      assert.deepEqual(toNumbers(expired.secretHash), toNumbers(first.secretHash));
      assert.equal(expired.expires, row.now - 10);
    },
  },
  {
    name: "insert answers a list entry by entry, in order",
    async run({ store }) {
      const sessions = [newSession(), newSession(), newSession(), newSession()];
      await store.insert(sessions.slice(1, 2));
      const inserted = await store.insert(sessions);
      const expected = sessions.map(({ sessionId }, n) => (n === 1 ? null : sessionId));
      assert.deepEqual(
        inserted.map((row) => row?.sessionId ?? null),
        expected,
      );
      for (const session of sessions)
        assert.equal((await loadRow(store, session.sessionId)).revision, session.revision);
    },
  },
  {
    name: "of inserts of one id at once exactly one takes effect",
    async run({ store }) {
      for (let round = 0; round < ROUNDS; round++) {
        const { sessionId } = newSession();
        const rivals = [newSession({ sessionId }), newSession({ sessionId }), newSession({ sessionId })];
        const answers = await Promise.all(rivals.map((session) => store.insert([session])));
        const winners = rivals.filter((_, n) => answers[n]?.[0]);
        assert.equal(winners.length, 1, "inserts of one id that say that they took effect");
        assert.equal((await loadRow(store, sessionId)).revision, winners[0]?.revision);
      }
    },
  },
];
