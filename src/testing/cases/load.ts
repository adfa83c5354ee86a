import assert from "node:assert/strict";
import { assertMissing, assertNear, insertSession, loadRow, newSession } from "../fixtures.js";
import type { StoreCase } from "../harness.js";

export const loadCases: readonly StoreCase[] = [
  {
    name: "load brings the rows of these ids and leaves out what is not there",
    async run({ store }) {
      const [one, two, other, missing] = [newSession(), newSession(), newSession(), newSession()];
      await store.insert([one, two, other]);
      const rows = await store.load([missing.sessionId, one.sessionId, two.sessionId]);
      const ids = rows.map(({ sessionId }) => sessionId);
      assert.deepEqual(ids.sort(), [one.sessionId, two.sessionId].sort());
      await assertMissing(store, missing.sessionId);
    },
  },
  {
    name: "load takes ids exactly: no space at the end, no other case",
    async run({ store }) {
      const id = `${newSession().sessionId.slice(0, -1)}a`;
      await insertSession(store, { sessionId: id });
      for (const other of [`${id} `, `${id}  `, ` ${id}`, id.toUpperCase(), id.slice(0, -1)])
        await assertMissing(store, other, JSON.stringify(other));
    },
  },
  {
    name: "load never brings the values of an expired row",
    async run({ store, setTimes }) {
      const row = await insertSession(store, { data: '{"secret":1}' });
      await setTimes(row.sessionId, { expires: row.now - 1 });
      const expired = await loadRow(store, row.sessionId);
      assert.equal(expired.data, null);
      assert.ok(expired.expires <= expired.now);
      // The moment itself counts as over.
      await setTimes(row.sessionId, { expires: expired.now });
      assert.equal((await loadRow(store, row.sessionId)).data, null);
    },
  },
  {
    name: "now, if there is one, is the clock of the rows",
    async run({ store }) {
      if (!store.now) return;
      const row = await insertSession(store);
      assertNear(store.now(), row.now, "now()");
    },
  },
];
