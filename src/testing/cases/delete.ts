import assert from "node:assert/strict";
import {
  assertMissing,
  assertNear,
  attemptOn,
  comparable,
  insertSession,
  loadRow,
  newSession,
  ROUNDS,
} from "../fixtures.js";
import type { StoreCase } from "../harness.js";

export const deleteCases: readonly StoreCase[] = [
  {
    name: "delete deletes exactly the rows of its list, expired ones too",
    async run({ store, setTimes }) {
      const [one, other, expired, last] = [
        await insertSession(store),
        await insertSession(store, { data: '{"kept":1}' }),
        await insertSession(store),
        await insertSession(store),
      ];
      await setTimes(expired.sessionId, { expires: expired.now - 5 });
      await store.delete([one.sessionId, expired.sessionId, last.sessionId]);
      for (const { sessionId } of [one, expired, last]) await assertMissing(store, sessionId);
      assert.deepEqual(comparable(await loadRow(store, other.sessionId)), comparable(other));
    },
  },
  {
    name: "delete of what is not there is no error, and no hindrance to the rest of the list",
    async run({ store }) {
      const row = await insertSession(store);
      await store.delete([newSession().sessionId, row.sessionId]);
      await assertMissing(store, row.sessionId);
      await store.delete([row.sessionId]);
    },
  },
  {
    name: "a deleted row is not written, touched or loaded back",
    async run({ store }) {
      const row = await insertSession(store);
      await store.delete([row.sessionId]);
      assert.deepEqual(await store.write([attemptOn(row)]), [false]);
      await store.touch([row.sessionId], { beginVisit: true });
      await assertMissing(store, row.sessionId);
      if (store.loadRevisions) assert.deepEqual(await store.loadRevisions([row.sessionId]), []);
    },
  },
  {
    name: "a row deleted while it is written and touched stays gone",
    async run({ store }) {
      for (let round = 0; round < ROUNDS; round++) {
        const row = await insertSession(store);
        const all = [
          () => store.write([attemptOn(row)]),
          () => store.touch([row.sessionId], { beginVisit: true }),
        ];
        all.splice(round % 3, 0, () => store.delete([row.sessionId]) as never);
        await Promise.all(all.map((run) => run()));
        await assertMissing(store, row.sessionId);
      }
    },
  },
  {
    name: "insert after delete makes a new row with nothing of the old one",
    async run({ store, setTimes }) {
      const old = await insertSession(store, { data: '{"old":1}', client: { device: "old" } });
      await setTimes(old.sessionId, { createdAt: old.now - 500, visitedAt: old.now - 400 });
      await store.delete([old.sessionId]);
      const session = newSession({ sessionId: old.sessionId });
      const [inserted] = await store.insert([session]);
      assert.ok(inserted, "the id is free again");
      const row = await loadRow(store, old.sessionId);
      const { secretHash, writers, revision } = session;
      const { expires, createdAt, visitedAt } = row;
      assert.deepEqual(
        comparable(row),
        comparable({
          ...old,
          data: "{}",
          client: null,
          secretHash,
          writers,
          revision,
          expires,
          createdAt,
          visitedAt,
        }),
      );
      assertNear(createdAt, row.now, "createdAt");
      assertNear(visitedAt, row.now, "visitedAt");
    },
  },
];
