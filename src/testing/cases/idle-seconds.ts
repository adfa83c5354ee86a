import assert from "node:assert/strict";
import { lifeAfterTouch } from "../../row/expiration.js";
import type { Seconds, SessionRow, SessionStore, WriteAttempt } from "../../store.js";
import {
  anotherRevision,
  assertNear,
  attemptOn,
  comparable,
  insertSession,
  loadRow,
  newIdentity,
  newSession,
  toNumbers,
} from "../fixtures.js";
import { contractSettings, type StoreCase } from "../harness.js";

const { absoluteExpiration } = contractSettings;
/** How long a session of this idle time lives unless it is used. */
const lifeOf = (idleSeconds: Seconds | null) => lifeAfterTouch(idleSeconds, contractSettings);

export const idleSecondsCases: readonly StoreCase[] = [
  {
    name: "insert takes a session's own idle time, and none for none",
    async run({ store }) {
      for (const [idleSeconds, life] of [
        [60, lifeOf(60)],
        [3, lifeOf(3)],
        [absoluteExpiration + 1000, absoluteExpiration],
        [null, lifeOf(null)],
      ] as const) {
        const session = newSession({ idleSeconds });
        const [inserted] = await store.insert([session]);
        assert.ok(inserted);
        for (const each of [inserted, await loadRow(store, session.sessionId)]) {
          assert.equal(each.idleSeconds, idleSeconds);
          assertNear(each.expires, each.now + life, "expires");
        }
      }
    },
  },
  {
    name: "touch goes by a session's own idle time",
    async run({ store, setTimes }) {
      const brief = await insertSession(store, { idleSeconds: 600 });
      const long = await insertSession(store, { idleSeconds: absoluteExpiration });
      for (const { sessionId, now } of [brief, long])
        await setTimes(sessionId, { createdAt: now - 1000, expires: now + 60 });
      await store.touch([brief.sessionId, long.sessionId], { beginVisit: false });
      const [first, second] = [await loadRow(store, brief.sessionId), await loadRow(store, long.sessionId)];
      assertNear(first.expires, first.now + lifeOf(600), "expires");
      assertNear(second.expires, long.now - 1000 + absoluteExpiration, "expires");
    },
  },
  {
    name: "write with idleSeconds moves expires in the same step, also to an earlier time, and nothing else",
    async run({ store }) {
      let row = await insertSession(store, { data: '{"n":1}', client: { device: "Pixel 9" } });
      for (const [idleSeconds, life] of [
        [60, lifeOf(60)],
        [3, lifeOf(3)],
        [5000, lifeOf(5000)],
        [absoluteExpiration + 1000, absoluteExpiration],
        [null, lifeOf(null)],
      ] as const) {
        const { attempt, answer } = await writeIdle(store, row, idleSeconds);
        assert.deepEqual(answer, [true]);
        const after = await loadRow(store, row.sessionId);
        assertNear(after.expires, after.now + life, "expires");
        const { revision, data, writers } = attempt;
        const { expires } = after;
        const changed = { revision, data, writers: toNumbers(writers), idleSeconds, expires };
        assert.deepEqual(comparable(after), { ...comparable(row), ...changed });
        row = after;
      }
    },
  },
  {
    name: "write with idleSeconds keeps to the absolute expiration since creation",
    async run({ store, setTimes }) {
      const row = await insertSession(store);
      const createdAt = row.now - absoluteExpiration + 100;
      await setTimes(row.sessionId, { createdAt });
      await writeIdle(store, row, 3000);
      assert.equal((await loadRow(store, row.sessionId)).expires, createdAt + absoluteExpiration);
    },
  },
  {
    name: "write without idleSeconds leaves it and expires alone, with identity too",
    async run({ store, setTimes }) {
      const { sessionId, now } = await insertSession(store, { idleSeconds: 600 });
      await setTimes(sessionId, { expires: now + 1234 });
      await store.write([attemptOn(await loadRow(store, sessionId))]);
      const identity = newIdentity();
      await store.write([{ ...attemptOn(await loadRow(store, sessionId)), identity }]);
      const { idleSeconds, expires } = await loadRow(store, sessionId);
      assert.deepEqual([idleSeconds, expires], [600, now + 1234]);
    },
  },
  {
    name: "write with idleSeconds changes nothing where the revision is another, or the row has expired",
    async run({ store, setTimes }) {
      const row = await insertSession(store);
      const expired = await insertSession(store);
      await setTimes(expired.sessionId, { expires: expired.now - 1 });
      const given = { baseRevision: anotherRevision(row.revision) };
      const { answer } = await writeIdle(store, row, 60, given);
      assert.ok(!answer[0], "a write on another revision");
      assert.ok(!(await writeIdle(store, expired, 60)).answer[0], "a write on an expired row");
      assert.deepEqual(comparable(await loadRow(store, row.sessionId)), comparable(row));
      const after = comparable(await loadRow(store, expired.sessionId));
      assert.deepEqual(after, { ...comparable(expired), expires: expired.now - 1, data: null });
    },
  },
  {
    name: "write of a list gives each row its own idle time, or leaves it alone",
    async run({ store }) {
      const rows = [await insertSession(store), await insertSession(store), await insertSession(store)];
      const [one, two, three] = rows.map((row) => attemptOn(row)) as [
        WriteAttempt,
        WriteAttempt,
        WriteAttempt,
      ];
      await store.write([{ ...one, idleSeconds: 60 }, two, { ...three, idleSeconds: 70 }], {
        mayWait: false,
      });
      const after: SessionRow[] = [];
      for (const { sessionId } of rows) after.push(await loadRow(store, sessionId));
      assert.deepEqual(
        after.map(({ idleSeconds, revision }) => [idleSeconds, revision]),
        [
          [60, one.revision],
          [null, two.revision],
          [70, three.revision],
        ],
      );
    },
  },
];

async function writeIdle(
  store: SessionStore,
  row: SessionRow,
  idleSeconds: Seconds | null,
  given: Partial<WriteAttempt> = {},
) {
  const attempt: WriteAttempt = { ...attemptOn(row), idleSeconds, ...given };
  return { attempt, answer: await store.write([attempt]) };
}
