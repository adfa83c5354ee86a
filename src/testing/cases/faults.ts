import assert from "node:assert/strict";
import { SessionError } from "../../errors.js";
import { type SessionRow, type SessionStore, StoreFault } from "../../store.js";
import { assertMissing, attemptOn, comparable, insertSession, loadRow, newSession } from "../fixtures.js";
import type { StoreCase } from "../harness.js";

type Method = Exclude<
  keyof SessionStore,
  "now" | "adopt" | "adoptsCookies" | "concurrency" | "shared" | "statementBytes"
>;
type Call = (store: SessionStore, row: SessionRow) => Promise<unknown> | undefined;

const calls: Record<Method, Call> = {
  load: (store, { sessionId }) => store.load([sessionId]),
  insert: (store) => store.insert([newSession()]),
  write: (store, row) => store.write([attemptOn(row)]),
  touch: (store, { sessionId }) => store.touch([sessionId], { beginVisit: true }),
  delete: (store, { sessionId }) => store.delete([sessionId]),
  loadRevisions: (store, { sessionId }) => store.loadRevisions?.([sessionId]),
  forUser: (store) => store.forUser?.("ada"),
  list: (store) => store.list?.({ limit: 10 }),
  count: (store) => store.count?.(),
  stats: (store) => store.stats?.(),
  prune: (store) => store.prune?.({ expiredFor: 3600, limit: 10 }),
  check: (store) => store.check?.(),
};

/** Cases that need `whileBroken`; without it they do nothing. */
export const faultCases: readonly StoreCase[] = [
  ...Object.entries(calls).map(
    ([method, call]): StoreCase => ({
      name: `${method} rejects while the store is unreachable, and never answers emptily`,
      async run({ store, whileBroken }) {
        if (!whileBroken || !store[method as Method]) return;
        const row = await insertSession(store);
        await whileBroken(() => assertRejects(method, call(store, row)));
        // Reachable again, and nothing has ended meanwhile.
        const rows = await store.load([row.sessionId]);
        if (method !== "delete") assert.equal(rows.length, 1);
      },
    }),
  ),
  {
    name: 'a fault that is not "unknown" means: surely without effect',
    async run({ store, whileBroken }) {
      if (!whileBroken) return;
      const row = await insertSession(store, { data: '{"kept":1}' });
      const session = newSession();
      const kinds: Partial<Record<Method, string | undefined>> = {};
      await whileBroken(async () => {
        kinds.write = await faultOf(store.write([attemptOn(row)]));
        kinds.touch = await faultOf(store.touch([row.sessionId], { beginVisit: true }));
        kinds.delete = await faultOf(store.delete([row.sessionId]));
        kinds.insert = await faultOf(store.insert([session]));
      });
      if (kinds.insert !== "unknown") await assertMissing(store, session.sessionId);
      if (kinds.delete === "unknown") return;
      const after = await loadRow(store, row.sessionId);
      if (kinds.write !== "unknown" && kinds.touch !== "unknown")
        assert.deepEqual(comparable(after), comparable(row));
    },
  },
];

async function assertRejects(method: string, answer: Promise<unknown> | undefined): Promise<void> {
  try {
    await answer;
  } catch (error) {
    assert.ok(
      isFault(error),
      `${method} rejects with a StoreFault or SessionError, not with ${nameOf(error)}`,
    );
    return;
  }
  assert.fail(`${method} answers as if the store had been reached`);
}

async function faultOf(answer: Promise<unknown>): Promise<string | undefined> {
  try {
    await answer;
    return undefined;
  } catch (error) {
    // Whether it may reject with this at all is the matter of the cases above.
    return error instanceof StoreFault ? error.kind : "unknown";
  }
}

function isFault(error: unknown): boolean {
  return error instanceof StoreFault || error instanceof SessionError;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
