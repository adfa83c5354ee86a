import assert from "node:assert/strict";
import type { SessionRevision, SessionStore } from "../../store.js";
import { assertNear, attemptOn, insertSession, loadRow, newSession } from "../fixtures.js";
import type { StoreCase, StoreHarness } from "../harness.js";

export const loadRevisionsCases: readonly StoreCase[] = [
  caseOf(
    "loadRevisions has the same facts as load, also after a write",
    async ({ store, setTimes }, load) => {
      const { sessionId, now } = await insertSession(store, { revision: 2 ** 53 - 1 });
      await setTimes(sessionId, { expires: now + 60, visitedAt: now - 5000 });
      await assertAgrees(store, sessionId, load);
      await store.touch([sessionId], { beginVisit: true });
      await assertAgrees(store, sessionId, load);
      await store.write([attemptOn(await loadRow(store, sessionId))]);
      await assertAgrees(store, sessionId, load);
    },
  ),
  caseOf("loadRevisions brings no values", async ({ store }, load) => {
    const { sessionId } = await insertSession(store, { data: '{"secret":"of-the-user"}' });
    const rows = await load([sessionId]);
    assert.equal(rows.length, 1);
    assert.ok(!JSON.stringify(rows).includes("of-the-user"));
  }),
  caseOf("loadRevisions brings expired rows too", async ({ store, setTimes }, load) => {
    const { sessionId, now } = await insertSession(store);
    await setTimes(sessionId, { expires: now - 5 });
    await assertAgrees(store, sessionId, load);
  }),
  caseOf("loadRevisions leaves out what is not there", async ({ store }, load) => {
    const [one, two, other, missing] = [newSession(), newSession(), newSession(), newSession()];
    await store.insert([one, two, other]);
    const rows = await load([missing.sessionId, one.sessionId, two.sessionId]);
    const ids = rows.map(({ sessionId }) => sessionId);
    assert.deepEqual(ids.sort(), [one.sessionId, two.sessionId].sort());
  }),
  caseOf("loadRevisions takes ids exactly: no space at the end, no other case", async ({ store }, load) => {
    const id = `${newSession().sessionId.slice(0, -1)}a`;
    await insertSession(store, { sessionId: id });
    for (const other of [`${id} `, `${id}  `, ` ${id}`, id.toUpperCase(), id.slice(0, -1)])
      assert.deepEqual(await load([other]), [], JSON.stringify(other));
  }),
];

type LoadRevisions = NonNullable<SessionStore["loadRevisions"]>;

/** A case that does nothing where the store has no such method. */
function caseOf(name: string, run: (harness: StoreHarness, load: LoadRevisions) => Promise<void>): StoreCase {
  return {
    name,
    async run(harness) {
      const { store } = harness;
      if (store.loadRevisions) await run(harness, (ids) => store.loadRevisions?.(ids) ?? Promise.resolve([]));
    },
  };
}

async function assertAgrees(store: SessionStore, sessionId: string, load: LoadRevisions): Promise<void> {
  const row = await loadRow(store, sessionId);
  const seen = await load([sessionId]);
  assert.equal(seen.length, 1, "rows brought for one id");
  const one = seen[0] as SessionRevision;
  assert.equal(one.sessionId, sessionId);
  for (const fact of ["revision", "expires", "visitedAt", "previousVisitAt"] as const)
    assert.equal(one[fact], row[fact], fact);
  assertNear(one.now, row.now, "now");
}
