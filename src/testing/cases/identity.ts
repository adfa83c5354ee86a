import assert from "node:assert/strict";
import type { Identity } from "../../store.js";
import {
  anotherRevision,
  assertMissing,
  attemptOn,
  comparable,
  insertSession,
  loadRow,
  newIdentity,
  newSession,
  ROUNDS,
  toNumbers,
} from "../fixtures.js";
import type { StoreCase } from "../harness.js";

export const identityCases: readonly StoreCase[] = [
  {
    name: "write with identity changes the user and the three hashes, each to what it is told, null too",
    async run({ store }) {
      let row = await insertSession(store, { data: '{"n":1}', client: { device: "Pixel 9" } });
      const whole = newIdentity({ userId: `${"x".repeat(100)} 😀'"\\${"é".repeat(20)}` });
      const { secretHash, nextHash } = newIdentity();
      for (const identity of [
        whole,
        { ...whole, nextHash: null },
        { userId: null, secretHash, nextHash, previousHash: null },
        { userId: null, secretHash: null, nextHash: null, previousHash: null },
        newIdentity(),
      ]) {
        const attempt = { ...attemptOn(row), identity };
        assert.deepEqual(await store.write([attempt]), [true]);
        const { revision, data, writers } = attempt;
        const expected = {
          ...comparable(row),
          revision,
          data,
          writers: toNumbers(writers),
          ...plain(identity),
        };
        row = await loadRow(store, row.sessionId);
        assert.deepEqual(comparable(row), expected);
      }
    },
  },
  {
    name: "write without identity leaves the user and the hashes alone",
    async run({ store }) {
      const { sessionId, ...begun } = await insertSession(store);
      const identity = newIdentity();
      await store.write([{ ...attemptOn({ sessionId, ...begun }), identity }]);
      await store.write([attemptOn(await loadRow(store, sessionId))]);
      const { userId, secretHash, nextHash, previousHash } = await loadRow(store, sessionId);
      assert.deepEqual(plain({ userId, secretHash, nextHash, previousHash }), plain(identity));
    },
  },
  {
    name: "write with identity changes nothing where the revision is another, the row has expired, or there is none",
    async run({ store, setTimes }) {
      const row = await insertSession(store);
      const expired = await insertSession(store);
      await setTimes(expired.sessionId, { expires: expired.now - 1 });
      const missing = newSession();
      const attempts = [
        attemptOn(row, { baseRevision: anotherRevision(row.revision) }),
        attemptOn(expired),
        attemptOn(missing),
      ].map((attempt) => ({ ...attempt, identity: newIdentity() }));
      for (const answer of await store.write(attempts)) assert.ok(!answer, "a write that was refused");
      assert.deepEqual(comparable(await loadRow(store, row.sessionId)), comparable(row));
      const after = comparable(await loadRow(store, expired.sessionId));
      assert.deepEqual(after, { ...comparable(expired), expires: expired.now - 1, data: null });
      await assertMissing(store, missing.sessionId);
    },
  },
  {
    name: "nobody ever sees a written revision without its user and hashes, or these without it",
    async run({ store }) {
      for (let round = 0; round < ROUNDS; round++) {
        const row = await insertSession(store);
        const rivals = [0, 1].map((n) => ({
          ...attemptOn(row),
          identity: newIdentity({ userId: `rival ${n}` }),
        }));
        const known = new Map(
          [row, ...rivals.map(({ revision, identity }) => ({ revision, ...identity }))].map(
            ({ revision, userId, secretHash, nextHash, previousHash }) => [
              revision,
              plain({ userId, secretHash, nextHash, previousHash }),
            ],
          ),
        );
        const look = async () => {
          for (let n = 0; n < 3; n++) {
            const { revision, userId, secretHash, nextHash, previousHash } = await loadRow(
              store,
              row.sessionId,
            );
            assert.deepEqual(plain({ userId, secretHash, nextHash, previousHash }), known.get(revision));
          }
        };
        const writes = rivals.map((attempt) => store.write([attempt]));
        await Promise.all([...writes, look(), look()]);
        await look();
      }
    },
  },
];

function plain(identity: Identity): Record<string, unknown> {
  const { userId, secretHash, nextHash, previousHash } = identity;
  return {
    userId,
    secretHash: toNumbers(secretHash),
    nextHash: toNumbers(nextHash),
    previousHash: toNumbers(previousHash),
  };
}
