import assert from "node:assert/strict";
import type { PruneStep, SessionStore } from "../../store.js";
import { assertMissing, comparable, insertSession, loadRow, ROUNDS } from "../fixtures.js";
import type { StoreCase, StoreHarness } from "../harness.js";

const HOUR = 3600;

export const pruneCases: readonly StoreCase[] = [
  caseOf("prune deletes what expired longer ago than asked, and nothing else", async (harness, prune) => {
    const { store } = harness;
    const old = [await insertExpired(harness, HOUR + 60), await insertExpired(harness, 30 * 24 * HOUR)];
    const fresh = [await insertExpired(harness, HOUR - 60), await insertExpired(harness, 1)];
    const living = await insertSession(store, { data: '{"alive":1}' });
    assert.deepEqual(await prune({ expiredFor: HOUR, limit: 100 }), { deleted: 2, more: false });
    for (const id of old) await assertMissing(store, id);
    for (const id of fresh) await loadRow(store, id);
    assert.deepEqual(comparable(await loadRow(store, living.sessionId)), comparable(living));
    assert.deepEqual(await prune({ expiredFor: HOUR, limit: 100 }), { deleted: 0, more: false });
    // A shorter time, and what was too fresh before goes.
    assert.equal((await prune({ expiredFor: 60, limit: 100 })).deleted, 1);
  }),
  caseOf("prune deletes at most limit, and says whether there may be more", async (harness, prune) => {
    const { store } = harness;
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await insertExpired(harness, HOUR + 60 + n));
    assert.deepEqual(await prune({ expiredFor: HOUR, limit: 2 }), { deleted: 2, more: true });
    assert.equal((await store.load(ids)).length, 3);
    assert.deepEqual(await prune({ expiredFor: HOUR, limit: 2 }), { deleted: 2, more: true });
    assert.equal((await store.load(ids)).length, 1);
    assert.deepEqual(await prune({ expiredFor: HOUR, limit: 2 }), { deleted: 1, more: false });
    assert.deepEqual(await store.load(ids), []);
  }),
  caseOf("prune spares a row whose expires moves forward meanwhile", async (harness, prune) => {
    const { store, setTimes } = harness;
    for (let round = 0; round < ROUNDS; round++) {
      const id = await insertExpired(harness, HOUR + 60);
      const { now } = await loadRow(store, id);
      const pruning = prune({ expiredFor: HOUR, limit: 100 });
      // At another moment of the pruning each time, measured in what this store takes for a step.
      for (let wait = 0; wait < round % 4; wait++) await store.load([id]);
      await setTimes(id, { expires: now + HOUR });
      // Gone already is right too: it was old when prune came to it. But once seen alive it must stay.
      // (Between two quick statements little fits in: a store on a database should also be tried with the row
      // locked by somebody else.)
      const [alive] = await store.load([id]);
      await pruning;
      if (alive) await loadRow(store, id);
    }
  }),
];

type Prune = (options: { expiredFor: number; limit: number }) => Promise<PruneStep>;

/** A case that does nothing where the store has no such method. It begins without anything to prune. */
function caseOf(name: string, run: (harness: StoreHarness, prune: Prune) => Promise<void>): StoreCase {
  return {
    name,
    async run(harness) {
      if (!harness.store.prune) return;
      const prune: Prune = (options) => (harness.store as Required<SessionStore>).prune(options);
      // Not until it says that there is no more: that is what is tested.
      for (let step = 0; step < 100; step++)
        if ((await prune({ expiredFor: 0, limit: 1000 })).deleted === 0) break;
      await run(harness, prune);
    },
  };
}

/** Id of a row that expired so many seconds ago. */
async function insertExpired({ store, setTimes }: StoreHarness, ago: number): Promise<string> {
  const { sessionId, now } = await insertSession(store);
  await setTimes(sessionId, { expires: now - ago });
  return sessionId;
}
