import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { NewSession, SessionRow, SessionStore } from "../../store.js";
import { attemptOn, insertSession, loadRow, newIdentity } from "../fixtures.js";
import type { StoreCase } from "../harness.js";

export const forUserCases: readonly StoreCase[] = [
  {
    name: "forUser brings the living sessions of this user, and no others",
    async run({ store, setTimes }) {
      if (!store.forUser) return;
      const userId = newUser();
      assert.deepEqual(await store.forUser(userId), []);
      const own = [await insertForUser(store, userId), await insertForUser(store, userId)];
      await insertForUser(store, newUser());
      await insertSession(store);
      const expired = await insertForUser(store, userId);
      await setTimes(expired.sessionId, { expires: expired.now });
      const deleted = await insertForUser(store, userId);
      await store.delete([deleted.sessionId]);
      const left = await insertForUser(store, userId);
      await store.write([{ ...attemptOn(left), identity: newIdentity({ userId: null }) }]);
      assert.deepEqual((await idsFor(store, userId)).sort(), own.map(({ sessionId }) => sessionId).sort());
    },
  },
  {
    name: "forUser brings the newest first",
    async run({ store, setTimes }) {
      if (!store.forUser) return;
      const userId = newUser();
      const ages = [20, 40, 10, 30];
      const ids: string[] = [];
      for (const age of ages) {
        const { sessionId, now } = await insertForUser(store, userId);
        // Used just now, and with more time left the older it is: neither is what counts.
        await setTimes(sessionId, {
          createdAt: now - age,
          visitedAt: now - 50 + age,
          expires: now + 100 + age,
        });
        ids.push(sessionId);
      }
      assert.deepEqual(
        await idsFor(store, userId),
        [2, 0, 3, 1].map((n) => ids[n]),
      );
    },
  },
  {
    name: "forUser takes users exactly: no space at the end, no other case, no other accent, no pattern",
    async run({ store }) {
      if (!store.forUser) return;
      const userId = `${newUser()}a`;
      const { sessionId } = await insertForUser(store, userId);
      const start = userId.slice(0, -1);
      for (const other of [`${userId} `, `${userId}   `, ` ${userId}`, userId.toUpperCase(), `${start}á`])
        await insertForUser(store, other);
      assert.deepEqual(await idsFor(store, userId), [sessionId]);
      for (const other of [`${start}%`, `${start}_`, start, `${userId}a`])
        assert.deepEqual(await idsFor(store, other), [], JSON.stringify(other));
    },
  },
  {
    name: "forUser has the same facts as load, and no values, hashes or revisions",
    async run({ store, setTimes }) {
      const userId = newUser();
      const { sessionId, now } = await insertForUser(store, userId, { client: { device: "Pixel 9" } });
      await setTimes(sessionId, { createdAt: now - 5000, visitedAt: now - 4000, expires: now + 60 });
      await store.touch([sessionId], { beginVisit: true });
      const found = await store.forUser?.(userId);
      if (!found) return;
      const { client, createdAt, visitedAt, previousVisitAt, expires } = await loadRow(store, sessionId);
      assert.deepEqual(
        found.map((each) => ({ ...each })),
        [{ sessionId, client, createdAt, visitedAt, previousVisitAt, expires }],
      );
    },
  },
  {
    name: "forUser with a page brings those behind `after` in the order of ids, or all of the user's sessions",
    async run({ store, setTimes }) {
      if (!store.forUser) return;
      const userId = newUser();
      const own: string[] = [];
      for (const age of [10, 40, 20, 30, 50]) {
        const { sessionId, now } = await insertForUser(store, userId);
        await setTimes(sessionId, { createdAt: now - age });
        own.push(sessionId);
      }
      own.sort();
      const gone = own.splice(2, 1)[0] as string;
      await store.delete([gone]);
      const pages: readonly [after: string | undefined, first: number][] = [
        [undefined, 0],
        [own[0], 1],
        [gone, 2],
        [own[3], 4],
      ];
      for (const [after, first] of pages) {
        for (const limit of [1, 2, 10]) {
          const page = { after, limit };
          const ids: string[] = (await store.forUser(userId, page)).map(({ sessionId }) => sessionId);
          // Of a store that does not heed the page, all of them serve.
          const behind = ids.sort().filter((id) => after === undefined || id > after);
          assert.deepEqual(behind.slice(0, limit), own.slice(first, first + limit));
        }
      }
    },
  },
];

/** Nobody's yet: rows of other cases are still there. */
export function newUser(): string {
  return `user-${randomBytes(6).toString("hex")}`;
}

/** A session of this user. */
export async function insertForUser(
  store: SessionStore,
  userId: string,
  given: Partial<NewSession> = {},
): Promise<SessionRow> {
  const row = await insertSession(store, given);
  assert.deepEqual(await store.write([{ ...attemptOn(row), identity: newIdentity({ userId }) }]), [true]);
  return loadRow(store, row.sessionId);
}

async function idsFor(store: SessionStore, userId: string): Promise<string[]> {
  return ((await store.forUser?.(userId)) ?? []).map(({ sessionId }) => sessionId);
}
