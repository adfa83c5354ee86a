import assert from "node:assert/strict";
import {
  AWKWARD,
  anotherRevision,
  assertMissing,
  attemptOn,
  comparable,
  insertSession,
  loadRow,
  newSession,
  ROUNDS,
  toNumbers,
} from "../fixtures.js";
import type { StoreCase } from "../harness.js";

export const writeCases: readonly StoreCase[] = [
  {
    name: "write takes effect where the revision is the base, and changes nothing else",
    async run({ store, setTimes }) {
      const { sessionId, now } = await insertSession(store, { client: { device: "Pixel 9" } });
      await setTimes(sessionId, { expires: now + 60, createdAt: now - 200, visitedAt: now - 100 });
      const row = await loadRow(store, sessionId);
      const attempt = attemptOn(row);
      assert.deepEqual(await store.write([attempt]), [true]);
      const { revision, data, writers } = attempt;
      const expected = { ...comparable(row), revision, data, writers: toNumbers(writers) };
      assert.deepEqual(comparable(await loadRow(store, sessionId)), expected);
      assert.deepEqual(
        await store.write([attempt]),
        [false],
        "the same attempt again finds another revision",
      );
    },
  },
  {
    name: "write refuses another revision and leaves the row alone",
    async run({ store }) {
      const row = await insertSession(store, { data: '{"kept":1}' });
      const attempt = attemptOn(row, { baseRevision: anotherRevision(row.revision) });
      assert.deepEqual(await store.write([attempt]), [false]);
      assert.deepEqual(comparable(await loadRow(store, row.sessionId)), comparable(row));
    },
  },
  {
    name: "write carries the largest revision exactly",
    async run({ store }) {
      const row = await insertSession(store, { revision: 2 ** 53 - 1 });
      assert.deepEqual(await store.write([attemptOn(row, { revision: 2 ** 53 - 2 })]), [true]);
      assert.equal((await loadRow(store, row.sessionId)).revision, 2 ** 53 - 2);
    },
  },
  {
    name: "write carries 64 KiB of awkward text exactly",
    async run({ store }) {
      const row = await insertSession(store);
      const times = Math.ceil(65_536 / AWKWARD.length);
      const data = `{"all":[${Array.from({ length: times }, () => AWKWARD).join(",")}]}`;
      assert.deepEqual(await store.write([attemptOn(row, { data })]), [true]);
      assert.equal((await loadRow(store, row.sessionId)).data, data);
    },
  },
  {
    name: "write of {} leaves exactly {}",
    async run({ store }) {
      const row = await insertSession(store, { data: '{"userId":7,"cart":["a"]}' });
      assert.deepEqual(await store.write([attemptOn(row, { data: "{}" })]), [true]);
      assert.equal((await loadRow(store, row.sessionId)).data, "{}");
    },
  },
  {
    name: "write never inserts",
    async run({ store }) {
      for (const revision of [0, newSession().revision]) {
        const session = newSession({ revision });
        assert.deepEqual(await store.write([attemptOn(session)]), [false]);
        await assertMissing(store, session.sessionId);
      }
    },
  },
  {
    name: "write never brings an expired row back",
    async run({ store, setTimes }) {
      const row = await insertSession(store);
      await setTimes(row.sessionId, { expires: row.now - 1 });
      assert.deepEqual(await store.write([attemptOn(row)]), [false]);
      const after = await loadRow(store, row.sessionId);
      assert.deepEqual(comparable(after), { ...comparable(row), expires: row.now - 1, data: null });
    },
  },
  {
    name: "write answers a list entry by entry, in order",
    async run({ store }) {
      const sessions = [newSession(), newSession(), newSession(), newSession()];
      await store.insert(sessions);
      const attempts = sessions.map((session, n) =>
        attemptOn(session, n === 1 ? { baseRevision: anotherRevision(session.revision) } : {}),
      );
      const answers = await store.write(attempts);
      assert.equal(answers.length, attempts.length);
      // Where it went out together with others, a store may not know.
      for (const [n, answer] of answers.entries())
        assert.ok(answer === undefined || answer === (n !== 1), `answer ${n} is ${answer}`);
      for (const [n, session] of sessions.entries()) {
        const { revision, data } = (n === 1 ? session : attempts[n]) ?? session;
        const after = await loadRow(store, session.sessionId);
        assert.deepEqual([after.revision, after.data], [revision, data], `row ${n} of the list`);
      }
    },
  },
  {
    name: "write of a list that matches as a whole says so, and each row gets its own",
    async run({ store }) {
      // One revision for all: rows that something else has made may have any.
      const revision = anotherRevision(0);
      const lengths = [0, 70_000, 1, 300, 40_000, 2];
      const sessions = lengths.map(() => newSession({ revision }));
      await store.insert(sessions);
      const attempts = sessions.map((session, n) =>
        attemptOn(session, { data: `{"n":${n},"all":[${AWKWARD}],"long":"${"é".repeat(lengths[n] ?? 0)}"}` }),
      );
      assert.deepEqual(
        await store.write(attempts, { mayWait: false }),
        attempts.map(() => true),
      );
      for (const attempt of attempts) {
        const after = await loadRow(store, attempt.sessionId);
        assert.deepEqual([after.revision, after.data], [attempt.revision, attempt.data]);
        assert.deepEqual(toNumbers(after.writers), toNumbers(attempt.writers));
      }
    },
  },
  {
    name: "write that may not wait does the same",
    async run({ store }) {
      const row = await insertSession(store);
      const attempt = attemptOn(row);
      assert.deepEqual(await store.write([attempt], { mayWait: false }), [true]);
      assert.equal((await loadRow(store, row.sessionId)).data, attempt.data);
      assert.ok(!(await store.write([attempt], { mayWait: false }))[0], "the revision is another by now");
      assert.equal((await loadRow(store, row.sessionId)).revision, attempt.revision);
    },
  },
  {
    name: "of writes on one base at once exactly one takes effect",
    async run({ store }) {
      for (let round = 0; round < ROUNDS; round++) {
        const row = await insertSession(store);
        const rivals = Array.from({ length: 2 + (round % 4) }, (_, n) =>
          attemptOn(row, { data: `{"key${n}":${n}}` }),
        );
        const answers = await Promise.all(rivals.map((attempt) => store.write([attempt])));
        const winners = rivals.filter((_, n) => answers[n]?.[0]);
        assert.equal(winners.length, 1, "writes on one base that say that they took effect");
        const after = await loadRow(store, row.sessionId);
        assert.equal(after.data, winners[0]?.data);
        assert.equal(after.revision, winners[0]?.revision);
        assert.deepEqual(toNumbers(after.writers), toNumbers(winners[0]?.writers));
      }
    },
  },
];
