import assert from "node:assert/strict";
import { lifeAfterTouch } from "../../row/expiration.js";
import { VISIT_GAP } from "../../store.js";
import {
  assertMissing,
  assertNear,
  attemptOn,
  comparable,
  insertSession,
  loadRow,
  newSession,
  ROUNDS,
  toNumbers,
} from "../fixtures.js";
import { contractSettings, type StoreCase } from "../harness.js";

const { absoluteExpiration } = contractSettings;
const life = lifeAfterTouch(null, contractSettings);

export const touchCases: readonly StoreCase[] = [
  {
    name: "touch moves expires and visitedAt forward and nothing else",
    async run({ store, setTimes }) {
      const row = await insertSession(store, { data: '{"n":1}', client: { device: "Pixel 9" } });
      await setTimes(row.sessionId, { expires: row.now + 60, visitedAt: row.now - 100 });
      await store.touch([row.sessionId], { beginVisit: true });
      const after = await loadRow(store, row.sessionId);
      assertNear(after.expires, after.now + life, "expires");
      assertNear(after.visitedAt, after.now, "visitedAt");
      // previousVisitAt is among what stays: no new visit within the gap.
      const { expires, visitedAt } = after;
      assert.deepEqual(comparable(after), { ...comparable(row), expires, visitedAt });
    },
  },
  {
    name: "touch begins a new visit after the gap",
    async run({ store, setTimes }) {
      const row = await insertSession(store);
      const lastVisit = row.now - VISIT_GAP - 10;
      await setTimes(row.sessionId, { visitedAt: lastVisit });
      await store.touch([row.sessionId], { beginVisit: true });
      const after = await loadRow(store, row.sessionId);
      assert.equal(after.previousVisitAt, lastVisit);
      assertNear(after.visitedAt, after.now, "visitedAt");
    },
  },
  {
    name: "touch without beginVisit leaves previousVisitAt alone",
    async run({ store, setTimes }) {
      const row = await insertSession(store);
      await setTimes(row.sessionId, { visitedAt: row.now - VISIT_GAP - 10 });
      await store.touch([row.sessionId], { beginVisit: false });
      const after = await loadRow(store, row.sessionId);
      assert.equal(after.previousVisitAt, 0);
      assertNear(after.visitedAt, after.now, "visitedAt");
    },
  },
  {
    name: "touch keeps to the absolute expiration",
    async run({ store, setTimes }) {
      const row = await insertSession(store);
      const createdAt = row.now - absoluteExpiration + 100;
      await setTimes(row.sessionId, { createdAt, expires: row.now + 50 });
      await store.touch([row.sessionId], { beginVisit: true });
      assert.equal((await loadRow(store, row.sessionId)).expires, row.now + 100);
    },
  },
  {
    name: "touch never moves expires back",
    async run({ store, setTimes }) {
      const row = await insertSession(store);
      await setTimes(row.sessionId, { expires: row.now + 9000 });
      await store.touch([row.sessionId], { beginVisit: true });
      assert.equal((await loadRow(store, row.sessionId)).expires, row.now + 9000);
    },
  },
  {
    name: "touch never revives",
    async run({ store, setTimes }) {
      const row = await insertSession(store);
      await setTimes(row.sessionId, { expires: row.now - 5 });
      await store.touch([row.sessionId], { beginVisit: true });
      const after = await loadRow(store, row.sessionId);
      assert.deepEqual(comparable(after), { ...comparable(row), expires: row.now - 5, data: null });
    },
  },
  {
    name: "touch never inserts",
    async run({ store }) {
      const { sessionId } = newSession();
      await store.touch([sessionId], { beginVisit: true });
      await assertMissing(store, sessionId);
    },
  },
  {
    name: "touch touches exactly the rows of its list",
    async run({ store, setTimes }) {
      const rows = [await insertSession(store), await insertSession(store), await insertSession(store)];
      for (const { sessionId, now } of rows) await setTimes(sessionId, { expires: now + 60 });
      const [one, other, last] = rows.map(({ sessionId }) => sessionId) as [string, string, string];
      await store.touch([one, newSession().sessionId, last], { beginVisit: false });
      for (const id of [one, last]) {
        const { expires, now } = await loadRow(store, id);
        assertNear(expires, now + life, "expires of a row in the list");
      }
      assert.equal((await loadRow(store, other)).expires, (rows[1]?.now ?? 0) + 60);
    },
  },
  {
    name: "touch and write at once lose nothing of each other",
    async run({ store, setTimes }) {
      for (let round = 0; round < ROUNDS; round++) {
        const row = await insertSession(store);
        await setTimes(row.sessionId, { expires: row.now + 60 });
        const attempt = attemptOn(row);
        const both = [
          () => store.write([attempt]),
          async () => {
            // Left out while the write has the row locked.
            while ((await store.touch([row.sessionId], { beginVisit: true })).length > 0);
          },
        ] as const;
        const order = round % 2 === 0 ? both : ([both[1], both[0]] as const);
        await Promise.all(order.map((run) => run()));
        const after = await loadRow(store, row.sessionId);
        assert.equal(after.data, attempt.data);
        assert.equal(after.revision, attempt.revision);
        assert.deepEqual(toNumbers(after.writers), toNumbers(attempt.writers));
        assertNear(after.expires, after.now + life, "expires");
      }
    },
  },
];
