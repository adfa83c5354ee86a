import assert from "node:assert/strict";
import type { SessionRow, SessionStore } from "../../store.js";
import { AWKWARD, attemptOn, comparable, insertSession, loadRow, newIdentity } from "../fixtures.js";
import type { StoreCase } from "../harness.js";

export const listCases: readonly StoreCase[] = [
  {
    name: "list brings every living row once, in the order of ids, page by page, and no others",
    async run({ store, setTimes }) {
      if (!store.list) return;
      const living = [
        await insertSession(store),
        await insertSession(store),
        await insertSession(store),
        await insertSession(store),
      ];
      const expired = await insertSession(store);
      await setTimes(expired.sessionId, { expires: expired.now });
      const deleted = await insertSession(store);
      await store.delete([deleted.sessionId]);
      const ids = (await pagesOf(store, 3)).map(({ sessionId }) => sessionId);
      assert.deepEqual(ids, [...ids].sort(), "the order of ids");
      assert.equal(new Set(ids).size, ids.length, "a row that is brought twice");
      for (const { sessionId } of living) assert.ok(ids.includes(sessionId), "a living row is missing");
      assert.ok(!ids.includes(expired.sessionId), "an expired row");
      assert.ok(!ids.includes(deleted.sessionId), "a deleted row");
      assert.deepEqual((await pagesOf(store, 1000)).length, ids.length);
    },
  },
  {
    name: "list begins behind `after`, be it there or not, and brings as many as there are up to limit",
    async run({ store }) {
      if (!store.list) return;
      for (let n = 0; n < 3; n++) await insertSession(store);
      const ids = (await pagesOf(store, 1000)).map(({ sessionId }) => sessionId);
      const [last, beforeLast] = [ids.at(-1) as string, ids.at(-2) as string];
      const after = async (id: string) =>
        ((await store.list?.({ after: id, limit: 2 })) ?? []).map(({ sessionId }) => sessionId);
      assert.deepEqual(await after(ids.at(-3) as string), [beforeLast, last]);
      assert.deepEqual(await after(beforeLast), [last]);
      assert.deepEqual(await after(last), []);
      await store.delete([beforeLast]);
      assert.deepEqual(await after(beforeLast), [last]);
    },
  },
  {
    name: "list has the same facts as load, values too",
    async run({ store }) {
      const row = await insertSession(store, {
        data: AWKWARD,
        client: { device: "Pixel 9" },
        idleSeconds: 600,
      });
      await store.write([{ ...attemptOn(row, { data: AWKWARD }), identity: newIdentity() }]);
      const listed = (await pagesOf(store, 100)).find(({ sessionId }) => sessionId === row.sessionId);
      if (!store.list) return;
      assert.ok(listed);
      assert.deepEqual(comparable(listed), comparable(await loadRow(store, row.sessionId)));
    },
  },
  {
    name: "count is the number of living rows",
    async run({ store, setTimes }) {
      if (!store.count) return;
      const before = await store.count();
      const [, deleted, expired] = [
        await insertSession(store),
        await insertSession(store),
        await insertSession(store),
      ];
      assert.equal(await store.count(), before + 3);
      await store.delete([deleted.sessionId]);
      await setTimes(expired.sessionId, { expires: expired.now });
      assert.equal(await store.count(), before + 1);
    },
  },
];

async function pagesOf(store: SessionStore, limit: number): Promise<SessionRow[]> {
  const rows: SessionRow[] = [];
  for (;;) {
    const page = (await store.list?.({ after: rows.at(-1)?.sessionId, limit })) ?? [];
    assert.ok(page.length <= limit, "more than limit");
    rows.push(...page);
    if (page.length < limit) return rows;
  }
}
