import * as fc from "fast-check";
import type { Identity, NewSession, WriteAttempt } from "../../../src/store.js";
import type { RecordedStore } from "./recorded-store.js";

/**
 * Few of each, so that they meet. The last ids are such as the old package has, and one that is no id of
 * ours.
 */
const IDS = ["0a", "0b", "0c", "0d", "0e", "f0"].map((end) => end.padStart(32, "0"));
const OLD_IDS = ["legacy-token", "Legacy-token", "legacy-token "];
const USERS = ["ann", "Ann", "ann ", "änn", "o'hara\\"];
const TEXTS = ["{}", '{"a":1}', '{"text":"\'\\"\\\\ %_ 😀"}'];
const LIVES = [0, 1, 5, 600, 4_000];

const oneOf = <Value>(values: readonly Value[]) => fc.constantFrom(...values);
const hash = oneOf([1, 2, 3]).map((byte) => Buffer.alloc(32, byte));
const some = <Value>(one: fc.Arbitrary<Value>, maxLength = 4) =>
  fc.uniqueArray(one, { minLength: 1, maxLength, comparator: "IsStrictlyEqual" });
const ids = some(oneOf([...IDS, ...OLD_IDS]));
const writers = oneOf([0, 1, 8]).map((entries) => Buffer.alloc(16 * entries, entries));
const revision = oneOf([1, 5, 2 ** 48 + 1, 2 ** 53 - 1]);
const idle = oneOf([null, ...LIVES]);
const identity: fc.Arbitrary<Identity> = fc.record({
  userId: fc.option(oneOf(USERS)),
  secretHash: fc.option(hash),
  nextHash: fc.option(hash),
  previousHash: fc.option(hash),
});

/** One thing that is asked of the store, or done to the rows. */
export type Step = (on: RecordedStore) => Promise<void>;

/** A step that shows in a report what it is. */
function step(what: string, given: unknown, run: Step): Step {
  return Object.assign(run, { [fc.toStringMethod]: () => `${what} ${fc.stringify(given)}` });
}

const insert = fc
  .uniqueArray(
    fc.record({
      sessionId: oneOf(IDS),
      secretHash: hash,
      data: oneOf(TEXTS),
      client: oneOf([null, { device: "Pixel 9" }]),
      idleSeconds: idle,
      revision,
      writers,
    }),
    { minLength: 1, maxLength: 4, selector: ({ sessionId }) => sessionId },
  )
  .map((sessions) =>
    step("insert", sessions, (on) => on.run((store) => store.insert(sessions as NewSession[]))),
  );

/** `isRight`: made on the row as it is. */
const attempts = fc.uniqueArray(
  fc.record({
    sessionId: oneOf(IDS),
    isRight: oneOf([true, true, true, false]),
    revision,
    data: oneOf(TEXTS),
    writers,
    identity: fc.option(identity, { nil: undefined, freq: 4 }),
    idleSeconds: fc.option(idle, { nil: undefined, freq: 4 }),
  }),
  { minLength: 1, maxLength: 5, selector: ({ sessionId }) => sessionId },
);
const write = fc.tuple(attempts, fc.boolean()).map(([given, mayWait]) =>
  step("write", { given, mayWait }, (on) => {
    const made = given.map(({ isRight, identity, idleSeconds, ...rest }): WriteAttempt => {
      const base = Number(on.database.row(rest.sessionId)?.["revision"] ?? 7);
      // Each write brings another revision.
      const revision = rest.revision === base ? rest.revision - 1 : rest.revision;
      return {
        ...rest,
        revision,
        baseRevision: isRight ? base : base + 1,
        ...(identity && { identity }),
        ...(idleSeconds !== undefined && { idleSeconds }),
      };
    });
    return on.run((store) => store.write(made, { mayWait }));
  }),
);

const touch = fc
  .tuple(ids, fc.boolean())
  .map(([ids, beginVisit]) =>
    step("touch", { ids, beginVisit }, (on) => on.run((store) => store.touch(ids, { beginVisit }))),
  );
const remove = fc
  .tuple(ids, fc.record({ onlyExpired: fc.boolean(), mayWait: fc.boolean() }))
  .map(([ids, options]) =>
    step("delete", { ids, options }, (on) => on.run((store) => store.delete(ids, options))),
  );
const reads = fc.oneof(
  ids.map((ids) => step("load", ids, (on) => on.run((store) => store.load(ids)))),
  ids.map((ids) => step("loadRevisions", ids, (on) => on.run((store) => store.loadRevisions(ids)))),
  fc
    .record({ after: oneOf(["", ...IDS]), limit: oneOf([1, 2, 10]), values: fc.boolean() })
    .map((options) => step("list", options, (on) => on.run((store) => store.list(options)))),
  fc.constant(step("count", "", (on) => on.run((store) => store.count()))),
  oneOf(USERS).map((user) => step("forUser", user, (on) => on.run((store) => store.forUser(user)))),
);
const prune = fc
  .record({ expiredFor: oneOf([0, 1, 600]), limit: oneOf([1, 10]) })
  .map((options) => step("prune", options, (on) => on.run((store) => store.prune(options))));
const adopt = fc
  .uniqueArray(fc.record({ text: oneOf(OLD_IDS), sessionId: oneOf(IDS), secretHash: hash }), {
    minLength: 1,
    maxLength: 2,
    selector: ({ text }) => text,
  })
  .map((legacy) => step("adopt", legacy, (on) => on.run((store) => store.adopt(legacy))));

/** What the old package has written. */
const old = fc
  .record({ id: oneOf(OLD_IDS), life: oneOf(LIVES), data: fc.option(oneOf(TEXTS)) })
  .map(({ id, life, data }) =>
    step("an old row", { id, life, data }, (on) =>
      on.query("insert into `session` (`sessionId`, expires, data) values (?, unix_timestamp() + ?, ?)", [
        id,
        life,
        data,
      ]),
    ),
  );
const COLUMNS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  revision: oneOf([0, 3, 2 ** 48 + 5]),
  data: oneOf([null, ...TEXTS]),
  userId: oneOf([null, ...USERS]),
  secretHash: oneOf([null, Buffer.alloc(32, 9)]),
  idleSeconds: idle,
  visitedAt: oneOf([0, 1_000]),
};
const edit = fc
  .tuple(oneOf(IDS), oneOf(Object.keys(COLUMNS)))
  .chain(([id, column]) => (COLUMNS[column] as fc.Arbitrary<unknown>).map((value) => ({ id, column, value })))
  .map(({ id, column, value }) =>
    step("an edit", { id, column, value }, (on) =>
      on.query(`update \`session\` set ${column} = ? where sessionId = ?`, [value, id]),
    ),
  );
const wait = oneOf([1, 5, 700, 5_000]).map((seconds) =>
  step("wait", seconds, async (on) => on.wait(seconds)),
);

/** What our code sends, in any order. */
export const schedules = fc.array(
  fc.oneof(
    { arbitrary: insert, weight: 5 },
    { arbitrary: write, weight: 6 },
    { arbitrary: reads, weight: 5 },
    { arbitrary: touch, weight: 3 },
    { arbitrary: remove, weight: 2 },
    { arbitrary: wait, weight: 2 },
    { arbitrary: edit, weight: 2 },
    { arbitrary: prune, weight: 1 },
    { arbitrary: old, weight: 1 },
    { arbitrary: adopt, weight: 1 },
  ),
  { minLength: 1, maxLength: 25, size: "max" },
);
