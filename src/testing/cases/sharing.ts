import assert from "node:assert/strict";
import type { UserSession } from "../../store.js";
import { attemptOn, comparable, insertSession, loadRow, newIdentity, newSession } from "../fixtures.js";
import type { StoreCase } from "../harness.js";
import { insertForUser, newUser } from "./for-user.js";

const client = { device: "Pixel 9" };

export const sharingCases: readonly StoreCase[] = [
  {
    name: "what was handed in to insert, and what it gave, is not shared with the store",
    async run({ store }) {
      const session = newSession({ data: '{"n":1}', client: { ...client } });
      const list = [session];
      const inserted = await store.insert(list);
      const before = comparable(await loadRow(store, session.sessionId));
      assert.deepEqual(before["client"], client);
      list.length = 0;
      overwrite(inserted[0]);
      overwrite(session);
      assert.deepEqual(comparable(await loadRow(store, String(before["sessionId"]))), before);
    },
  },
  {
    name: "what load gave is not shared with the store",
    async run({ store }) {
      const { sessionId } = await insertForUser(store, newUser(), { data: '{"n":1}', client: { ...client } });
      const ids = [sessionId];
      const rows = await store.load(ids);
      const before = comparable(rows[0] as (typeof rows)[0]);
      ids.length = 0;
      overwrite(rows[0]);
      rows.length = 0;
      assert.deepEqual(comparable(await loadRow(store, sessionId)), before);
    },
  },
  {
    name: "what was handed in to write is not shared with the store",
    async run({ store }) {
      const { sessionId, ...row } = await insertSession(store);
      const attempts = [{ ...attemptOn({ sessionId, ...row }), identity: newIdentity() }];
      const answers = await store.write(attempts);
      assert.deepEqual(answers, [true]);
      const before = comparable(await loadRow(store, sessionId));
      overwrite(attempts[0]);
      attempts.length = 0;
      answers.length = 0;
      assert.deepEqual(comparable(await loadRow(store, sessionId)), before);
    },
  },
  {
    name: "what loadRevisions gave is not shared with the store",
    async run({ store }) {
      const { sessionId } = await insertSession(store);
      const before = comparable(await loadRow(store, sessionId));
      const seen = (await store.loadRevisions?.([sessionId])) ?? [];
      overwrite(seen[0]);
      seen.length = 0;
      assert.deepEqual(comparable(await loadRow(store, sessionId)), before);
    },
  },
  {
    name: "what list gave is not shared with the store",
    async run({ store }) {
      const { sessionId } = await insertForUser(store, newUser(), { client: { ...client } });
      const before = comparable(await loadRow(store, sessionId));
      const rows = (await store.list?.({ limit: 1000 })) ?? [];
      overwrite(rows.find((row) => row.sessionId === sessionId));
      rows.length = 0;
      assert.deepEqual(comparable(await loadRow(store, sessionId)), before);
    },
  },
  {
    name: "what forUser gave is not shared with the store",
    async run({ store }) {
      const userId = newUser();
      const { sessionId } = await insertForUser(store, userId, { client: { ...client } });
      const before = comparable(await loadRow(store, sessionId));
      const list = async () => (await store.forUser?.(userId)) ?? [];
      const copies = (found: UserSession[]) =>
        found.map(({ client, ...each }) => ({ ...each, client: client && { ...client } }));
      const found = await list();
      const seen = copies(found);
      overwrite(found[0]);
      found.length = 0;
      assert.deepEqual(comparable(await loadRow(store, sessionId)), before);
      assert.deepEqual(copies(await list()), seen);
    },
  },
];

/** Changes whatever of an object can be changed; one that is frozen stays as it is, which is as good. */
function overwrite(thing: object | null | undefined): void {
  if (!thing) return;
  for (const [name, value] of Object.entries(thing)) {
    if (value instanceof Uint8Array) value.fill(0xee);
    else if (typeof value === "object") overwrite(value);
    Reflect.set(thing, name, typeof value === "number" ? 1 : "scribbled");
  }
}
